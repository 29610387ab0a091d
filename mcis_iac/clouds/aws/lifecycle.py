"""The state of instances on EC2: one question per region for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mcis_iac.clouds.aws.credentials import Access, translated
from mcis_iac.clouds.base import Observed
from mcis_iac.model import Connection, Status, Vm

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


def observe(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Observed]:
    """Per VM name; a VM that EC2 does not know is TERMINATED."""
    if not vms:
        return {}
    access = Access(connection)
    known: dict[str, Observed] = {}
    with translated(connection):
        for region in sorted({vm.region for vm in vms}):
            ids = [vm.id for vm in vms if vm.region == region]
            for instance in _instances(access.client("ec2", region), ids):
                known[instance["InstanceId"]] = _observed(instance)
    return {vm.name: known.get(vm.id, GONE) for vm in vms}


def notices(_: Connection) -> Sequence[str]:
    """Nothing: what is different here is known from the manifest."""
    return ()


def _instances(client: Any, ids: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    pages = client.get_paginator("describe_instances")
    for start in range(0, len(ids), FILTER_VALUES):
        chunk = {"Name": "instance-id", "Values": list(ids[start : start + FILTER_VALUES])}
        for page in pages.paginate(Filters=[chunk]):
            for reservation in page["Reservations"]:
                yield from reservation["Instances"]


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
