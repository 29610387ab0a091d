"""What `up`, `down`, `scale` and `refresh` did: a row per VM, a sentence, and how to go on."""

from __future__ import annotations

from mcis_iac.model import Failure, OnFailure, Op, Step
from mcis_iac.pipeline import Applied, VmResult
from mcis_iac.report.actions import action_lines
from mcis_iac.report.tables import Cell, table
from mcis_iac.report.text import clean, paint, plural, seconds

HEADER = ("VM", "STATE", "CLOUD", "REGION", "DETAIL")
INKS = {"ready": "green", "FAILED": "red", "deleted": "red"}
KEPT = {
    "keep": "what worked was kept",
    "rollback": "what this run had made was removed again",
    "drop-failed": "the failed ones were dropped",
}
PAST = {
    Op.CREATE: "created",
    Op.UPDATE: "updated",
    Op.REPLACE: "replaced",
    Op.DELETE: "deleted",
    Op.SAME: "unchanged",
}


def up_screen(applied: Applied, *, color: bool = False, width: int | None = None) -> str:
    """The result of `up` and `scale`, failures and the continuing command last."""
    lines = _rows(applied, color=color, width=width)
    lines += _other_failures(applied, color=color)
    lines.append(_up_sentence(applied))
    acted = action_lines(applied.actions, color=color, width=width)
    return _ended([*lines, *(["", *acted] if acted else [])], applied, color=color)


def notices_screen(applied: Applied, *, color: bool = False, width: int | None = None) -> str:
    """What is left to say when nothing was to change."""
    acted = action_lines(applied.actions, color=color, width=width)
    return "".join(f"{line}\n" for line in (*acted, *(f"note: {clean(text)}" for text in applied.notices)))


def down_screen(applied: Applied, *, color: bool = False, width: int | None = None) -> str:
    """The result of `down`."""
    lines = _rows(applied, color=color, width=width)
    lines += _other_failures(applied, color=color)
    deleted = sum(vm.state == "deleted" for vm in applied.vms)
    failed = sum(vm.failure is not None for vm in applied.vms)
    left = sum(vm.state not in ("deleted", "FAILED") for vm in applied.vms)
    sentence = f"{_stopped(applied)}{plural(deleted, 'VM')} deleted"
    sentence += f", {failed} failed" if failed else ""
    sentence += f", {left} left" if left else ""
    if not applied.vms:
        sentence = "nothing was left to delete" if _did_nothing(applied) else _steps_sentence(applied)
    lines.append(f"{sentence}   {seconds(applied.duration_s)}")
    return _ended(lines, applied, color=color)


def refresh_screen(applied: Applied, *, color: bool = False, width: int | None = None) -> str:
    """What `refresh` found to differ from the state."""
    steps = applied.outcome.steps if applied.outcome else ()
    rows = [
        (
            Cell(step.subject.vm if step.is_vm and step.subject.vm else step.key),
            step.subject.where,
            _seen(step),
        )
        for step in steps
    ]
    lines = table(rows, color=color, width=width)
    same = applied.outcome.same if applied.outcome else 0
    changed = (
        "nothing differed" if not steps else f"{plural(len(steps), 'resource')} differed, now in the state"
    )
    lines.append(f"{changed}, {same} unchanged   {seconds(applied.duration_s)}")
    return _ended(lines, applied, color=color)


def _seen(step: Step) -> Cell:
    if step.failure:
        return Cell(why(step.failure), "red")
    return Cell("gone from the cloud" if step.op is Op.DELETE else PAST[step.op])


def _rows(applied: Applied, *, color: bool, width: int | None) -> list[str]:
    if not applied.vms:
        return []
    rows = [
        (vm.name, Cell(vm.state, INKS.get(vm.state, "")), vm.cloud, vm.region, _detail(vm))
        for vm in applied.vms
    ]
    return table(rows, header=HEADER, color=color, width=width)


def _detail(vm: VmResult) -> str:
    if vm.failure:
        return why(vm.failure)
    return "" if vm.elapsed_s is None else seconds(vm.elapsed_s)


def why(failure: Failure) -> str:
    """A failure's reason, with the stage when it is not the obvious one."""
    stage = f"{failure.stage}: " if failure.stage in ("ready", "setup") else ""
    return f"{stage}{clean(failure.message)}"


def _other_failures(applied: Applied, *, color: bool) -> list[str]:
    """What failed and is no VM's row: networks, firewalls, the run itself. What only waits is no news."""
    if applied.outcome is None:
        return []
    shown = {vm.name for vm in applied.vms if vm.failure}
    lines = [
        f"{paint('FAILED', 'red', color=color)} {step.key} {step.op}: {why(step.failure)}"
        for step in applied.outcome.failed
        if step.failure and step.failure.attempted and step.subject.vm not in shown
    ]
    message = applied.outcome.message
    if message and not (lines or shown):
        lines.append(f"{paint('FAILED', 'red', color=color)} {clean(message)}")
    return lines


def _up_sentence(applied: Applied) -> str:
    ready = sum(vm.state in ("ready", "unchanged", "resumed") for vm in applied.vms)
    resting = sum(vm.state == "suspended" for vm in applied.vms)
    failed = sum(vm.failure is not None for vm in applied.vms)
    deleted = sum(vm.state == "deleted" for vm in applied.vms)
    wanted = sum(vm.state != "deleted" for vm in applied.vms)
    sentence = _stopped(applied) + (
        f"{ready} of {plural(wanted, 'VM')} ready" if wanted else "no VM is ready"
    )
    sentence += f", {resting} suspended" if resting else ""
    sentence += f", {failed} failed" if failed else ""
    sentence += f", {deleted} deleted" if deleted else ""
    if failed or (applied.outcome is not None and applied.outcome.failed):
        sentence += f"; {KEPT[_done_about_it(applied, failed)]}"
    return f"{sentence}   {seconds(applied.duration_s)}"


def _done_about_it(applied: Applied, failed: int) -> OnFailure:
    """What `on_failure` came to: a stopped run is never undone, and nothing new is nothing to remove."""
    outcome = applied.outcome
    if applied.preview is None or (outcome is not None and outcome.cancelled):
        return "keep"
    wish = applied.preview.mcis.on_failure
    made = outcome is not None and any(
        step.op is Op.CREATE and (step.ok or step.id) for step in outcome.steps
    )
    done = {"keep": True, "rollback": made, "drop-failed": failed > 0}[wish]
    return wish if done else "keep"


def _stopped(applied: Applied) -> str:
    return "stopped: " if applied.outcome is not None and applied.outcome.cancelled else ""


def _did_nothing(applied: Applied) -> bool:
    return applied.outcome is None or not applied.outcome.steps


def _steps_sentence(applied: Applied) -> str:
    done = sum(step.ok for step in applied.outcome.steps) if applied.outcome else 0
    return f"no VMs; {plural(done, 'resource')} deleted"


def _ended(lines: list[str], applied: Applied, *, color: bool) -> str:
    lines += [f"note: {clean(text)}" for text in applied.notices]
    if applied.next:
        verb = "continue" if applied.exit_code else "next"
        lines.append(paint(f"{verb}: {applied.next}", "cyan", color=color))
    return "\n".join(lines) + "\n"
