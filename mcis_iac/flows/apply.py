"""Applying a prospect: the engine beside the wait for readiness, then `on_failure`, then the books."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions import keys
from mcis_iac.actions.ready import Readiness, Ready
from mcis_iac.clouds import registry
from mcis_iac.engine import operations
from mcis_iac.engine.events import Event
from mcis_iac.engine.home import StackHome
from mcis_iac.errors import CredentialsError
from mcis_iac.flows import addresses, desired, guard, hostkeys, kept, releasing, remedy, results, silence
from mcis_iac.flows.prospect import Prospect
from mcis_iac.flows.stack import known_inventory
from mcis_iac.model import NOTHING, Failure, Inventory, Op, Outcome, Subject, Vm, VmFailure
from mcis_iac.pipeline import Applied, VmResult
from mcis_iac.placement import lock as locks

NOT_FINISHED = ("setup", "ready")
# A machine that failed like that and exists all the same was adopted: nobody has waited for it yet.
NOT_KNOWN = ("create", "engine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the engine and the wait for readiness came to."""

    outcome: Outcome
    vms: tuple[Vm, ...]
    readiness: Mapping[str, Readiness]
    notices: tuple[str, ...] = ()


def apply(prospect: Prospect) -> Applied:
    """Run the engine; VMs are waited for while others are still being made."""
    going = {change.key for change in guard.losses(prospect.diff.changes)}
    held_back = releasing.release(prospect.here, prospect.session, going)
    run = _with_readiness(prospect, lambda waiter: _engine(prospect, waiter))
    return _settle_up(prospect, replace(run, notices=(*held_back, *run.notices)))


def recheck(prospect: Prospect) -> Applied:
    """Nothing to change: look again at VMs whose first boot had not finished or had failed."""
    outcome = Outcome(steps=(), same=prospect.diff.same)
    # A `down` that stopped at once may have left everything but the outputs.
    listed = known_inventory(prospect.here) == prospect.before  # else under the names groups had before
    if listed and prospect.before.operation not in {"", "down"} and not prospect.before.failed:
        return _unchanged(prospect, outcome)
    known = operations.outputs(prospect.session)
    if _unlisted(prospect, known):
        return apply(prospect)
    run = _with_readiness(prospect, lambda _: replace(outcome, outputs=known))
    return _settle_up(prospect, run)


def _unlisted(prospect: Prospect, outputs: Mapping[str, Any]) -> bool:
    """Whether the state has machines its inventory does not: an earlier run died before its outputs."""
    listed = {vm.name for vm in inventories.from_outputs(outputs)}
    there = operations.state(prospect.session)
    return any(prospect.subjects.is_vm(one.token) and one.key not in listed for one in there)


def _unchanged(prospect: Prospect, outcome: Outcome) -> Applied:
    rows = tuple(results.row_of(vm, "unchanged") for vm in prospect.before.vms)
    return Applied(
        preview=prospect.preview,
        outcome=outcome,
        vms=rows,
        inventory=prospect.before,
        duration_s=prospect.clock.elapsed_s,
    )


class Waiter:
    """Feeds new VMs to the readiness service; without a way in by SSH, created counts as ready."""

    def __init__(
        self, home: StackHome, service: Ready | None = None, via: Mapping[str, str] = NOTHING
    ) -> None:
        self.home = home
        self.service = service
        self.via = via

    def created(self, name: str, entry: Mapping[str, Any]) -> None:
        """A VM exists: begin to wait for it."""
        for vm in inventories.from_outputs({"inventory": {name: entry}}):
            checked = hostkeys.made(self.home, vm)
            if self.service is not None and within_reach(vm, self.via):
                self.service.submit(checked)


def within_reach(vm: Vm, via: Mapping[str, str] = NOTHING) -> bool:
    """Whether a login can be tried: a private address of a cloud elsewhere leads nowhere from here.

    `via` has the group by which a group is reached, where it is not directly.
    """
    return vm.public_ip is not None or vm.group in via or not registry.graph(vm.cloud).REMOTE


def out_of_reach(vms: Iterable[Vm], via: Mapping[str, str] = NOTHING) -> tuple[str, ...]:
    """A sentence about the groups whose VMs nobody could wait for."""
    groups = sorted({vm.group for vm in vms if not within_reach(vm, via)})
    if not groups:
        return ()
    return (f"{', '.join(groups)}: no public address, so created counts as ready",)


def _with_readiness(prospect: Prospect, work: Callable[[Waiter], Outcome]) -> Run:
    """Run `work` beside the service, then wait for what it was given and for earlier unfinished VMs."""
    notices: tuple[str, ...] = ()
    home = prospect.here.home
    try:
        login = _login(prospect)
    except CredentialsError as error:
        outcome = work(Waiter(home))
        notices = (f"created counts as ready: {error.detail or error.summary}",)
        vms = hostkeys.ring(home).over(_there(prospect, outcome))
        return Run(outcome=outcome, vms=vms, readiness={}, notices=notices)
    known, settle = hostkeys.trusted(home, prospect.before.vms), hostkeys.settling(home)
    with Ready(login, lambda ready: _tell(prospect, ready), known=known, settle=settle) as service:
        outcome = work(Waiter(home, service, login.via))
        vms = _there(prospect, outcome)
        unfinished = [vm for vm in _unfinished(prospect.before, vms, outcome) if within_reach(vm, login.via)]
        for vm in hostkeys.trusted(home, desired.awake(prospect.here, prospect.before, unfinished)):
            if vm.host_key is not None:  # else another checkout made it, and knows whether it is ready
                service.submit(vm)
        try:
            found: Mapping[str, Readiness] = {} if outcome.cancelled else service.wait()
        except KeyboardInterrupt:
            outcome, found = replace(outcome, cancelled=True), {}
    vms = hostkeys.ring(home).over(vms)
    return Run(outcome=outcome, vms=vms, readiness=found, notices=out_of_reach(vms, login.via))


def _there(prospect: Prospect, outcome: Outcome) -> tuple[Vm, ...]:
    """The VMs that exist, with the addresses they have now."""
    return addresses.current(prospect.here.home, inventories.from_outputs(outcome.outputs))


def _engine(prospect: Prospect, waiter: Waiter) -> Outcome:
    return operations.up(
        prospect.session,
        prospect.placed.graph,
        listen=prospect.ground.request.listen,
        subjects=prospect.subjects,
        targets=prospect.wish.targets,
        replace=prospect.wish.replace,
        parallel=prospect.ground.request.parallel,
        timeout_s=prospect.clock.left_s,
        on_vm_created=waiter.created,
    )


def _login(prospect: Prospect) -> keys.Login:
    mcis = prospect.ground.mcis
    used = {member.group for member in prospect.placed.plan.members}
    return keys.login(used, mcis.groups, mcis.keys, prospect.ground.home.private_key)


def _unfinished(before: Inventory, vms: Iterable[Vm], outcome: Outcome) -> list[Vm]:
    """VMs that exist, were not ready when the last run ended, and were not made anew by this one."""
    waiting = {each.name for each in before.failed if each.failure.stage in (*NOT_FINISHED, *NOT_KNOWN)}
    if before.operation == "":
        waiting |= {vm.name for vm in vms}
    fresh = {step.key for step in outcome.steps if step.is_vm and step.op in {Op.CREATE, Op.REPLACE}}
    return [vm for vm in vms if vm.name in waiting and vm.name not in fresh]


def _tell(prospect: Prospect, readiness: Readiness) -> None:
    vm = readiness.vm
    subject = Subject(group=vm.group, vm=vm.name, connection=vm.connection, cloud=vm.cloud, region=vm.region)
    fields: dict[str, Any] = {"elapsed_s": round(readiness.elapsed_s, 3), "name": vm.name}
    kind = "vm_ready"
    if readiness.failure is None:
        fields["ip"] = vm.address
    else:
        kind = "op_failed"
        fields |= {"op": "create", "error": _as_error(readiness.failure)}
    mcis = prospect.ground.mcis
    prospect.ground.request.listen(
        Event(kind=kind, mcis=mcis.name, env=mcis.env, subject=subject, fields=fields)
    )


def _as_error(failure: Failure) -> dict[str, str]:
    return {
        "code": failure.code,
        "severity": "error",
        "summary": failure.message,
        "stage": failure.stage,
    }


def _settle_up(prospect: Prospect, run: Run) -> Applied:
    """Apply `on_failure`, keep the books, and say how it ended."""
    prospect = _remembering(prospect, run.outcome)
    failed = failures(prospect.before, run)
    fixed = remedy.remedy(prospect, run.outcome, run.vms, failed)
    kept = tuple(each for each in fixed.failed if each.name not in fixed.given_up)
    vms = results.dated(fixed.vms, prospect.before, run.outcome)
    left = results.stamped(Inventory(vms=vms, failed=kept), "up", prospect.clock)
    results.note(prospect.here, prospect.wish.verb, left, run.outcome)
    code = results.exit_code(run.outcome, replace(left, failed=tuple(failed)))
    refused = silence.notices(prospect.here.connections, run.outcome)
    return Applied(
        preview=prospect.preview,
        outcome=run.outcome,
        vms=_rows(prospect, run, failed, fixed.vms),
        inventory=left,
        exit_code=code,
        next=go_on(prospect.wish.words(prospect.ground.request), left) if code else "",
        notices=(*run.notices, *fixed.notices, *refused),
        duration_s=prospect.clock.elapsed_s,
    )


def _remembering(prospect: Prospect, outcome: Outcome) -> Prospect:
    """What machines are made with now, written into the lock."""
    ops = {step.key: step.op for step in outcome.steps if step.is_vm and step.ok}
    lock = kept.done(prospect.placed, ops)
    if lock == prospect.placed.lock:
        return prospect
    locks.write(prospect.ground.lock_path, lock)
    return replace(prospect, placed=replace(prospect.placed, lock=lock))


def go_on(words: str, left: Inventory) -> str:
    """The command that continues. A first boot that failed is not repeated: its VM has to be made anew."""
    broken = {
        each.name: each.group
        for each in left.failed
        if each.failure.stage == "setup" and each.failure.code != "timeout"
    }
    sound = {vm.group for vm in left.vms if vm.name not in broken}
    anew = dict.fromkeys(name if group in sound else group for name, group in broken.items())
    return " ".join(["mcis up", *([words] if words else []), *(f"--replace {each}" for each in anew)])


def failures(before: Inventory, run: Run) -> list[VmFailure]:
    """Every machine that failed: in the engine, at its first boot, or earlier and not tried again."""
    found: dict[str, VmFailure] = {}
    exists = {vm.name: vm for vm in run.vms}
    tried = {step.key for step in run.outcome.steps if step.is_vm}
    for old in before.failed:
        seen = old.name in tried or old.name in run.readiness or old.failure.stage in NOT_KNOWN
        if old.name in exists and not seen:
            found[old.name] = old
    for step in run.outcome.failed:
        each = results.failure_of(step, before=run.vms) if step.is_vm else None
        if each is not None and step.op is not Op.DELETE:
            found[each.name] = each
    for name, readiness in run.readiness.items():
        if readiness.failure is not None and name in exists:
            found[name] = results.vm_failure(exists[name], readiness.failure)
    if run.outcome.cancelled:
        for vm in _unseen(run):
            found[vm.name] = results.vm_failure(vm, STOPPED)
    return list(found.values())


STOPPED = Failure(code="cancelled", stage="ready", message="stopped before it was known to be ready")


def _unseen(run: Run) -> Sequence[Vm]:
    """New VMs nobody waited for, because the run was stopped."""
    fresh = {step.key for step in run.outcome.steps if step.is_vm and step.ok and step.op is Op.CREATE}
    return [vm for vm in run.vms if vm.name in fresh and vm.name not in run.readiness]


def _rows(
    prospect: Prospect, run: Run, failed: Sequence[VmFailure], exists: Sequence[Vm]
) -> tuple[VmResult, ...]:
    steps = results.steps_by_vm(run.outcome)
    bad = {each.name: each for each in failed}
    rows = {vm.name: _row(vm, run) for vm in exists if vm.name not in bad}
    for name, each in bad.items():
        rows[name] = results.row_of_failure(each, steps[name].duration_s if name in steps else None)
    for vm in prospect.before.vms:
        step = steps.get(vm.name)
        if vm.name not in rows and step is not None and step.op is Op.DELETE and step.ok:
            rows[vm.name] = results.row_of(vm, "deleted", step.duration_s)
    return tuple(sorted(rows.values(), key=lambda row: (row.group, int(row.name.rpartition("-")[2]))))


def _row(vm: Vm, run: Run) -> VmResult:
    step = results.steps_by_vm(run.outcome).get(vm.name)
    readiness = run.readiness.get(vm.name)
    if step is None and readiness is None:
        return results.row_of(vm, "unchanged")
    elapsed = (step.duration_s if step else 0.0) + (readiness.elapsed_s if readiness else 0.0)
    return results.row_of(vm, "ready", elapsed)
