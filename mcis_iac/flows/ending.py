"""Terminate and heal: power over VMs that only the engine may take, so that the next `up` agrees."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions.transitions import Control
from mcis_iac.flows import change, footing, look, pending, scale
from mcis_iac.flows.ground import Ground, ground, of_mcis
from mcis_iac.flows.placing import Wish
from mcis_iac.flows.targets import vm_names
from mcis_iac.model import Status, Vm
from mcis_iac.pipeline import Applied, Confirm, Preview, Request, Selection, VmResult


def terminate(request: Request, selection: Selection, *, force_protected: bool, confirm: Confirm) -> Applied:
    """Scale in by name, with targets until the engine has ended. Who is gone already is no error."""
    here = ground(request)
    stands = of_mcis(request, here.mcis)
    names = vm_names((*selection.groups, *selection.vms), _ever(here))
    known = inventories.read(stands.home.inventory)
    vms = [vm for vm in known.vms if vm.name in names]
    met = footing.meet(stands, known, vms)
    footing.refuse(Control.TERMINATE, met, footing.judged(Control.TERMINATE, met), skip="")
    run_id = uuid.uuid4().hex[:12]
    begun: list[Vm] = []

    def begin(preview: Preview) -> None:
        confirm(preview)
        if vms:
            pending.begin(stands.home, Control.TERMINATE, run_id, vms)
            begun.extend(vms)

    try:
        return scale.scale(
            request, (), remove=names, write=True, force_protected=force_protected, confirm=begin
        )
    finally:
        pending.end(stands.home, run_id, [vm.name for vm in begun])


def _ever(here: Ground) -> Iterator[tuple[str, str]]:
    """Every VM there ever was in the groups of the manifest: a name is never given again."""
    for name, group in here.lock.groups.items():
        if name in here.mcis.groups:
            yield from ((f"{name}-{ordinal}", name) for ordinal in range(1, group.highest + 1))


def heal(
    request: Request,
    selection: Selection,
    *,
    serial: int | None,
    force_protected: bool,
    confirm: Confirm,
) -> Applied | None:
    """`up --replace` of the VMs that failed, setups included; None when none has."""
    report = look.status(request, selection)
    failed = [row for row in report.rows if row.status is Status.FAILED]
    if not failed:
        return None
    there = [row.name for row in failed if row.vm is not None]
    size = serial or len(there) or 1
    series = [there[at : at + size] for at in range(0, len(there), size)] or [[]]
    done: list[Applied] = []
    for names in series:
        wish = Wish(replace=tuple(names), force_protected=force_protected)
        done.append(change.up(ground(request), wish, confirm))
        if _went_wrong(done[-1], names):
            break
    return _summed(done, asked=[row.name for row in failed])


def _went_wrong(applied: Applied, names: Sequence[str]) -> bool:
    """Whether one of these is no better; that others still wait for their turn is no reason to stop."""
    stopped = applied.outcome is not None and applied.outcome.cancelled
    return stopped or any(vm.name in names and vm.failure for vm in applied.vms)


def _summed(done: Sequence[Applied], *, asked: Sequence[str]) -> Applied:
    """The last one's result, with the rows of those that earlier ones have made anew."""
    last = done[-1]
    if len(done) == 1:
        return last
    rows: dict[str, VmResult] = {}
    for applied in done:
        rows |= {vm.name: vm for vm in applied.vms if vm.name in asked or vm.name not in rows}
    changed = {vm.name: vm for each in done for vm in each.vms if vm.state == "ready" and not vm.failure}
    return replace(
        last,
        vms=tuple(changed.get(name, row) for name, row in rows.items()),
        duration_s=sum(each.duration_s for each in done),
    )
