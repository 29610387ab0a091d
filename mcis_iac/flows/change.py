"""Changing what exists: preview, up, down, refresh.

    up = place -> build -> preview -> ask -> write the lock -> engine, wait until ready -> settle up -> power

The lock is written before the engine starts, so that nothing can exist that it does not name; what
became of it (dropped VMs) after it. What worked is kept and noted, whatever else failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mcis_iac.actions.transitions import Control
from mcis_iac.engine import operations
from mcis_iac.engine.home import read_card, write_card
from mcis_iac.engine.session import Session
from mcis_iac.errors import McisError
from mcis_iac.flows import desired, guard, kept, releasing, results, silence
from mcis_iac.flows.actions import after_up
from mcis_iac.flows.apply import apply, recheck
from mcis_iac.flows.ground import Ground, Standing, card_of, ground, of_mcis, standing
from mcis_iac.flows.placing import Clock, Wish
from mcis_iac.flows.prospect import Prospect, look_ahead
from mcis_iac.flows.stack import (
    Swept,
    held,
    known_inventory,
    open_session,
    subjects,
    sweep,
    sweep_unknown,
)
from mcis_iac.flows.targets import vm_names
from mcis_iac.model import Inventory, Outcome, Vm
from mcis_iac.pipeline import Applied, Confirm, ConfirmDown, DownQuestion, Preview, Request
from mcis_iac.placement import lock as locks
from mcis_iac.placement import lock_outcome
from mcis_iac.program import naming

OLD = timedelta(days=1)


def preview(request: Request, wish: Wish) -> Preview:
    """What `up` would do. Takes no lock, makes no key, changes nothing."""
    here = ground(request)
    clock = Clock(deadline_s=request.timeout_s)
    session = open_session(of_mcis(request, here.mcis))
    return look_ahead(here, wish, session, clock, make_key=False).preview


def up(here: Ground, wish: Wish, confirm: Confirm) -> Applied:
    """Make the manifest true. An empty difference is the whole run; what failed before is looked at again."""
    clock = Clock(deadline_s=here.request.timeout_s)
    stands = of_mcis(here.request, here.mcis)
    with held(stands, "up") as session:
        prospect = look_ahead(here, wish, session, clock, make_key=True)
        guard.keep_nobody_out(prospect.silent)
        if wish.expect_no_changes:
            guard.expect_nothing(
                prospect.diff, prospect.ahead.power, prospect.actions, words=wish.words(here.request)
            )
        guard.keep_protected(prospect.diff, here.mcis, _protected_before(stands), forced=wish.force_protected)
        desired.keep_resting(prospect.ahead, here.request.words)
        confirm(prospect.preview)
        write_card(here.home, card_of(here.mcis))
        prospect = _written(prospect)
        applied = recheck(prospect) if prospect.diff.empty else apply(prospect)
        applied = desired.settle(stands, applied, wish.targets, Control.RESUME)
        applied = after_up(prospect, applied)
        return desired.settle(stands, applied, wish.targets, Control.SUSPEND)


def _written(prospect: Prospect) -> Prospect:
    """The lock as it is before the engine starts, what new machines are made with included."""
    lock = kept.begun(prospect.placed, prospect.diff)
    if prospect.placed.lock_changed or lock != prospect.placed.lock:
        locks.write(prospect.ground.lock_path, lock)
    return replace(prospect, placed=replace(prospect.placed, lock=lock))


def _protected_before(here: Standing) -> tuple[str, ...]:
    """Groups that were protected when the stack was last changed."""
    try:
        return read_card(here.home).protected
    except McisError:
        return ()


def down(
    request: Request,
    *,
    targets: Sequence[str],
    remove: bool,
    force_protected: bool,
    confirm: ConfirmDown,
) -> Applied:
    """Delete everything, or what the targets name; verifies by tag that nothing is left."""
    clock = Clock(deadline_s=request.timeout_s)
    here = standing(request)
    known = known_inventory(here)
    chosen = _chosen(known, targets)
    question = _question(here, chosen, forced=force_protected)
    with held(here, "down") as session:
        if targets or chosen or not _nothing_there(session):
            confirm(question)
        swept = Swept() if targets else sweep_unknown(here, session)
        held_back = releasing.release(here, session, _machines(session, targets) if targets else None)
        outcome = operations.down(
            session,
            listen=request.listen,
            subjects=subjects(here, None, known),
            targets=targets,
            remove=remove,
            parallel=request.parallel,
            timeout_s=clock.left_s,
        )
        if not targets and not outcome.cancelled:
            swept += sweep(here)
        left = results.after_down(known, chosen, outcome, clock)
        results.note(here, "down", left, outcome)
    if remove and outcome.ok and not targets:
        _forget(request, here)
    applied = results.down_result(request, chosen, outcome, left, swept=swept.found, clock=clock)
    refused = silence.notices(here.connections, outcome)
    return replace(applied, notices=(*applied.notices, *held_back, *swept.unasked, *refused))


def _chosen(known: Inventory, targets: Sequence[str]) -> tuple[Vm, ...]:
    if not targets:
        return known.vms
    pairs = [(vm.name, vm.group) for vm in known.vms] + [(vm.name, vm.group) for vm in known.failed]
    names = set(vm_names(targets, pairs))
    return tuple(vm for vm in known.vms if vm.name in names)


def _machines(session: Session, targets: Sequence[str]) -> set[str]:
    """Those of the state that the targets mean; the inventory of this checkout may not know all."""
    found = {one.key: naming.subject_of(one.key) for one in operations.state(session)}
    return {key for key, told in found.items() if told.vm == key and {key, told.group} & set(targets)}


def _question(here: Standing, chosen: Sequence[Vm], *, forced: bool) -> DownQuestion:
    """Whether these VMs may go; who deletes what is protected or old types the stack's name."""
    protected = [vm.name for vm in chosen if vm.group in here.protected]
    guard.refuse_protected(protected, forced=forced)
    return DownQuestion(
        stack=here.stack, vms=tuple(chosen), type_name=bool(protected) or any(map(_is_old, chosen))
    )


def _nothing_there(session: Session) -> bool:
    return not session.exists() or not operations.state(session)


def _is_old(vm: Vm) -> bool:
    if vm.created_at is None:
        return False
    return datetime.now(UTC) - datetime.fromisoformat(vm.created_at) > OLD


def _forget(request: Request, here: Standing) -> None:
    """`--remove`: the stack's folder and the lock's members go, too."""
    here.home.remove()
    if here.mcis is not None:
        path = ground(request).lock_path
        if path.exists():
            locks.write(path, lock_outcome.forget(locks.read(path)))


def refresh(request: Request) -> Applied:
    """Write what the clouds say into the state and the inventory."""
    clock = Clock(deadline_s=request.timeout_s)
    here = standing(request)
    known = known_inventory(here)
    with held(here, "refresh") as session:
        outcome = operations.refresh(
            session,
            listen=request.listen,
            subjects=subjects(here, None, known),
            parallel=request.parallel,
            timeout_s=clock.left_s,
        )
        left = results.after_refresh(here, known, outcome, clock)
        results.note(here, "refresh", left, outcome)
    refused = silence.notices(here.connections, outcome)
    return replace(_refreshed(request, outcome, left, clock), notices=refused)


def _refreshed(request: Request, outcome: Outcome, left: Inventory, clock: Clock) -> Applied:
    code = results.exit_code(outcome, left)
    applied = Applied(preview=None, outcome=outcome, inventory=left, exit_code=code)
    return replace(
        applied,
        duration_s=clock.elapsed_s,
        next=f"mcis up {request.words}".rstrip() if outcome.steps else "",
    )
