"""Calls that arrive together become one batch.

The engine asks for each resource by itself, dozens at a time; the cloud is many times faster with
all of them at once, and does one batch after the other anyway. So a batch closes when no call came
for a moment, but while another one runs it goes on collecting: within limits, because a batch can
also be slow for reasons of its own. A batch runs to its end even if the callers have gone: what was
begun must not be left half done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

WINDOW_S = 0.015
PATIENCE_S = 1.0
FULL = 250


class Batch(Generic[Asked, Answer]):
    """Collects calls of `ask` and answers them by one call of `run`.

    `run` gets what was asked for, in order, and returns as many answers; one that is an exception
    is raised to its own caller, one that `run` raises to all of them.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer | Exception]]],
        *,
        window_s: float = WINDOW_S,
        patience_s: float = PATIENCE_S,
        full: int = FULL,
    ) -> None:
        self._run, self._full = run, full
        self._window_s, self._patience_s = window_s, patience_s
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, what: Asked) -> Answer:
        """The answer to one question, given together with others."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((what, future))
        if len(self._waiting) >= self._full:
            self._close()
        elif not self._running:
            self._close_in(self._window_s)
        elif self._timer is None:
            self._close_in(self._patience_s)
        return await future

    async def finish(self) -> None:
        """Wait until every batch that has begun has ended."""
        while self._waiting or self._running:
            if self._waiting:
                self._close()
            await asyncio.gather(*self._running, return_exceptions=True)

    def _close_in(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._close)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._waiting and not self._running:
            self._close_in(self._window_s)

    def _close(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        # A caller that has gone before its batch began wants nothing any more.
        batch = [(what, future) for what, future in self._waiting if not future.done()]
        self._waiting = []
        if batch:
            task = asyncio.get_running_loop().create_task(self._answer(batch))
            self._running.add(task)
            task.add_done_callback(self._ended)

    async def _answer(self, batch: list[tuple[Asked, asyncio.Future[Answer]]]) -> None:
        try:
            answers: Sequence[Answer | Exception] = await self._run([what for what, _ in batch])
        except Exception as error:  # the callers are told; nobody else waits for this task
            answers = [error] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
