"""The state of instances on EC2, one question per region for all of them, and their power."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mcis_iac.clouds.aws import power
from mcis_iac.clouds.aws.credentials import Access, translated
from mcis_iac.clouds.base import Observed
from mcis_iac.clouds.common.together import together
from mcis_iac.model import Connection, Failure, Status, Vm

STATUS = MappingProxyType(
    {
        "pending": Status.CREATING,
        "running": Status.RUNNING,
        "stopping": Status.SUSPENDING,
        "stopped": Status.SUSPENDED,
        "shutting-down": Status.TERMINATING,
        "terminated": Status.TERMINATED,
    }
)
GONE = Observed(status=Status.TERMINATED, native="not found")
# A filter takes this many values; unlike a list of ids it does not mind the unknown ones.
FILTER_VALUES = 200
THEIR_FAULT = "Server."
NEWS_S = 0.5


def observe(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Observed]:
    """Per VM name; a VM that EC2 does not know is TERMINATED."""
    if not vms:
        return {}
    access = Access(connection)
    ids = {
        region: [vm.id for vm in vms if vm.region == region] for region in sorted({vm.region for vm in vms})
    }
    with translated(connection):
        # Sessions are for one thread, clients for many.
        asked = [(access.client("ec2", region), chunk) for region in ids for chunk in _chunks(ids[region])]
        known = {id: seen for found in together(asked, _asked) for id, seen in found.items()}
    return {vm.name: known.get(vm.id, GONE) for vm in vms}


def stop(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Stop instances; one that is stopped stays so. A one-time spot machine cannot be stopped."""
    return power.act(connection, vms, "suspend")


def start(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Start stopped instances; one that runs stays so."""
    return power.act(connection, vms, "resume")


def reboot(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Ask the systems of running instances to restart; no state of EC2 ever shows it."""
    return power.act(connection, vms, "reboot")


def console(connection: Connection, vm: Vm) -> str:
    """What EC2 has of the machine's console, 64 KiB at most; "" in a machine's first minutes."""
    return power.console(connection, vm)


def notices(_: Connection) -> Sequence[str]:
    """Nothing: what is different here is known from the manifest."""
    return ()


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), FILTER_VALUES):
        yield ids[start : start + FILTER_VALUES]


def _asked(question: tuple[Any, Sequence[str]]) -> Mapping[str, Observed]:
    """What a region says of these ids, asked twice about what it has not heard of yet."""
    client, ids = question
    known = dict(_instances(client, ids))
    missing = [id for id in ids if id not in known]
    if missing:
        # A machine is not in every list from its first second.
        time.sleep(NEWS_S)
        known |= dict(_instances(client, missing))
    return known


def _instances(client: Any, ids: Iterable[str]) -> Iterator[tuple[str, Observed]]:
    chosen = {"Name": "instance-id", "Values": list(ids)}
    for page in client.get_paginator("describe_instances").paginate(Filters=[chosen]):
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                yield str(instance["InstanceId"]), _observed(instance)


def _observed(instance: Mapping[str, Any]) -> Observed:
    native = str(instance["State"]["Name"])
    reason = instance.get("StateReason") or {}
    status = STATUS.get(native, Status.UNDEFINED)
    detail = ""
    if str(reason.get("Code", "")).startswith(THEIR_FAULT):
        # Not the user's doing: no capacity, broken hardware, a spot VM taken back.
        detail = str(reason.get("Message", ""))
        status = Status.FAILED if status is Status.TERMINATED else status
    return Observed(
        status=status, native=native, public_ip=instance.get("PublicIpAddress") or None, detail=detail
    )
