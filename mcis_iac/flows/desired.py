"""Power as the manifest wants it, and the care `up` takes of VMs that rest.

ahead     before the engine: which VMs `power:` will move, which resting ones the difference touches
settle    after the engine: move them, through the same table as suspend and resume
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions.ranges import fold_names
from mcis_iac.actions.transitions import Control
from mcis_iac.errors import OperationError
from mcis_iac.flows import footing, results
from mcis_iac.flows.footing import Met
from mcis_iac.flows.ground import Standing
from mcis_iac.flows.power import exit_code, row
from mcis_iac.flows.powering import Order, carry_out
from mcis_iac.model import NOTHING, Diff, Failure, Inventory, Mcis, Op, Power, Status, Vm
from mcis_iac.pipeline import Applied, PowerRow, VmResult

CONTROLS: Mapping[Power, Control] = {"suspended": Control.SUSPEND, "running": Control.RESUME}
STATES = {Control.SUSPEND: "suspended", Control.RESUME: "resumed"}
RESTING = frozenset({Status.SUSPENDED, Status.SUSPENDING})
TOUCHING = (Op.UPDATE, Op.REPLACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """VM names: what `power:` will do by control, who rests and would be changed, who rests and goes."""

    power: Mapping[str, tuple[str, ...]]
    touched: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def notices(self) -> tuple[str, ...]:
        """A sentence each, for the preview."""
        words = {"suspend": "suspended", "resume": "running"}
        told = [
            f"{control}s {fold_names(names)} once the stack is there (power: {words[control]})"
            for control, names in self.power.items()
        ]
        if self.touched:
            told.append(f"{fold_names(self.touched)}: at rest, so `mcis up` refuses to change it")
        if self.leaving:
            told.append(f"{fold_names(self.leaving)}: at rest, deleted all the same")
        if self.unknown:
            told.append(f"{fold_names(self.unknown)}: nobody knows whether it rests, its cloud does not say")
        return tuple(told)


NOTHING_AHEAD = Ahead(power=NOTHING)


def ahead(here: Standing, known: Inventory, diff: Diff, targets: Sequence[str]) -> Ahead:
    """What is to be said of power before anything is done; asks the clouds only about VMs it depends on."""
    mcis = here.mcis
    if mcis is None:
        return NOTHING_AHEAD
    ops = {change.key: change.op for change in diff.changes if change.is_vm}
    wished = _wished(mcis, known.vms, targets)
    asked = [vm for vm in known.vms if vm.name in wished or ops.get(vm.name) in (*TOUCHING, Op.DELETE)]
    met = footing.meet(here, known, asked)
    resting = [each for each in met if each.status in RESTING]
    awake = {name for name, group in mcis.groups.items() if group.power == "running"}
    return Ahead(
        power=_moves(mcis, met, wished, ops, diff),
        touched=_names(
            each for each in resting if ops.get(each.vm.name) in TOUCHING and each.vm.group not in awake
        ),
        leaving=_names(each for each in resting if ops.get(each.vm.name) is Op.DELETE),
        unknown=_names(each for each in met if each.silent is not None),
    )


def _wished(mcis: Mcis, vms: Iterable[Vm], targets: Sequence[str]) -> dict[str, Control]:
    """What each VM of a group with `power:` is wished to, as far as the operation is about it."""
    found: dict[str, Control] = {}
    for vm in vms:
        group = mcis.groups.get(vm.group)
        if group is not None and group.power and (not targets or {vm.name, vm.group} & set(targets)):
            found[vm.name] = CONTROLS[group.power]
    return found


def _names(met: Iterable[Met]) -> tuple[str, ...]:
    return tuple(each.vm.name for each in met)


def _moves(
    mcis: Mcis, met: Iterable[Met], wished: Mapping[str, Control], ops: Mapping[str, Op], diff: Diff
) -> dict[str, tuple[str, ...]]:
    """By control, the VMs it would be done to; new ones of a resting group are suspended when ready."""
    found: dict[Control, list[str]] = {}
    for each in met:
        control, op = wished.get(each.vm.name), ops.get(each.vm.name)
        if control is None or op is Op.DELETE:
            continue
        decision = footing.judged(control, [each]).get(each.vm.name)
        if (decision is not None and decision.acts) or (op is Op.REPLACE and control is Control.SUSPEND):
            found.setdefault(control, []).append(each.vm.name)
    resting = {name for name, group in mcis.groups.items() if group.power == "suspended"}
    new = [each.key for each in diff.changes if each.is_vm and each.op is Op.CREATE]
    groups = {each.key: each.subject.group for each in diff.changes}
    if fresh := [name for name in new if groups[name] in resting]:
        found.setdefault(Control.SUSPEND, []).extend(fresh)
    return {control.value: tuple(names) for control, names in found.items()}


def keep_resting(seen: Ahead, words: str) -> None:
    """Raise OperationError when VMs that rest would be changed: that may start or replace them."""
    if not seen.touched:
        return
    chosen = " ".join(f"--vm {name}" for name in seen.touched)
    resume = " ".join(filter(None, ("mcis resume", words, chosen)))
    raise OperationError(
        summary="suspended VMs would be changed",
        detail=f"{fold_names(seen.touched)}: at rest; a change may start or replace it. Nothing was changed.",
        hint=f"{resume}, then again; or leave them out with --target; or mcis terminate them",
    )


def awake(here: Standing, known: Inventory, vms: Sequence[Vm]) -> list[Vm]:
    """Those of the VMs that are not known to rest: for the others it makes no sense to wait."""
    if not vms:
        return []
    return [each.vm for each in footing.meet(here, known, vms) if each.status not in RESTING]


# ---------------------------------------------------------------- after the engine


def settle(here: Standing, applied: Applied, targets: Sequence[str], control: Control) -> Applied:
    """Suspend or resume the VMs that are well and whose groups want it; a stopped run is left as it is."""
    if here.mcis is None or (applied.outcome is not None and applied.outcome.cancelled):
        return applied
    broken = {each.name for each in applied.inventory.failed}
    wished = _wished(here.mcis, applied.inventory.vms, targets)
    vms = [vm for vm in applied.inventory.vms if wished.get(vm.name) is control and vm.name not in broken]
    return _moved(here, applied, control, footing.meet(here, applied.inventory, vms)) if vms else applied


def _moved(here: Standing, applied: Applied, control: Control, met: Sequence[Met]) -> Applied:
    decisions = footing.judged(control, met)
    going = [each for each in met if each.vm.name in decisions and decisions[each.vm.name].acts]
    carried = carry_out(Order(here=here, control=control, met=going))
    rows = {each.vm.name: row(control, each, decisions, carried) for each in met}
    bad = [each for each in rows.values() if each.state not in {"done", "unchanged"}]
    code = exit_code(bad, carried, met, timed=here.request.timeout_s is not None)
    code = code or (OperationError.exit_code if bad else 0)
    done = [each.name for each in rows.values() if each.state == "done"]
    told = (f"{STATES[control]} {fold_names(done)}",) if done else ()
    words = (f"{each.name}: {control} {each.state}: {each.reason}" for each in bad)
    return replace(
        applied,
        vms=tuple(_result(each, rows.get(each.name), control) for each in applied.vms),
        inventory=inventories.read(here.home.inventory),
        exit_code=_first(applied.exit_code, code),
        next=applied.next or (f"mcis up {here.request.words}".rstrip() if code else ""),
        notices=(*applied.notices, *told, *words),
    )


def _first(one: int, other: int) -> int:
    """Of two exit codes the one that counts: stopped, too late, credentials, failed."""
    ranked = [results.CANCELLED, results.TIMED_OUT, 3, 4, 0]
    return min((one, other), key=lambda code: ranked.index(code) if code in ranked else 0)


def _result(result: VmResult, moved: PowerRow | None, control: Control) -> VmResult:
    """The VM's row with what became of its power."""
    if moved is None or result.failure is not None:
        return result
    if moved.state == "done":
        return replace(result, state=STATES[control])
    if moved.state == "unchanged":
        return replace(result, state="suspended") if control is Control.SUSPEND else result
    failure = Failure(code="other", stage=control, message=f"{control}: {moved.reason}")
    return replace(result, state="FAILED", failure=failure)
