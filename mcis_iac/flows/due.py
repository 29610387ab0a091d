"""Which actions an `up` would run, said before it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from mcis_iac.actions import done as books
from mcis_iac.actions import steps
from mcis_iac.actions.ranges import fold_names
from mcis_iac.actions.templates import Renderer, Unrenderable
from mcis_iac.engine import record
from mcis_iac.engine.home import StackHome
from mcis_iac.flows.acting import asleep, location
from mcis_iac.model import Action, Diff, Inventory, Mcis, Member, Op, Vm


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """An action with the VMs it is due on; `open` = on others it may turn out to be."""

    action: Action
    names: tuple[str, ...]
    open: bool

    @property
    def phrase(self) -> str:
        names = [fold_names(self.names)] if self.names else []
        return f"{self.action.name} on {', '.join([*names, *(['...'] if self.open else [])])}"


def foreseen(
    mcis: Mcis,
    members: Sequence[Member],
    before: Inventory,
    diff: Diff,
    *,
    home: StackHome,
    targets: Collection[str] = (),
) -> tuple[str, ...]:
    """A phrase per action that `up` would run: `hosts on web[1-2]`.

    When VMs come or go, texts with their addresses cannot be known: of VMs that stay only what is due
    in any case is named, and `...` stands for the others. The clouds are asked who is suspended only
    when something is due.
    """
    if not mcis.actions:
        return ()
    moving = {change.key for change in diff.changes if change.is_vm and change.op is not Op.UPDATE}
    staying = {vm.name: vm for vm in before.vms if vm.name not in moving}
    done = books.Done.of(record.read(home, *books.KINDS))
    renderer = Renderer(mcis, before.vms, location)

    def is_due(action: Action, vm: Vm | None) -> bool:
        if vm is None:
            return True
        try:
            return done.due(action, steps.step(action, vm, renderer.render))
        except Unrenderable:  # `up` says so, once the VMs are there that it may be about
            return True

    def look(resting: Collection[str]) -> Iterator[_Due]:
        awake = [each for each in members if each.name not in resting]
        for action in mcis.actions:
            wanted = steps.narrowed(action, steps.targets(action, mcis, awake))
            meant = [each for each in wanted if not targets or {each.name, each.group} & set(targets)]
            names = tuple(each.name for each in meant if is_due(action, staying.get(each.name)))
            later = bool(moving) and action.when == "changed" and len(names) < len(meant)
            if names or later:
                yield _Due(action=action, names=names, open=later)

    found = tuple(look(()))
    asked = [vm for name, vm in staying.items() if any(name in each.names for each in found)]
    resting = {
        name
        for name in asleep(mcis.connections, asked)
        if mcis.groups[staying[name].group].power != "running"
    }
    return tuple(each.phrase for each in (tuple(look(resting)) if resting else found))
