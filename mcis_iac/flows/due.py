"""Which actions an `up` would run, said before it."""

from __future__ import annotations

from collections.abc import Sequence

from mcis_iac.actions import done as books
from mcis_iac.actions import steps
from mcis_iac.actions.ranges import fold_names
from mcis_iac.actions.templates import Renderer, Unrenderable
from mcis_iac.engine import record
from mcis_iac.engine.home import StackHome
from mcis_iac.flows.acting import location
from mcis_iac.model import Action, Diff, Inventory, Mcis, Member, Op, Vm


def foreseen(
    mcis: Mcis, members: Sequence[Member], before: Inventory, diff: Diff, home: StackHome
) -> tuple[str, ...]:
    """A phrase per action that `up` would run: `hosts on web[1-2]`.

    When VMs come or go, texts with their addresses cannot be known: of VMs that stay only what is due
    in any case is named, and `...` stands for the others.
    """
    if not mcis.actions:
        return ()
    moving = {change.key for change in diff.changes if change.is_vm and change.op is not Op.UPDATE}
    staying = {vm.name: vm for vm in before.vms if vm.name not in moving}
    done = books.Done.of(record.read(home, *books.KINDS))
    renderer = Renderer(mcis, before.vms, location)
    found = []
    for action in mcis.actions:
        wanted = steps.narrowed(action, steps.targets(action, mcis, members))
        due = [each.name for each in wanted if _foreseen_due(action, staying.get(each.name), done, renderer)]
        open_ = moving and action.when == "changed" and len(due) < len(wanted)
        if due or open_:
            names = [fold_names(due)] if due else []
            found.append(f"{action.name} on {', '.join([*names, *(['...'] if open_ else [])])}")
    return tuple(found)


def _foreseen_due(action: Action, vm: Vm | None, done: books.Done, renderer: Renderer) -> bool:
    if vm is None:
        return True
    try:
        return done.due(action, steps.step(action, vm, renderer.render))
    except Unrenderable:
        return True
