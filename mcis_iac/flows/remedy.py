"""What `on_failure` does once an `up` has failed in part.

keep           what worked stays, failed VMs too; the next `up` continues
rollback       what this run created is removed again; older VMs are untouched, their changes stay
drop-failed    failed VMs are removed from the cloud and from the lock's members, the rest stays
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mcis_iac.actions import inventory as inventories
from mcis_iac.engine import operations
from mcis_iac.flows import addresses, releasing
from mcis_iac.flows.placing import Clock, Wish, placed
from mcis_iac.flows.prospect import Prospect
from mcis_iac.flows.stack import Swept, sweep
from mcis_iac.model import OnFailure, Op, Outcome, Vm, VmFailure
from mcis_iac.placement import lock as locks
from mcis_iac.placement import lock_outcome
from mcis_iac.placement.lock import GroupLock, Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedied:
    """What is left. `given_up` are VMs that are no longer wanted and so no longer failures."""

    vms: tuple[Vm, ...]
    failed: tuple[VmFailure, ...]
    given_up: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()


def remedy(
    prospect: Prospect, outcome: Outcome, vms: tuple[Vm, ...], failed: Sequence[VmFailure]
) -> Remedied:
    """Do what the manifest says. A run the user stopped is never undone: continuing is up to them."""
    as_it_is = Remedied(vms=vms, failed=tuple(failed))
    if outcome.cancelled or (outcome.ok and not failed):
        return as_it_is
    return _REMEDIES[prospect.ground.mcis.on_failure](prospect, outcome, as_it_is)


def _keep(_prospect: Prospect, _outcome: Outcome, left: Remedied) -> Remedied:
    return left


def _rollback(prospect: Prospect, outcome: Outcome, left: Remedied) -> Remedied:
    made = [step.key for step in outcome.steps if step.op is Op.CREATE and (step.ok or step.id)]
    updated = [step.key for step in outcome.steps if step.op in {Op.UPDATE, Op.REPLACE} and step.ok]
    if not made:
        return left
    held_back = _remove(prospect, made)
    lock = _without_new(prospect.ground.lock, prospect.placed.lock)
    locks.write(prospect.ground.lock_path, lock)
    gone = frozenset(made) | {each.name for each in left.failed if _is_new(prospect, each.name)}
    notices = [f"rolled back: {len(made)} resources of this run were removed", *held_back]
    if updated:
        notices.append(f"not undone, changed in place: {', '.join(updated)}")
    return replace(
        left,
        vms=tuple(vm for vm in left.vms if vm.name not in gone),
        given_up=gone,
        notices=tuple(notices),
    )


def _is_new(prospect: Prospect, name: str) -> bool:
    return all(vm.name != name for vm in prospect.before.vms)


def _without_new(before: Lock, after: Lock) -> Lock:
    """The lock of before the run, but no ordinal is given back, and what was made anew stays so."""
    groups: dict[str, GroupLock] = {}
    for name, group in after.groups.items():
        old = before.groups.get(name, GroupLock())
        groups[name] = replace(old, highest=max(old.highest, group.highest))
    made = {f"{group}-{n}": offer.made for group, n, offer in after.members() if offer.made}
    return lock_outcome.remember(replace(before, groups=groups), made)


def _drop_failed(prospect: Prospect, _outcome: Outcome, left: Remedied) -> Remedied:
    """Apply the stack without the failed ones: what only they needed goes with them."""
    names = frozenset(each.name for each in left.failed)
    if not names:
        return left
    reasons: Mapping[str, str] = {each.name: each.failure.code for each in left.failed}
    lock = lock_outcome.drop(prospect.placed.lock, reasons)
    locks.write(prospect.ground.lock_path, lock)
    without = placed(replace(prospect.ground, lock=lock), Wish(), Clock(), ask=True)
    held_back = releasing.release(prospect.here, prospect.session, names)
    outcome = operations.up(
        prospect.session,
        without.graph,
        listen=prospect.ground.request.listen,
        subjects=prospect.subjects,
        parallel=prospect.ground.request.parallel,
    )
    swept = Swept()
    for name in sorted(names):
        swept += sweep(prospect.here, {"mcis-vm": name})
    told = f"dropped {', '.join(sorted(names))}; --retry-dropped tries again"
    return replace(
        left,
        vms=addresses.current(prospect.here.home, inventories.from_outputs(outcome.outputs)),
        given_up=names,
        notices=(told, *held_back, *swept.unasked),
    )


def _remove(prospect: Prospect, keys: Sequence[str]) -> tuple[str, ...]:
    """Destroy those of the keys that the state has; a sentence for what could not be given up with them."""
    there = {one.key for one in operations.state(prospect.session)}
    chosen = [key for key in keys if key in there]
    if not chosen:
        return ()
    held_back = releasing.release(prospect.here, prospect.session, chosen)
    operations.down(
        prospect.session,
        listen=prospect.ground.request.listen,
        subjects=prospect.subjects,
        targets=chosen,
        parallel=prospect.ground.request.parallel,
    )
    return held_back


_REMEDIES: Mapping[OnFailure, Callable[[Prospect, Outcome, Remedied], Remedied]] = {
    "keep": _keep,
    "rollback": _rollback,
    "drop-failed": _drop_failed,
}
