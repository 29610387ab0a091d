"""Stopping, starting and rebooting machines on Google Cloud: one operation per machine, many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mcis_iac.clouds.common.power import each
from mcis_iac.clouds.gcp.api import Api, relative
from mcis_iac.model import Connection, Failure, Vm

# A start that finds no room says so in its operation, a few seconds after it was accepted.
WITHIN_S = {"suspend": 0.0, "resume": 10.0, "reboot": 0.0}


def act(
    connection: Connection, vms: Sequence[Vm], stage: str, verb: Callable[[Vm], str]
) -> Mapping[str, Failure]:
    """Begin the verb ("stop", "start", "resume", "reset"; "" = nothing to do) of each machine."""
    if not vms:
        return {}
    with Api(connection) as api:

        def begin(vm: Vm) -> None:
            if verb(vm):
                operation = api.post(f"{relative(vm.id)}/{verb(vm)}")
                api.settled(operation, WITHIN_S[stage])

        return each(vms, begin, stage=stage)


def console(connection: Connection, vm: Vm) -> str:
    """The last mebibyte that the machine wrote to its first serial port."""
    with Api(connection) as api:
        return str(api.get(f"{relative(vm.id)}/serialPort", port="1").get("contents", ""))
