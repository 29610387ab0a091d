"""What can be done to a stack: preview, up, down, refresh, and reading its state.

This is the border where the engine's exceptions end: a preview that cannot be made raises,
everything that was begun ends in an Outcome, whatever happened to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pulumi.automation import CommandError, ConcurrentUpdateError, StackNotFoundError

from mcis_iac.engine import causes, checkpoint, inventory, recovery, selection, silence, troubles
from mcis_iac.engine.checkpoint import StateResource
from mcis_iac.engine.command import Interrupted
from mcis_iac.engine.diff import PreviewReader
from mcis_iac.engine.driving import Program, drive
from mcis_iac.engine.events import Listener
from mcis_iac.engine.interrupt import Finished, Stop
from mcis_iac.engine.progress import OnVmCreated, Progress
from mcis_iac.engine.session import Session
from mcis_iac.engine.subjects import Subjects
from mcis_iac.errors import Cancelled, McisError, OperationError, TimedOut
from mcis_iac.model import Diff, Failure, Outcome
from mcis_iac.program.graph import Graph

PARALLEL = 64
MANY = 300  # resources: from here on starting the engine once more costs less than it saves
_QUIETLY = {"suppress_outputs": True, "suppress_progress": True, "color": "never"}


def preview(
    session: Session,
    graph: Graph,
    *,
    subjects: Subjects,
    targets: Iterable[str] = (),
    replace: Iterable[str] = (),
    silent: Collection[str] = (),
    parallel: int = PARALLEL,
    timeout_s: float | None = None,
) -> Diff:
    """What `up` would do; changes nothing in any cloud.

    `targets` and `replace` are names of groups, VMs or keys; `silent` are keys of providers not to be
    started, whose resources and whatever refers to those are left out. Raises `silence.Refused` when
    clouds refuse providers, OperationError when the graph cannot be applied, Cancelled or TimedOut
    when stopped.
    """
    if silent:
        with _unseen(session, graph, silent) as (copy, left):
            return preview(
                copy, left, subjects=subjects, targets=targets, replace=replace,
                parallel=parallel, timeout_s=timeout_s,
            )  # fmt: skip
    asked = _Asked.of(session, graph, subjects, targets, replace)
    reader = PreviewReader(subjects, frozenset(asked.replace))
    program = Program(asked.graph)
    begun = time.monotonic()
    finished = drive(
        session,
        reader.handle,
        lambda put: session.api.preview(
            on_event=put, program=program, parallel=parallel, **asked.options(), **_QUIETLY
        ),
        program=program,
        timeout_s=timeout_s,
    )
    if finished.stop:
        raise _stopped(finished.stop, "nothing was changed")
    if finished.error is not None:
        raise _preview_trouble(session, reader, asked.graph, subjects, finished.error)
    return causes.traced(reader.diff(time.monotonic() - begun), asked.graph)


def up(
    session: Session,
    graph: Graph,
    *,
    listen: Listener,
    subjects: Subjects,
    targets: Iterable[str] = (),
    replace: Iterable[str] = (),
    parallel: int = PARALLEL,
    timeout_s: float | None = None,
    on_vm_created: OnVmCreated | None = None,
) -> Outcome:
    """Make the stack equal to the graph; what fails does not stop the rest.

    `on_vm_created(name, inventory entry)` is called in another thread as soon as a new VM exists.
    The outcome's `outputs` have an inventory entry for every VM that exists, also those whose
    update failed.
    """
    asked = _Asked.of(session, graph, subjects, targets, replace)
    progress = Progress(listen, subjects, asked.graph, on_vm_created)
    program = Program(asked.graph, lambda: {one.urn for one in state(session)})
    return _operate(
        session,
        "up",
        progress,
        lambda put: session.api.up(
            on_event=put, program=program, parallel=parallel, continue_on_error=True,
            **asked.options(), **_QUIETLY,
        ),
        timeout_s=timeout_s,
        graph=asked.graph,
        program=program,
    )  # fmt: skip


def down(
    session: Session,
    *,
    listen: Listener,
    subjects: Subjects,
    targets: Iterable[str] = (),
    remove: bool = False,
    parallel: int = PARALLEL,
    timeout_s: float | None = None,
) -> Outcome:
    """Delete everything in the state (or what the targets name, and what depends on it); needs no graph.

    `remove` also removes the stack from its backend when nothing is left of it. A stack that does
    not exist is fine.
    """
    names = tuple(targets)
    if session.absent:
        return Outcome(steps=())
    options: dict[str, Any] = {}
    if names:
        options = {"target": selection.existing(names, state(session), subjects), "target_dependents": True}
    else:
        _lighten(session)
    progress = Progress(listen, subjects)
    outcome = _operate(
        session,
        "down",
        progress,
        lambda put: session.api.destroy(
            on_event=put, parallel=parallel, continue_on_error=True, **options, **_QUIETLY
        ),
        timeout_s=timeout_s,
        create=False,
    )
    if remove and outcome.ok and not names:
        session.forget()
    return outcome


def _lighten(session: Session) -> None:
    """Take the outputs out of a large state that is about to be emptied.

    They speak of VMs that go, they are a quarter of the state, and the engine writes the whole of it
    twice for every resource. Should the deletion stop half-way, the next `up` gives them back.
    """
    deployment = session.deployment()
    if len(deployment.get("resources") or ()) >= MANY:
        session.restore(checkpoint.without_outputs(deployment))


def refresh(
    session: Session,
    *,
    listen: Listener,
    subjects: Subjects,
    targets: Iterable[str] = (),
    parallel: int = PARALLEL,
    timeout_s: float | None = None,
) -> Outcome:
    """Write what the clouds say into the state; needs no graph. Steps are what differed."""
    names = tuple(targets)
    options = {"target": selection.existing(names, state(session), subjects)} if names else {}
    return _operate(
        session,
        "refresh",
        Progress(listen, subjects),
        lambda put: session.api.refresh(on_event=put, parallel=parallel, **options, **_QUIETLY),
        timeout_s=timeout_s,
        create=False,
    )


def outputs(session: Session) -> Mapping[str, Any]:
    """The stack's outputs as the state has them, secrets blinded; {} when there is no stack."""
    return checkpoint.outputs(session.deployment())


def state(session: Session) -> tuple[StateResource, ...]:
    """Every cloud resource of the state."""
    return checkpoint.resources(session.deployment())


# ---------------------------------------------------------------- how


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A graph with the URNs an operation is limited to and those it must replace."""

    graph: Graph
    target: list[str]
    replace: list[str]

    @classmethod
    def of(
        cls,
        session: Session,
        graph: Graph,
        subjects: Subjects,
        targets: Iterable[str],
        replace: Iterable[str],
    ) -> _Asked:
        renewed = selection.machines(replace, graph, subjects)
        names = tuple(targets)
        chosen = selection.targeted(names, graph, state(session), subjects) if names else {}
        return cls(
            graph=selection.rebuilt(graph, (one.key for one in renewed)),
            target=[session.urn(token, key) for key, token in chosen.items()],
            replace=[session.urn(one.token, one.key) for one in renewed],
        )

    def options(self) -> dict[str, Any]:
        """Arguments for the Automation API; nothing that was not asked for."""
        return {name: urns for name, urns in (("target", self.target), ("replace", self.replace)) if urns}


@contextmanager
def _unseen(session: Session, graph: Graph, silent: Collection[str]) -> Iterator[tuple[Session, Graph]]:
    """The stack as it were without those providers: a session on a copy of its state, and their graph."""
    left = silence.spared(graph, silent)
    deployment = session.deployment()
    less = silence.forgotten(deployment, graph, left, silent)
    if less is deployment:
        yield session, left
        return
    with session.beside(less) as copy:
        yield copy, left


def _operate(
    session: Session,
    verb: str,
    progress: Progress,
    call: Callable[[Callable[[Any], None]], Any],
    *,
    timeout_s: float | None,
    graph: Graph | None = None,
    program: Program | None = None,
    create: bool = True,
) -> Outcome:
    begun = time.monotonic()

    def on_stop(why: Stop, times: int) -> None:
        progress.tell("warning", _stop_words(why, times))

    finished = drive(
        session,
        progress.handle,
        call,
        program=program,
        timeout_s=timeout_s,
        on_stop=on_stop,
        create=create,
        stuck=lambda: progress.stuck,
    )
    if program is not None:
        progress.spare(program.lost)
    if isinstance(finished.error, StackNotFoundError):
        return Outcome(steps=(), duration_s=time.monotonic() - begun)
    message = _account(session, verb, progress, finished)
    return Outcome(
        steps=progress.steps,
        same=progress.same,
        outputs=inventory.after(
            progress.outputs,
            progress.old_outputs,
            gone=progress.gone,
            graph=graph,
            deployment=session.deployment,
        ),
        cancelled=finished.stop is not None,
        timed_out=finished.stop is Stop.DEADLINE,
        message=message,
        duration_s=time.monotonic() - begun,
    )


def _account(session: Session, verb: str, progress: Progress, finished: Finished[Any]) -> str:
    """Complete the progress and say what went wrong with the run itself ("" = nothing).

    Raises when nothing was even begun and nobody stopped it: that is no outcome but an error.
    """
    error = finished.error
    if error is None and not finished.stop:
        return ""
    progress.end(_unfinished(finished))
    if finished.stop or error is None or isinstance(error, Interrupted):
        return ""
    if not isinstance(error, CommandError):
        raise error
    if isinstance(error, ConcurrentUpdateError):
        raise recovery.locked_by(str(error), session.stack) from error
    log = session.keep(verb, "\n".join((str(error), progress.dump)))
    if progress.died:
        return f"a provider process died in the middle of its work; what it printed last is in {log}"
    if not progress.steps and not progress.same:
        text = "\n".join(f"error: {said}" for said in progress.errors) or str(error)
        raise troubles.explain(text, backend_url=session.backend_url, log=log) from error
    if _was_killed(error):
        return "the engine was killed before it was done; run the command again"
    said = dict.fromkeys(progress.errors)
    return "; ".join(said) or (
        "" if any(not step.ok for step in progress.steps) else troubles.worst_line(str(error))
    )


def _unfinished(finished: Finished[Any]) -> Failure:
    if finished.stop:
        return Failure(code="cancelled", stage="engine", message="stopped before it was finished")
    return Failure(code="other", stage="engine", message="the engine ended before it was finished")


def _was_killed(error: CommandError) -> bool:
    return "\n code: -" in str(error)


def _stop_words(why: Stop, times: int) -> str:
    if times > 1:
        return "stopping hard: what is being created becomes pending, the next `mcis up` or `down` finds it"
    cause = "the time is up" if why is Stop.DEADLINE else "interrupted"
    return f"{cause}: nothing new starts, what is being created is finished and kept (again = stop hard)"


def _stopped(why: Stop, detail: str) -> McisError:
    kind = TimedOut if why is Stop.DEADLINE else Cancelled
    summary = "the time is up" if why is Stop.DEADLINE else "stopped"
    return kind(summary=summary, detail=detail)


def _preview_trouble(
    session: Session, reader: PreviewReader, graph: Graph, subjects: Subjects, error: BaseException
) -> BaseException:
    if isinstance(error, ConcurrentUpdateError):
        return recovery.locked_by(str(error), session.stack)
    if not isinstance(error, CommandError):
        return error
    there = state(session) if reader.errors else ()
    refused = silence.by_provider(reader.refused, graph, there)
    unnamed = [text for key, text in reader.errors if not key]
    if refused := refused or silence.retired(unnamed, graph, there, subjects):
        return silence.Refused(refused)
    log = session.keep("preview", str(error))
    named = [f"{key}: {text}" for key, text in reader.errors if key and "plugin" not in text]
    if named:
        detail = "\n  ".join(dict.fromkeys(named))
        return OperationError(summary="the stack cannot be made like this", detail=detail)
    text = "\n".join(f"error: {text}" for _, text in reader.errors) or str(error)
    return troubles.explain(text, backend_url=session.backend_url, log=log)
