"""Looking at what exists: status and outputs. Nothing here changes a VM, the stack or the lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions.status import aggregate, tally
from mcis_iac.engine.events import now
from mcis_iac.errors import McisError, NotFoundError
from mcis_iac.flows.asked import ask
from mcis_iac.flows.ground import Standing, standing
from mcis_iac.flows.pending import heard_with
from mcis_iac.flows.sight import rows
from mcis_iac.flows.targets import refuse, vm_names
from mcis_iac.manifest.load import lock_path
from mcis_iac.model import Inventory, Status, Vm, VmFailure
from mcis_iac.pipeline import Orphan, Request, Selection, StatusReport, StatusRow
from mcis_iac.placement import lock as locks
from mcis_iac.placement.lock import Lock, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What of the VMs is looked at: of which connections or clouds, in which statuses; orphans, too."""

    clouds: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    orphans: bool = False


def status(request: Request, selection: Selection, sight: Sight | None = None) -> StatusReport:
    """The real state of every VM, read from its cloud in one bulk call per connection."""
    sight = sight or Sight()
    here = standing(request)
    known = _known(here, "nothing is known of this MCIS here")
    wanted = _selected(known, selection, sight)
    heard = ask(_asked(here, known, sight), wanted.vms, timeout_s=request.timeout_s)
    heard = heard_with(here.home, wanted.vms, heard)
    found = rows(here.home, wanted, heard)
    lock = _lock(here)
    report = _counted(here, known, found, _pending(here, lock, known, selection, sight))
    shown = tuple(row for row in found if not sight.statuses or row.status in sight.statuses)
    silent = tuple(each.silent for each in heard.values() if each.silent)
    notices = dict.fromkeys(text for each in heard.values() for text in each.notices)
    strangers, unasked = _orphans(here, sight) if sight.orphans else ((), ())
    return replace(
        report,
        rows=shown,
        left_out=len(found) - len(shown),
        summary={**report.summary, "stale": sorted(each.connection for each in silent)},
        last=_last(known),
        lock=_lock_note(here, lock),
        notices=(*notices, *unasked),
        silent=silent,
        orphans=strangers,
    )


def _known(here: Standing, summary: str) -> Inventory:
    known = inventories.read(here.home.inventory)
    if known.operation:
        return known
    raise NotFoundError(
        summary=summary,
        detail=f"no operation on {here.stack} was ever finished from this folder",
        hint=f"mcis up {here.request.words}".rstrip(),
    )


# ---------------------------------------------------------------- which


def _selected(known: Inventory, selection: Selection, sight: Sight) -> Inventory:
    """The part of the inventory that is meant; NotFoundError for a name that means nothing."""
    everything: list[Vm | VmFailure] = [*known.vms, *known.failed]
    names = {each.name for each in everything}
    words = (*selection.groups, *selection.vms)
    if words:
        names = set(vm_names(words, ((each.name, each.group) for each in everything)))

    def meant(each: Vm | VmFailure) -> bool:
        return each.name in names and _of_clouds(each.connection, each.cloud, sight.clouds)

    return replace(
        known,
        vms=tuple(filter(meant, known.vms)),
        failed=tuple(filter(meant, known.failed)),
    )


def _of_clouds(connection: str, cloud: str, wanted: Sequence[str]) -> bool:
    return not wanted or connection in wanted or cloud in wanted


def _asked(here: Standing, known: Inventory, sight: Sight) -> dict[str, Any]:
    """The connections that are meant; NotFoundError for a name that is none."""
    names = {name for c in here.connections.values() for name in (c.name, c.cloud)}
    everything: list[Vm | VmFailure] = [*known.vms, *known.failed]
    names |= {name for each in everything for name in (each.connection, each.cloud)}
    for word in sight.clouds:
        if word not in names:
            refuse(word, names, one="connection", other="cloud")
    return {n: c for n, c in here.connections.items() if _of_clouds(n, c.cloud, sight.clouds)}


def _orphans(here: Standing, sight: Sight) -> tuple[tuple[Orphan, ...], tuple[str, ...]]:
    from mcis_iac.flows import orphans

    return orphans.orphans(
        here, lambda connection: _of_clouds(connection.name, connection.cloud, sight.clouds)
    )


# ---------------------------------------------------------------- the whole


def _counted(
    here: Standing, known: Inventory, found: Sequence[StatusRow], pending: Sequence[tuple[str, str]]
) -> StatusReport:
    """The aggregates: of all rows, per group and per connection; `pending` are groups and connections."""
    groups = _tallies(found, lambda row: row.group, [group for group, _ in pending])
    clouds = _tallies(found, lambda row: row.connection, [connection for _, connection in pending])
    summary = aggregate(
        {row.name: row.status for row in found}, pending=len(pending), as_of=now(), operation=known.operation
    )
    return StatusReport(stack=here.stack, rows=tuple(found), summary=summary, groups=groups, clouds=clouds)


def _tallies(
    found: Iterable[StatusRow], of: Callable[[StatusRow], str], pending: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    each: dict[str, list[Status]] = {name: [] for name in pending}
    for row in found:
        each.setdefault(of(row), []).append(row.status)
    return {name: tally(each[name], pending=pending.count(name)) for name in sorted(each)}


def _lock(here: Standing) -> Lock | None:
    """The lock, as far as there is one that can be read."""
    try:
        return locks.read(lock_path(here.mcis)) if here.mcis is not None else None
    except McisError:
        return None


def _pending(
    here: Standing, lock: Lock | None, known: Inventory, selection: Selection, sight: Sight
) -> list[tuple[str, str]]:
    """Group and connection of every VM the lock plans and nobody has tried to make since the last `down`."""
    if lock is None or (known.operation == "down" and not known.vms):
        return []
    tried = {vm.name for vm in known.vms} | {each.name for each in known.failed}
    words = {*selection.groups, *selection.vms}
    clouds = {name: connection.cloud for name, connection in here.connections.items()}
    return [
        (group, offer.connection)
        for group, ordinal, offer in lock.members()
        if (name := f"{group}-{ordinal}") not in tried
        and (not words or {group, name} & words)
        and _of_clouds(offer.connection, clouds.get(offer.connection, ""), sight.clouds)
    ]


def _last(known: Inventory) -> str:
    """`last up 2026-11-22 14:03 by kim, 41 s`."""
    moment = known.as_of[:16].replace("T", " ")
    return f"last {known.operation} {moment} by {known.by}, {known.duration_s:.0f} s"


def _lock_note(here: Standing, lock: Lock | None) -> str:
    """Whether the lock still fits the manifest; "" when one of them cannot be read."""
    if here.mcis is None or lock is None:
        return ""
    return "lock ok" if lock.inputs == digest(here.mcis) else "lock stale (mcis preview shows what changes)"


# ---------------------------------------------------------------- outputs


def outputs(request: Request) -> Mapping[str, Any]:
    """The stack's outputs, from the last known inventory: no engine is started."""
    known = _known(standing(request), "this MCIS has no outputs here")
    return {"inventory": {vm.name: entry(vm) for vm in known.vms}}


def entry(vm: Vm) -> dict[str, Any]:
    """A VM as the `inventory` output has it: plain values, decimals as text."""
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(vm).items()}
