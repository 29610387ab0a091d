"""Looking at what exists: status and outputs. Nothing here changes a VM, the stack or the lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions.status import aggregate
from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Observed
from mcis_iac.engine.events import now
from mcis_iac.errors import McisError, NotFoundError
from mcis_iac.flows.ground import Standing, ground, standing
from mcis_iac.flows.targets import vm_names
from mcis_iac.flows.views import notices
from mcis_iac.model import Connection, Inventory, Status, Vm
from mcis_iac.pipeline import Request, Selection, StatusReport, StatusRow
from mcis_iac.placement.lock import digest


def status(request: Request, selection: Selection) -> StatusReport:
    """The real state of every VM, read from its cloud in one bulk call per connection."""
    here = standing(request)
    known = inventories.read(here.home.inventory)
    if not known.operation:
        raise NotFoundError(
            summary="nothing is known of this MCIS here",
            detail=f"no operation on {here.stack} was ever finished from this folder",
            hint=f"mcis up {request.words}".rstrip(),
        )
    rows, stale = _rows(here, known)
    wanted = _selected(rows, selection)
    summary = aggregate(
        {row.name: row.status for row in wanted},
        as_of=now(),
        stale=stale,
        operation=known.operation,
    )
    return StatusReport(
        stack=here.stack,
        rows=wanted,
        summary=summary,
        last=_last(known),
        lock=_lock_note(request),
        notices=notices(here.connections),
    )


def _rows(here: Standing, known: Inventory) -> tuple[tuple[StatusRow, ...], tuple[str, ...]]:
    """A row per VM, and the connections that did not answer."""
    seen: dict[str, Observed] = {}
    stale: dict[str, str] = {}
    for name, connection in here.connections.items():
        vms = [vm for vm in known.vms if vm.connection == name]
        try:
            seen |= _observe(connection, vms)
        except McisError as error:
            stale[name] = str(error)
    failed = {failure.name: failure for failure in known.failed}
    rows = [_row(vm, seen.get(vm.name), stale.get(vm.connection, ""), failed) for vm in known.vms]
    rows += [
        StatusRow(
            name=each.name,
            group=each.group,
            status=Status.FAILED,
            connection=each.connection,
            cloud=each.cloud,
            region=each.region,
            detail=each.failure.message,
        )
        for each in known.failed
        if each.name not in {vm.name for vm in known.vms}
    ]
    return tuple(sorted(rows, key=lambda row: (row.group, _ordinal(row.name)))), tuple(stale)


def _observe(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Observed]:
    return registry.lifecycle(connection.cloud).observe(connection, vms) if vms else {}


def _ordinal(name: str) -> int:
    return int(name.rpartition("-")[2])


def _row(vm: Vm, seen: Observed | None, silent: str, failed: Mapping[str, Any]) -> StatusRow:
    row = StatusRow(
        name=vm.name,
        group=vm.group,
        status=Status.UNDEFINED,
        connection=vm.connection,
        cloud=vm.cloud,
        region=vm.region,
        vm=vm,
        detail=silent,
    )
    if seen is None:
        return row
    row = replace(
        row,
        status=seen.status,
        native=seen.native,
        detail=seen.detail,
        vm=replace(vm, public_ip=seen.public_ip or vm.public_ip, created_at=seen.created_at or vm.created_at),
    )
    if vm.name in failed and seen.status is Status.RUNNING:
        return replace(row, status=Status.FAILED, detail=failed[vm.name].failure.message)
    return row


def _selected(rows: Sequence[StatusRow], selection: Selection) -> tuple[StatusRow, ...]:
    words = (*selection.groups, *selection.vms)
    if not words:
        return tuple(rows)
    names = set(vm_names(words, ((row.name, row.group) for row in rows)))
    return tuple(row for row in rows if row.name in names)


def _last(known: Inventory) -> str:
    """`last up 2026-11-22 14:03 by kim, 41 s`."""
    moment = known.as_of[:16].replace("T", " ")
    return f"last {known.operation} {moment} by {known.by}, {known.duration_s:.0f} s"


def _lock_note(request: Request) -> str:
    """Whether the lock still fits the manifest; "" when the manifest cannot be read."""
    try:
        here = ground(request)
    except McisError:
        return ""
    return (
        "lock ok" if here.lock.inputs == digest(here.mcis) else "lock stale (mcis preview shows what changes)"
    )


def outputs(request: Request) -> Mapping[str, Any]:
    """The stack's outputs, from the last known inventory: no engine is started."""
    here = standing(request)
    known = inventories.read(here.home.inventory)
    if not known.operation:
        raise NotFoundError(
            summary="this MCIS has no outputs here",
            detail=f"no operation on {here.stack} was ever finished from this folder",
            hint=f"mcis up {request.words}".rstrip(),
        )
    return {"inventory": {vm.name: entry(vm) for vm in known.vms}}


def entry(vm: Vm) -> dict[str, Any]:
    """A VM as the `inventory` output has it: plain values, decimals as text."""
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(vm).items()}
