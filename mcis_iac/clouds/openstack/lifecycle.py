"""The state of servers, one question per region for all of them, and their power."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcis_iac.clouds.base import Observed
from mcis_iac.clouds.common.together import together
from mcis_iac.clouds.openstack import power, session
from mcis_iac.clouds.openstack.states import status_of
from mcis_iac.errors import OperationError
from mcis_iac.model import Connection, Failure, Status, Vm

GONE = Observed(status=Status.TERMINATED, native="not found")
NOT_FOUND = 404


def observe(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Observed]:
    """Per VM name; a VM the cloud does not know is TERMINATED."""
    regions = list(dict.fromkeys(vm.region for vm in vms))
    found = together(regions, lambda region: _in_region(connection, region, vms))
    return {name: seen for some in found for name, seen in some.items()}


def stop(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Stop servers, never Nova's suspend: the provider cannot read a server in that state."""
    return power.act(connection, vms, "suspend")


def start(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Start stopped servers; what somebody else suspended, paused or shelved is woken as well."""
    return power.act(connection, vms, "resume")


def reboot(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Ask the systems of running servers to restart; Nova turns to force where they do not."""
    return power.act(connection, vms, "reboot")


def console(connection: Connection, vm: Vm) -> str:
    """All that the hypervisor kept of the console."""
    return power.console(connection, vm)


def notices(_connection: Connection) -> Sequence[str]:
    """Nothing: every OpenStack does what it says."""
    return ()


def _in_region(connection: Connection, region: str, vms: Sequence[Vm]) -> Mapping[str, Observed]:
    here = [vm for vm in vms if vm.region == region]
    with session.opened(connection, region) as cloud:
        servers = power.listed(connection, cloud)
        missing = [vm for vm in here if vm.id not in servers]
        # A cell that is down is left out of lists without a word, and so is a server of this second.
        alone = together(missing, lambda vm: _alone(connection, cloud, vm))
    news = {vm.name: seen for vm, seen in zip(missing, alone, strict=True)}
    return {vm.name: news.get(vm.name) or _observed(servers[vm.id], vm) for vm in here}


def _alone(connection: Connection, cloud: Any, vm: Vm) -> Observed:
    try:
        server = session.patient(connection, lambda: cloud.compute.get_server(vm.id))
    except OperationError as error:
        if session.status(error) != NOT_FOUND:
            raise
        return GONE
    return _observed(server, vm)


def _observed(server: Any, vm: Vm) -> Observed:
    status, task = str(server.status), server.task_state
    # A server's list of addresses shows its floating one late; the recorded one stays with it.
    return Observed(
        status=status_of(status, task),
        native=f"{status} ({task})" if task else status,
        public_ip=_floating(server) or vm.public_ip,
        created_at=server.created_at,
        detail=str((server.fault or {}).get("message", "")),
    )


def _floating(server: Any) -> str | None:
    for addresses in (server.addresses or {}).values():
        for address in addresses:
            if address.get("OS-EXT-IPS:type") == "floating":
                return str(address["addr"])
    return None
