"""What to say of a run that did not end well: an error where nothing was begun, else its message."""

from __future__ import annotations

from typing import Any

from pulumi.automation import CommandError, ConcurrentUpdateError

from mcis_iac.engine import checkpoint, recovery, silence, troubles
from mcis_iac.engine.command import Interrupted
from mcis_iac.engine.diff import PreviewReader
from mcis_iac.engine.interrupt import Finished, Stop
from mcis_iac.engine.progress import Progress
from mcis_iac.engine.session import Session
from mcis_iac.engine.subjects import Subjects
from mcis_iac.errors import Cancelled, McisError, OperationError, TimedOut
from mcis_iac.model import Failure
from mcis_iac.program.graph import Graph


def account(session: Session, verb: str, progress: Progress, finished: Finished[Any]) -> str:
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
    return _message(session, verb, progress, error)


def _message(session: Session, verb: str, progress: Progress, error: CommandError) -> str:
    log = session.keep(verb, "\n".join((str(error), progress.dump)))
    if progress.died:
        return f"a provider process died in the middle of its work; what it printed last is in {log}"
    if not progress.steps and not progress.same:
        text = "\n".join(f"error: {said}" for said in progress.errors) or str(error)
        raise troubles.explain(text, backend_url=session.backend_url, log=log) from error
    if was_killed(error):
        return "the engine was killed before it was done; run the command again"
    said = dict.fromkeys(progress.errors)
    failed = any(not step.ok for step in progress.steps)
    return "; ".join(said) or ("" if failed else troubles.worst_line(str(error)))


def _unfinished(finished: Finished[Any]) -> Failure:
    if finished.stop:
        return Failure(code="cancelled", stage="engine", message="stopped before it was finished")
    return Failure(code="other", stage="engine", message="the engine ended before it was finished")


def was_killed(error: CommandError) -> bool:
    """Whether the engine itself was killed, not stopped by what it met."""
    return "\n code: -" in str(error)


# ---------------------------------------------------------------- stopped


def stop_words(why: Stop, times: int) -> str:
    """What a request to stop means, said when it comes."""
    if times > 1:
        return "stopping hard: what is being created becomes pending, the next `mcis up` or `down` finds it"
    cause = "the time is up" if why is Stop.DEADLINE else "interrupted"
    return f"{cause}: nothing new starts, what is being created is finished and kept (again = stop hard)"


def stopped(why: Stop, detail: str) -> McisError:
    """The error for a preview that was stopped."""
    kind = TimedOut if why is Stop.DEADLINE else Cancelled
    summary = "the time is up" if why is Stop.DEADLINE else "stopped"
    return kind(summary=summary, detail=detail)


# ---------------------------------------------------------------- previews


def preview_trouble(
    session: Session, reader: PreviewReader, graph: Graph, subjects: Subjects, error: BaseException
) -> BaseException:
    """The error for a preview that could not be made."""
    if isinstance(error, ConcurrentUpdateError):
        return recovery.locked_by(str(error), session.stack)
    if not isinstance(error, CommandError):
        return error
    there = checkpoint.resources(session.deployment()) if reader.errors else ()
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
