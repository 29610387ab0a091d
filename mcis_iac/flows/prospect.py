"""Looking ahead: everything that is decided before the engine may change something."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from mcis_iac.actions import inventory as inventories
from mcis_iac.engine import operations
from mcis_iac.engine.session import Session
from mcis_iac.engine.subjects import Subjects
from mcis_iac.flows import desired, guard, kept, plugins, silence, views
from mcis_iac.flows.due import foreseen
from mcis_iac.flows.ground import Ground, Standing, of_mcis
from mcis_iac.flows.placing import Clock, Placed, Wish, placed
from mcis_iac.flows.stack import known_inventory, subjects
from mcis_iac.model import Connection, Diff, Inventory, Mcis, Plan
from mcis_iac.pipeline import Preview, Silent
from mcis_iac.placement.renames import earlier_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """A placed stack beside what exists, and the difference between them."""

    ground: Ground
    here: Standing
    wish: Wish
    placed: Placed
    session: Session
    subjects: Subjects
    before: Inventory
    diff: Diff
    clock: Clock
    notices: tuple[str, ...] = ()
    silent: tuple[Silent, ...] = ()
    actions: tuple[str, ...] = ()
    ahead: desired.Ahead = desired.NOTHING_AHEAD

    @property
    def preview(self) -> Preview:
        """The diff with its sources, as the screens want it."""
        mcis = self.ground.mcis
        return Preview(
            mcis=mcis,
            diff=self.diff,
            sources=views.sources(mcis, self.diff),
            reasons=views.reasons(mcis, self.ground.lock, self.diff),
            notices=self.notices,
            timings=dict(self.clock.spent),
            lock_changed=self.placed.lock_changed,
            words=self.wish.words(self.ground.request),
            silent=self.silent,
            actions=self.actions,
            power=self.ahead.power,
        )


def look_ahead(ground: Ground, wish: Wish, session: Session, clock: Clock, *, make_key: bool) -> Prospect:
    """Place, build and ask the engine for the difference. Changes nothing but the generated key.

    Connections that cannot be used are left out and named in `silent`.
    """
    here = of_mcis(ground.request, ground.mcis)
    unplugged = plugins.unplugged(_wanted(ground.mcis), ground.request)
    ready = placed(ground, wish, clock, make_key=make_key, ask=True, silent=unplugged)
    names = earlier_names(ground.lock)
    if names and wish.targets:
        guard.rename_first((one.key for one in operations.state(session)), names, ground.request.words)
    listed = known_inventory(here)
    before = inventories.renamed(listed, names)
    named = subjects(here, ready.graph, before)

    def look(silent: Collection[str]) -> Diff:
        return operations.preview(
            session,
            ready.graph,
            subjects=named,
            targets=wish.targets,
            replace=wish.replace,
            silent=silent,
            parallel=ground.request.parallel,
            timeout_s=clock.left_s,
        )

    with clock.stage("engine"):
        diff, silent = silence.shown(ground.mcis, ready.plan, ready.silent, look)
    seen = desired.ahead(here, _existing(session, before), diff, wish.targets)
    return Prospect(
        ground=ground,
        here=here,
        wish=wish,
        placed=kept.foreseen(ready, diff),
        session=session,
        subjects=named,
        before=before,
        diff=diff,
        clock=clock,
        notices=(*_renamed(listed, names), *_notices(ground, ready.plan, diff, silent), *seen.notices),
        silent=silent,
        actions=foreseen(ground.mcis, ready.plan.members, before, diff, home=here.home, targets=wish.targets),
        ahead=seen,
    )


def _renamed(listed: Inventory, names: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each group whose VMs get the names that the manifest has now."""
    for old in dict.fromkeys(vm.group for vm in listed.vms if vm.group in names):
        yield f"{old} is {names[old]} now: its VMs are kept, and inside their cloud they keep their names"


def _existing(session: Session, before: Inventory) -> Inventory:
    """What exists; a checkout that never changed the stack asks its state."""
    if before.operation:
        return before
    return Inventory(vms=inventories.from_outputs(operations.outputs(session)))


def _notices(ground: Ground, plan: Plan, diff: Diff, silent: Collection[Silent]) -> tuple[str, ...]:
    """What a user should know beside the difference."""
    return (
        *kept.notices(plan, ground.lock, diff),
        *views.notices(_used(plan, silent)),
        *views.image_notices(plan),
    )


def _wanted(mcis: Mcis) -> list[Connection]:
    """The connections that shall have VMs, known before any of them is asked."""
    names = dict.fromkeys(group.placement.connection for group in mcis.groups.values() if group.count)
    return [mcis.connections[name] for name in names]


def _used(plan: Plan, silent: Collection[Silent]) -> Mapping[str, Connection]:
    """The connections that have members and answer."""
    names = {member.connection for member in plan.members} - {each.connection for each in silent}
    return {name: connection for name, connection in plan.mcis.connections.items() if name in names}
