"""Actions on VMs that are there: what is due, rendered before anything is sent, run in order, recorded.

    whom it is for -> rendered for each -> due by the record -> sent in batches -> noted as each ends

What has begun and what came of it is on disk before the next thing happens, so that an interrupted
run goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mcis_iac.actions import done as books
from mcis_iac.actions import fanout, steps
from mcis_iac.actions.keys import Login
from mcis_iac.actions.run import CANCELLED
from mcis_iac.actions.steps import Step
from mcis_iac.actions.templates import Renderer, Unrenderable
from mcis_iac.clouds import registry
from mcis_iac.engine import record
from mcis_iac.engine.held import whoami
from mcis_iac.engine.home import StackHome
from mcis_iac.errors import Cancelled, McisError, OperationError, TimedOut
from mcis_iac.flows.placing import Clock
from mcis_iac.flows.runlog import RunLog
from mcis_iac.model import Action, Connection, HostResult, Mcis, Status, Vm
from mcis_iac.pipeline import ActionReport, ActionRow

KEEP_BYTES = 256 * 1024  # of the output of one VM and action
OnLine = Callable[[str, str, str, str], None]  # action, vm, stream, one line
OnEnd = Callable[[str, HostResult], None]  # action, how it ended on one VM
ASLEEP = (Status.SUSPENDED, Status.SUSPENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Who can be sent what: the VMs that exist, those that sleep or are not ready, and how to get in.

    `missing` are VMs that should exist; `serial` and `timeout_s` win over the actions' own.
    """

    mcis: Mcis
    home: StackHome
    vms: tuple[Vm, ...]
    login: Login
    clock: Clock
    asleep: Collection[str] = ()
    unready: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    serial: int | None = None
    timeout_s: float | None = None
    parallel: int = 64
    on_end: OnEnd = lambda _action, _result: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One action with what is due of it, rendered."""

    action: Action
    steps: tuple[Step, ...]
    asleep: tuple[Vm, ...] = ()


def tasks(
    crew: Crew, actions: Sequence[Action], *, chosen: Collection[str] | None = None, forced: bool = False
) -> tuple[Task, ...]:
    """What is to be done, rendered for every VM; `forced` = due or not. Nothing is sent yet.

    OperationError names the template, the VM and the reason when one cannot be rendered.
    """
    done = books.Done.of(record.read(crew.home, *books.KINDS))
    renderer = Renderer(crew.mcis, crew.vms, location)
    found = []
    for action in actions:
        meant = steps.targets(action, crew.mcis, crew.vms)
        awake = steps.narrowed(action, [vm for vm in meant if vm.name not in crew.asleep])
        asleep = [vm for vm in meant if vm.name in crew.asleep] if action.only == "each" else []
        wanted = [vm for vm in (*awake, *asleep) if chosen is None or vm.name in chosen]
        rendered = [_rendered(crew.mcis, action, vm, renderer) for vm in wanted]
        due = [step for step in rendered if forced or done.due(action, step)]
        found.append(
            Task(
                action=action,
                steps=tuple(step for step in due if step.vm.name not in crew.asleep),
                asleep=tuple(step.vm for step in due if step.vm.name in crew.asleep),
            )
        )
    return tuple(task for task in found if task.steps or task.asleep)


def location(vm: Vm) -> Mapping[str, Any]:
    """Where the VM's region lies, as far as its cloud's data says."""
    fact = registry.graph(vm.cloud).facts().regions.get(vm.region)
    place = (fact.latitude, fact.longitude) if fact else (None, None)
    return {"name": vm.region, "lat": place[0], "lon": place[1]}


def _rendered(mcis: Mcis, action: Action, vm: Vm, renderer: Renderer) -> Step:
    def render(text: str, vm: Vm) -> str:
        try:
            return renderer.render(text, vm)
        except Unrenderable as problem:
            raise OperationError(
                summary="a template cannot be rendered",
                detail=f"action {action.name} for {vm.name}, {_place(mcis, action, text)}: {problem}",
                hint="nothing was sent; repair the template, then run the same command again",
            ) from problem

    return steps.step(action, vm, render)


def _place(mcis: Mcis, action: Action, text: str) -> str:
    """Where the text of an action was written."""
    way = f"actions.{mcis.actions.index(action)}"
    for number, file in enumerate(action.files):
        if file.text is text:
            return file.source or str(mcis.span(f"{way}.files.{number}.content"))
    return str(mcis.span(f"{way}.run.{action.run.index(text)}"))


# ---------------------------------------------------------------- doing it


def perform(crew: Crew, work: Sequence[Task], on_line: OnLine) -> ActionReport:
    """Run the tasks in order; the first failure ends it, unless the action says to go on."""
    if not work:
        return ActionReport()
    began, log, rows = time.monotonic(), RunLog(crew.home), list[ActionRow]()
    reason = ""
    for task in work:
        rows += [_row(task, vm, "left out", "suspended") for vm in task.asleep]
        if not reason:
            mine = list(_one(crew, task, log, on_line))
            rows += mine
            reason = _why_stop(task, mine)
        else:
            rows += [_row(task, step.vm, "not run", reason) for step in task.steps]
    return ActionReport(
        rows=tuple(rows),
        exit_code=_exit_code(crew, rows),
        log=log.name,
        duration_s=time.monotonic() - began,
    )


def _one(crew: Crew, task: Task, log: RunLog, on_line: OnLine) -> Iterator[ActionRow]:
    """One action: VMs that are not ready fail first, then batch after batch of the others."""
    late = _too_early(crew, task)
    yield from (
        _row(task, step.vm, "FAILED", late[step.vm.name]) for step in task.steps if step.vm.name in late
    )
    ready = [step for step in task.steps if step.vm.name not in late]
    serial, patient = crew.serial or task.action.serial, task.action.continue_on_error
    broken = f"after {task.action.name} failed"
    why = broken if late and serial and not patient else ""
    for start in range(0, len(ready), serial or max(1, len(ready))):
        batch = ready[start : start + (serial or len(ready))]
        why = why or ("out of time" if _over(crew) else "")
        if why:
            yield from (_row(task, step.vm, "not run", why) for step in batch)
            continue
        rows = [_ended(task, result) for result in _send(crew, task, batch, log, on_line)]
        if any(row.detail == CANCELLED for row in rows):
            why = "stopped"
        elif not patient and any(row.state != "done" for row in rows):
            why = broken
        yield from rows


def _too_early(crew: Crew, task: Task) -> dict[str, str]:
    """VMs that cannot be sent anything, with why; the first of a group may not be another one."""
    found = {step.vm.name: crew.unready[step.vm.name] for step in task.steps if step.vm.name in crew.unready}
    if task.action.only == "first":
        for step in task.steps:
            earlier = [
                name
                for name in crew.missing
                if steps.targets(task.action, crew.mcis, (_Missing(name),))
                and int(name.rpartition("-")[2]) < step.vm.ordinal
            ]
            found |= {step.vm.name: f"waits for {earlier[0]}, which is not there"} if earlier else {}
    return {name: f"not ready: {why}" if name in crew.unready else why for name, why in found.items()}


@dataclass(frozen=True, slots=True)
class _Missing:
    """A VM that should exist, by its name."""

    name: str

    @property
    def group(self) -> str:
        return self.name.rpartition("-")[0]

    @property
    def ordinal(self) -> int:
        return int(self.name.rpartition("-")[2])


def _send(
    crew: Crew, task: Task, batch: Sequence[Step], log: RunLog, on_line: OnLine
) -> tuple[HostResult, ...]:
    """One batch over SSH; each end is in the record and in the log before anything else happens."""
    by_vm, by = {step.vm.name: step for step in batch}, whoami()
    left, timeout_s = crew.clock.left_s, crew.timeout_s or task.action.timeout_s
    jobs = {
        step.vm.name: fanout.Job(
            text=step.command,
            stdin=step.script.encode("utf-8", "surrogatepass"),
            timeout_s=timeout_s if left is None else min(timeout_s, left),
            keep=KEEP_BYTES,
        )
        for step in batch
    }

    def note(result: HostResult) -> None:
        record.append(crew.home, books.ENDED, books.ended(by_vm[result.vm], result, by=by))
        log.add(task.action.name, result)
        crew.on_end(task.action.name, result)

    record.append(crew.home, books.BEGUN, books.begun(task.action.name, batch))
    return fanout.run_on_all(
        [step.vm for step in batch],
        jobs,
        login=crew.login,
        on_output=partial(on_line, task.action.name),
        on_result=note,
        known=crew.vms,
        serial=None,
        parallel=crew.parallel,
    )


# ---------------------------------------------------------------- how it ended


def _row(task: Task, vm: Vm, state: str, detail: str) -> ActionRow:
    return ActionRow(action=task.action.name, vm=vm.name, group=vm.group, state=state, detail=detail)


def _ended(task: Task, result: HostResult) -> ActionRow:
    detail = (
        ""
        if result.ok
        else result.error or ("connection lost" if result.lost else f"exit {result.exit_status}")
    )
    state = "done" if result.ok else "FAILED"
    return ActionRow(
        action=task.action.name, vm=result.vm, group=result.group, state=state, detail=detail, result=result
    )


def _why_stop(task: Task, rows: Sequence[ActionRow]) -> str:
    """Why nothing comes after this; "" = go on."""
    if any(row.detail == CANCELLED for row in rows):
        return "stopped"
    bad = any(row.state in ("FAILED", "not run") for row in rows)
    return f"after {task.action.name} failed" if bad and not task.action.continue_on_error else ""


def _over(crew: Crew) -> bool:
    return crew.clock.deadline_s is not None and crew.clock.elapsed_s >= crew.clock.deadline_s


def _exit_code(crew: Crew, rows: Sequence[ActionRow]) -> int:
    if any(row.detail == CANCELLED for row in rows):
        return Cancelled.exit_code
    bad = any(row.state in ("FAILED", "not run") for row in rows)
    if bad and _over(crew):
        return TimedOut.exit_code
    return OperationError.exit_code if bad else 0


def asleep(connections: Mapping[str, Connection], vms: Sequence[Vm]) -> set[str]:
    """The VMs that are suspended, one call per connection; of a silent cloud none is known to be."""
    found: set[str] = set()
    for name, connection in connections.items():
        mine = [vm for vm in vms if vm.connection == name]
        try:
            seen = registry.lifecycle(connection.cloud).observe(connection, mine) if mine else {}
        except McisError:
            continue
        found |= {vm for vm, one in seen.items() if one.status in ASLEEP}
    return found
