"""What can be done to a stack: preview, up, down, refresh, and reading its state.

This is the border where the engine's exceptions end: a preview that cannot be made raises,
everything that was begun ends in an Outcome, whatever happened to it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mcis_iac.engine import causes, checkpoint, ended, selection, silence, unfinished
from mcis_iac.engine.checkpoint import StateResource
from mcis_iac.engine.diff import PreviewReader
from mcis_iac.engine.driving import Program, drive
from mcis_iac.engine.entries import OnVmCreated
from mcis_iac.engine.events import Listener
from mcis_iac.engine.held import whoami
from mcis_iac.engine.history import BY
from mcis_iac.engine.progress import Progress
from mcis_iac.engine.running import Run
from mcis_iac.engine.session import Session
from mcis_iac.engine.subjects import Subjects
from mcis_iac.model import Diff, Outcome
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
    return _looked(session, asked, subjects, parallel=parallel, timeout_s=timeout_s)


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
    run = Run(
        session=session, verb="up", progress=progress, timeout_s=timeout_s, graph=asked.graph, program=program
    )
    return run.outcome(
        lambda put: session.api.up(
            on_event=put, program=program, parallel=parallel, continue_on_error=True,
            message=_signed("up"), **asked.options(), **_QUIETLY,
        )
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
    run = Run(session=session, verb="down", progress=progress, timeout_s=timeout_s, create=False)
    outcome = run.outcome(
        lambda put: session.api.destroy(
            on_event=put,
            parallel=parallel,
            continue_on_error=True,
            message=_signed("down"),
            **options,
            **_QUIETLY,
        )
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
    progress = Progress(listen, subjects)
    run = Run(session=session, verb="refresh", progress=progress, timeout_s=timeout_s, create=False)
    return run.outcome(
        lambda put: session.api.refresh(
            on_event=put, parallel=parallel, message=_signed("refresh"), **options, **_QUIETLY
        )
    )


def outputs(session: Session) -> Mapping[str, Any]:
    """The stack's outputs as the state has them, secrets blinded; {} when there is no stack."""
    return checkpoint.outputs(session.deployment())


def state(session: Session) -> tuple[StateResource, ...]:
    """Every cloud resource of the state."""
    return checkpoint.resources(session.deployment())


# ---------------------------------------------------------------- how


def _signed(verb: str) -> str:
    """What the backend's history has of an operation, so that every checkout can tell whose it was."""
    return f"mcis {verb}{BY}{whoami()}"


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


def _looked(
    session: Session, asked: _Asked, subjects: Subjects, *, parallel: int, timeout_s: float | None
) -> Diff:
    """Have the engine preview that."""
    reader = PreviewReader(subjects, frozenset(asked.replace))
    program = Program(asked.graph)
    begun = time.monotonic()
    finished = drive(
        session,
        lambda event: reader.handle(unfinished.as_create(event)),
        lambda put: session.api.preview(
            on_event=put, program=program, parallel=parallel, **asked.options(), **_QUIETLY
        ),
        program=program,
        timeout_s=timeout_s,
    )
    if finished.stop:
        raise ended.stopped(finished.stop, "nothing was changed")
    if finished.error is not None:
        raise ended.preview_trouble(session, reader, asked.graph, subjects, finished.error)
    return causes.traced(reader.diff(time.monotonic() - begun), asked.graph)


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
