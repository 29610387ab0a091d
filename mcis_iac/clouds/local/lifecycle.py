"""The state of machines on the embedded cloud and their power, in one call for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from mcis_iac.clouds.base import Observed
from mcis_iac.clouds.local.site import translated
from mcis_iac.errors import OperationError
from mcis_iac.model import Connection, Failure, Status, Vm

if TYPE_CHECKING:
    from mcis_iac.local_cloud.types import LocalCloudError

STATUS = MappingProxyType(
    {"pending": Status.CREATING, "running": Status.RUNNING, "stopped": Status.SUSPENDED}
)
GONE = Observed(status=Status.TERMINATED, native="not found")
FULL = "netns"
# Words of the cloud that are reasons to everybody.
REASONS = frozenset({"quota", "capacity"})


def observe(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Observed]:
    """Per VM name; a VM the cloud does not know is TERMINATED."""
    if not vms:
        return {}
    with translated(connection) as cloud:
        known = {instance.id: instance for instance in cloud.instances({})}
    return {vm.name: _observed(known.get(vm.id)) for vm in vms}


def _observed(instance: object | None) -> Observed:
    from mcis_iac.local_cloud.types import Instance

    if not isinstance(instance, Instance):
        return GONE
    return Observed(
        status=STATUS[instance.state],
        native=instance.state,
        public_ip=instance.public_ip,
        created_at=instance.created_at,
        booted_at=instance.booted_at,
    )


def stop(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Stop them; they are stopped when this returns."""
    return _power(connection, vms, "stop", "suspend")


def start(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Start stopped ones; their login servers answer when this returns."""
    return _power(connection, vms, "start", "resume")


def reboot(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Stop and start them; their login servers answer when this returns."""
    return _power(connection, vms, "reboot", "reboot")


def console(connection: Connection, vm: Vm) -> str:
    """The end of what the machine wrote, a mebibyte at most."""
    with translated(connection) as cloud:
        return cloud.console(vm.id)


def _power(connection: Connection, vms: Sequence[Vm], action: str, stage: str) -> Mapping[str, Failure]:
    if not vms:
        return {}
    try:
        with translated(connection) as cloud:
            refused = cloud.power(action, [vm.id for vm in vms])
    except OperationError as error:
        failure = Failure(code="other", stage=stage, message=error.detail or error.summary)
        return {vm.name: failure for vm in vms}
    return {vm.name: _failure(refused[vm.id], stage) for vm in vms if vm.id in refused}


def _failure(error: LocalCloudError, stage: str) -> Failure:
    code = error.code if error.code in REASONS else "other"
    return Failure(code=code, stage=stage, message=error.message)


def notices(connection: Connection) -> Sequence[str]:
    """What a less than full backend means for the user, and why it was chosen."""
    with translated(connection) as cloud:
        backend, reason = cloud.backend, cloud.reason
    return () if backend == FULL else (f"local: backend {backend}: {reason}",)
