"""Running one Automation API call: the program, its events, and whoever wants to stop it.

The inline program runs in our process, on an event loop that the Automation API makes and, when the
engine hangs up, does not always close: cleaning up after it happens here, out of the user's sight.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import time
import warnings
from collections.abc import Callable, Collection, Sequence
from typing import Any

from mcis_iac.engine import contact, recovery, scrub
from mcis_iac.engine.interrupt import Finished, Stop, guarded
from mcis_iac.engine.session import Session
from mcis_iac.engine.stream import Stream
from mcis_iac.program import interpreter
from mcis_iac.program.graph import Graph
from mcis_iac.program.quiet import quiet

SETTLE_S, IDLE_TIMES = 3.0, 20


class Program:
    """The inline program, and the event loop that the Automation API runs it in.

    `exists` gives the URNs in state; `lost` are those that were not tried, with what they wait for.
    `begun`: whether the engine has ever come to it.
    """

    def __init__(self, graph: Graph, exists: Callable[[], Collection[str]] = frozenset) -> None:
        self.lost: dict[str, str] = {}
        self._run = interpreter.program(graph, exists=exists, lost=self.lost)
        self.renamed = {ours: theirs for each in graph.resources for ours, theirs in each.env.items()}
        self.begun = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> None:
        self.begun = True
        self._loop = asyncio.get_running_loop()
        self._run()

    def settle(self) -> None:
        """Wait until the loop has ended, which it does a moment after the engine hangs up.

        The Automation API then sometimes leaves it open. What it leaves behind is collected here,
        where its warnings can be kept from the user.
        """
        loop, self._loop = self._loop, None
        deadline, idle = time.monotonic() + SETTLE_S, 0
        while loop and not loop.is_closed() and time.monotonic() < deadline and idle < IDLE_TIMES:
            time.sleep(0.01)
            idle = 0 if loop.is_running() else idle + 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if loop and not loop.is_running():
                _hush(loop)
                loop.close()
            del loop
            gc.collect()


def _hush(loop: asyncio.AbstractEventLoop) -> None:
    """End what the loop will never come to: whoever still holds it would be warned of it much later."""
    for task in asyncio.all_tasks(loop):
        coroutine = task.get_coro()
        with contextlib.suppress(RuntimeError):  # it runs in another thread after all
            if coroutine is not None:
                coroutine.close()


def drive(
    session: Session,
    handle: Callable[[Any], None],
    call: Callable[[Callable[[Any], None]], Any],
    *,
    program: Program | None = None,
    timeout_s: float | None,
    on_stop: Callable[[Stop, int], None] = lambda *_: None,
    create: bool = True,
    stuck: Callable[[], bool] = lambda: False,
) -> Finished[Any]:
    """Run one Automation API call beside its events; returns when both have ended."""
    secrets = scrub.values(session.workspace.env_vars, program.renamed if program else {})
    stream = Stream(lambda event: handle(_scrubbed(event, secrets)))
    # The program's server logs a traceback whenever the engine hangs up on it; the events say why.
    logging.getLogger("grpc").setLevel(logging.CRITICAL)
    contact.separate()

    def attempt() -> Any:
        return session.on_stack(lambda: call(stream.begin()), create=create)

    def begun() -> bool:
        return program is None or program.begun

    def work() -> Any:
        with quiet(), session.command.brief():
            try:
                return recovery.past_the_dead(session, lambda: contact.once_more(attempt, begun))
            except BaseException:
                if program:
                    program.settle()
                raise

    def told(why: Stop, times: int) -> None:
        stream.put(lambda: on_stop(why, times))

    finished = guarded(work, session.command, timeout_s=timeout_s, on_stop=told, stuck=stuck)
    session.command.resume()
    stream.close()
    return finished


def _scrubbed(event: Any, secrets: Sequence[str]) -> Any:
    """An event whose words have no secrets in them: clouds repeat what they do not like."""
    said = event.diagnostic_event
    if said is not None:
        said.message = scrub.scrub(said.message, secrets)
    return event
