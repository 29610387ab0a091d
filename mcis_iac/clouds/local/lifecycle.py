"""The state of machines on the embedded cloud, in one question for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mcis_iac.clouds.base import Observed
from mcis_iac.clouds.local.site import translated
from mcis_iac.model import Connection, Status, Vm

STATUS = MappingProxyType(
    {"pending": Status.CREATING, "running": Status.RUNNING, "stopped": Status.SUSPENDED}
)
GONE = Observed(status=Status.TERMINATED, native="not found")
FULL = "netns"


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
    )


def notices(connection: Connection) -> Sequence[str]:
    """What a less than full backend means for the user, and why it was chosen."""
    with translated(connection) as cloud:
        backend, reason = cloud.backend, cloud.reason
    return () if backend == FULL else (f"local: backend {backend}: {reason}",)
