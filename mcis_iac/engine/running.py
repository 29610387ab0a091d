"""Running what changes a stack: from the call of the engine to the Outcome, whatever happens to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pulumi.automation import CommandError, ConcurrentUpdateError, StackNotFoundError

from mcis_iac.engine import ended, inventory, unfinished
from mcis_iac.engine.driving import Program, drive
from mcis_iac.engine.interrupt import Finished, Stop
from mcis_iac.engine.progress import Progress
from mcis_iac.engine.session import Session
from mcis_iac.engine.subjects import key_of
from mcis_iac.errors import McisError
from mcis_iac.model import Outcome
from mcis_iac.program.graph import Graph

NAMED = 4  # things that are named one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An operation that is about to begin; `create` makes the stack when there is none."""

    session: Session
    verb: str
    progress: Progress
    timeout_s: float | None
    graph: Graph | None = None
    program: Program | None = None
    create: bool = True

    def outcome(self, call: Callable[[Callable[[Any], None]], Any]) -> Outcome:
        """Make a call of the Automation API, which takes the reader of its events, and tell how it ended."""
        begun, progress = time.monotonic(), self.progress
        finished = self._driven(call)
        if self.program is not None:
            progress.spare(self.program.lost)
        if isinstance(finished.error, StackNotFoundError):
            return Outcome(steps=(), duration_s=time.monotonic() - begun)
        message = ended.account(self.session, self.verb, progress, finished)
        self._note_unfinished(finished)
        return Outcome(
            steps=progress.steps,
            same=progress.same,
            outputs=inventory.after(
                progress.outputs,
                progress.old_outputs,
                gone=progress.gone,
                graph=self.graph,
                deployment=self.session.deployment,
            ),
            cancelled=finished.stop is not None,
            timed_out=finished.stop is Stop.DEADLINE,
            message=message,
            duration_s=time.monotonic() - begun,
        )

    def _driven(self, call: Callable[[Callable[[Any], None]], Any]) -> Finished[Any]:
        def on_stop(why: Stop, times: int) -> None:
            self.progress.tell("warning", ended.stop_words(why, times))

        return drive(
            self.session,
            lambda event: self.progress.handle(unfinished.as_create(event)),
            call,
            program=self.program,
            timeout_s=self.timeout_s,
            on_stop=on_stop,
            create=self.create,
            stuck=lambda: self.progress.stuck,
        )

    def _note_unfinished(self, finished: Finished[Any]) -> None:
        """Have the next operation look for what this one may have made; a killed engine noted that itself."""
        error, unsure = finished.error, self.progress.unsure
        if self.graph is None or not unsure or not isinstance(error, CommandError):
            return
        if isinstance(error, ConcurrentUpdateError) or ended.was_killed(error):
            return
        try:
            keys = unfinished.note(self.session, self.graph, unsure)
        except McisError as failed:
            why = failed.detail or failed.summary
            self.progress.tell(
                "warning", f"it could not be noted that {_listed(map(key_of, unsure))} may exist: {why}"
            )
            return
        if keys:
            words = "may have been made all the same; the next `mcis up` or `mcis down` looks for it"
            self.progress.tell("warning", f"{_listed(keys)} {words}")


def _listed(names: Iterable[str]) -> str:
    """`web-1, web-2 and 7 more`."""
    every = sorted(names)
    more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    return ", ".join(every[:NAMED]) + more
