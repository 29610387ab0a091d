"""The state of servers, one question per region for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcis_iac.clouds.base import Observed
from mcis_iac.clouds.openstack import datafiles, session
from mcis_iac.model import Connection, Status, Vm

GONE = Observed(status=Status.TERMINATED, native="not found")


def observe(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Observed]:
    """Per VM name; a VM the cloud does not know is TERMINATED."""
    found: dict[str, Observed] = {}
    for region in dict.fromkeys(vm.region for vm in vms):
        with session.opened(connection, region) as cloud:
            servers = {server.id: server for server in cloud.compute.servers(details=True)}
        here = (vm for vm in vms if vm.region == region)
        found |= {vm.name: _observed(servers.get(vm.id), vm) for vm in here}
    return found


def notices(_connection: Connection) -> Sequence[str]:
    """Nothing: every OpenStack does what it says."""
    return ()


def _observed(server: Any, vm: Vm) -> Observed:
    if server is None:
        return GONE
    status, task = str(server.status), server.task_state
    # A server's list of addresses shows its floating one late; the recorded one stays with it.
    return Observed(
        status=status_of(status, task),
        native=f"{status} ({task})" if task else status,
        public_ip=_floating(server) or vm.public_ip,
        created_at=server.created_at,
        detail=str((server.fault or {}).get("message", "")),
    )


def status_of(status: str, task: str | None) -> Status:
    """What it is doing while it is doing something, else what it is."""
    words = datafiles.read("status")
    return Status(words["task"].get(task or "") or words["status"].get(status) or Status.UNDEFINED)


def _floating(server: Any) -> str | None:
    for addresses in (server.addresses or {}).values():
        for address in addresses:
            if address.get("OS-EXT-IPS:type") == "floating":
                return str(address["addr"])
    return None
