"""Deallocating, starting and restarting machines on Azure: one call per machine, many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mcis_iac.clouds.azure import arm
from mcis_iac.clouds.azure.arm import ACCEPTED, Arm, NotThere
from mcis_iac.clouds.common.power import each
from mcis_iac.errors import OperationError
from mcis_iac.model import Connection, Failure, Vm

KIND = "Microsoft.Compute/virtualMachines"
# What is only powered off is still paid for.
VERBS = MappingProxyType({"suspend": "deallocate", "resume": "start", "reboot": "restart"})
# A start that finds no room says so in its operation, some time after it was accepted.
WITHIN_S = {"suspend": 0.0, "resume": 12.0, "reboot": 0.0}
LOG = "serialConsoleLogBlobUri"


def act(connection: Connection, vms: Sequence[Vm], stage: str) -> Mapping[str, Failure]:
    """Suspend, resume or reboot them."""
    if not vms:
        return {}
    with Arm(connection) as cloud:

        def begin(vm: Vm) -> None:
            if not vm.id.startswith("/"):
                raise NotThere(summary="not found on Azure", detail=f"{connection.name}: no machine {vm.id}")
            answer = cloud.post(f"{vm.id}/{VERBS[stage]}", version=arm.version(KIND))
            if answer.status_code == ACCEPTED and WITHIN_S[stage]:
                cloud.settled(answer.headers, WITHIN_S[stage])

        return each(vms, begin, stage=stage)


def console(connection: Connection, vm: Vm) -> str:
    """The serial log that boot diagnostics keep; "" where they are off."""
    with Arm(connection) as cloud:
        try:
            answer = cloud.post(f"{vm.id}/retrieveBootDiagnosticsData", version=arm.version(KIND))
        except NotThere:
            raise
        except OperationError:
            return ""
        return cloud.text(str(answer.json()[LOG])) if answer.json().get(LOG) else ""
