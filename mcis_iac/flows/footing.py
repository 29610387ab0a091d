"""How VMs are before something is done to them, and whether it may be done: one refusal refuses all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mcis_iac.actions.ranges import fold_names
from mcis_iac.actions.targets import corrected, pending
from mcis_iac.actions.transitions import Control, Decision, decide
from mcis_iac.clouds.base import Observed
from mcis_iac.engine.events import now
from mcis_iac.errors import CredentialsError, OperationError
from mcis_iac.flows import pending as targets
from mcis_iac.flows.asked import Heard, ask
from mcis_iac.flows.ground import Standing
from mcis_iac.model import Inventory, Status, Vm
from mcis_iac.pipeline import Silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A VM as it stands: `status` with all that is known, `seen` the cloud's own words.

    `pending` is what was begun with it and is not over; `silent` why its cloud said nothing.
    """

    vm: Vm
    status: Status
    seen: Observed | None = None
    pending: Control | None = None
    silent: Silent | None = None

    @property
    def kept_out(self) -> bool:
        """Its cloud refuses the credentials: nothing can be decided, and others are not held up."""
        return self.silent is not None and self.silent.exit_code == CredentialsError.exit_code


def meet(here: Standing, known: Inventory, vms: Sequence[Vm]) -> tuple[Met, ...]:
    """Each of the VMs as it is now, in their order; who says nothing clear is asked twice."""
    heard = _asked(here, vms)
    met = _met(here, known, vms, heard)
    unclear = [each.vm for each in met if each.status is Status.UNDEFINED and not each.kept_out]
    if not unclear:
        return met
    second = {each.vm.name: each for each in _met(here, known, unclear, _asked(here, unclear))}
    return tuple(second.get(each.vm.name, each) for each in met)


def _asked(here: Standing, vms: Sequence[Vm]) -> Mapping[str, Heard]:
    used = {vm.connection for vm in vms}
    there = {name: each for name, each in here.connections.items() if name in used}
    return ask(there, [vm for vm in vms if vm.connection in there], timeout_s=here.request.timeout_s)


def _met(here: Standing, known: Inventory, vms: Sequence[Vm], heard: Mapping[str, Heard]) -> tuple[Met, ...]:
    begun = targets.read(here.home, vms)
    broken = {each.name for each in known.failed}
    moment = now()

    def one(vm: Vm) -> Met:
        told = heard.get(vm.connection, Heard())
        seen = told.seen.get(vm.name)
        if seen is None:
            return Met(vm=vm, status=Status.UNDEFINED, silent=told.silent)
        target = begun.get(vm.name)
        status = corrected(seen, target, now=moment).status
        if vm.name in broken and status is Status.RUNNING:
            status = Status.FAILED
        return Met(vm=vm, status=status, seen=seen, pending=pending(target, seen, now=moment))

    return tuple(map(one, vms))


def judged(control: Control, met: Iterable[Met], *, force: bool = False) -> dict[str, Decision]:
    """What becomes of the wish for each VM, by name; none for those whose clouds keep us out."""
    return {
        each.vm.name: decide(control, each.status, force=force, exists=bool(each.vm.id), pending=each.pending)
        for each in met
        if not each.kept_out
    }


def refuse(control: Control, met: Iterable[Met], decisions: Mapping[str, Decision], *, skip: str) -> None:
    """Raise OperationError with every refused VM and why; `skip` says how to leave them out."""
    why: dict[str, list[str]] = {}
    hints: dict[str, None] = {}
    for each in met:
        decision = decisions.get(each.vm.name)
        if decision is not None and decision.refused:
            reason = f"{decision.reason}: {each.silent.why}" if each.silent else decision.reason
            why.setdefault(reason, []).append(each.vm.name)
            hints[decision.hint] = None
    if not why:
        return
    lines = [f"{fold_names(names)}: {reason}" for reason, names in why.items()]
    raise OperationError(
        summary=f"{control} is refused",
        detail="\n".join([*lines, "Nothing was changed."]),
        hint="; ".join(filter(None, (*hints, skip))),
    )
