"""Stopping, starting and rebooting servers: one call per server, many at once in every region.

Nova refuses an action that is done already, or while another one is at work, with the same 409: only
the server's state tells which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mcis_iac.clouds.common.power import Busy, failures, patiently
from mcis_iac.clouds.common.together import together
from mcis_iac.clouds.openstack import session
from mcis_iac.clouds.openstack.states import status_of
from mcis_iac.errors import McisError, OperationError
from mcis_iac.model import Connection, Failure, Status, Vm

CONFLICT = 409
BUSY = "task_state"  # "Cannot 'start' instance ... while it is in task_state powering-off"
REACHED: Mapping[str, frozenset[Status]] = MappingProxyType(
    {
        "suspend": frozenset({Status.SUSPENDING, Status.SUSPENDED}),
        "resume": frozenset({Status.RESUMING, Status.RUNNING}),
        "reboot": frozenset({Status.REBOOTING}),
    }
)
# Whatever put a server to sleep, it is woken with the word that fits.
WAKING = MappingProxyType(
    {
        "SUSPENDED": "resume_server",
        "PAUSED": "unpause_server",
        "SHELVED": "unshelve_server",
        "SHELVED_OFFLOADED": "unshelve_server",
    }
)
Errors = dict[str, McisError]


def act(connection: Connection, vms: Sequence[Vm], stage: str) -> Mapping[str, Failure]:
    """Suspend, resume or reboot them, all regions at once."""
    regions = sorted({vm.region for vm in vms})
    found = together(regions, lambda region: _in_region(connection, region, vms, stage))
    errors = {name: error for some in found for name, error in some.items()}
    return failures(errors, stage=stage, of=len(vms))


def listed(connection: Connection, cloud: Any) -> Mapping[str, Any]:
    """All servers of a region by id."""
    servers = session.patient(connection, lambda: list(cloud.compute.servers(details=True)))
    return {server.id: server for server in servers}


def console(connection: Connection, vm: Vm) -> str:
    """All that the hypervisor kept of the console."""
    with session.opened(connection, vm.region) as cloud:
        answer = session.patient(connection, lambda: cloud.compute.get_server_console_output(vm.id))
        return str(answer.get("output") or "")


def _in_region(connection: Connection, region: str, vms: Sequence[Vm], stage: str) -> Errors:
    """Why not, by name."""
    here = [vm for vm in vms if vm.region == region]
    try:
        with session.opened(connection, region) as cloud:
            servers = listed(connection, cloud)
            told = together(here, lambda vm: _tried(connection, cloud, vm, servers.get(vm.id), stage))
    except McisError as error:
        return {vm.name: error for vm in here}
    return {vm.name: error for vm, error in zip(here, told, strict=True) if error is not None}


def _tried(connection: Connection, cloud: Any, vm: Vm, server: Any, stage: str) -> McisError | None:
    status = None if server is None else status_of(str(server.status), server.task_state)
    if stage != "reboot" and status in REACHED[stage]:
        return None
    verb = _verb(cloud, stage, "" if server is None else str(server.status))
    try:
        patiently(lambda: _begin(connection, cloud, vm, verb, stage))
    except McisError as error:
        return error
    return None


def _verb(cloud: Any, stage: str, native: str) -> Callable[[str], object]:
    compute = cloud.compute
    if stage == "reboot":
        return lambda id: compute.reboot_server(id, "SOFT")
    word = "stop_server" if stage == "suspend" else WAKING.get(native, "start_server")
    verb: Callable[[str], object] = getattr(compute, word)
    return verb


def _begin(connection: Connection, cloud: Any, vm: Vm, verb: Callable[[str], object], stage: str) -> None:
    """Once; Busy while the server is at something else."""
    try:
        session.patient(connection, lambda: verb(vm.id))
    except OperationError as error:
        if session.status(error) != CONFLICT:
            raise
        server = session.patient(connection, lambda: cloud.compute.get_server(vm.id))
        if status_of(str(server.status), server.task_state) in REACHED[stage]:
            return
        # What it was at may be over by now; a refusal for its state alone stays one.
        if server.task_state is None and BUSY not in error.detail:
            raise
        raise Busy(summary=error.summary, detail=error.detail) from error.__cause__
