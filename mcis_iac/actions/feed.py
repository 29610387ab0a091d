"""What comes in on a file descriptor of ours, handed to commands on many VMs, each at its own pace."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType

CHUNK = 64 * 1024


class Feed:
    """A context manager; belongs to one event loop.

    It is read no further than the fastest command wants, so nothing waits for an end that never
    comes. With several readers what was read is kept in a temporary file for the slower ones.
    """

    def __init__(self, descriptor: int, *, readers: int) -> None:
        self._descriptor = descriptor
        self._kept = tempfile.TemporaryFile() if readers > 1 else None  # noqa: SIM115
        self._size = 0
        self._ended = False
        self._turn = asyncio.Lock()

    def __enter__(self) -> Feed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept is not None:
            self._kept.close()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Everything from the beginning; without a copy only one reader may ask."""
        if self._kept is None:
            while chunk := await self._read():
                yield chunk
            return
        at = 0
        while True:
            if at == self._size:
                await self._more(at)
            chunk = os.pread(self._kept.fileno(), CHUNK, at)
            if not chunk:
                return
            at += len(chunk)
            yield chunk

    async def _more(self, seen: int) -> None:
        """Read on, unless somebody else just has or there is nothing more."""
        async with self._turn:
            if self._size > seen or self._ended or self._kept is None:
                return
            chunk = await self._read()
            self._ended = not chunk
            os.pwrite(self._kept.fileno(), chunk, self._size)
            self._size += len(chunk)

    async def _read(self) -> bytes:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        try:
            # Refused for files and devices that always have an answer: those do not block.
            with suppress(PermissionError):
                loop.add_reader(self._descriptor, _once, ready)
                await ready
        finally:
            loop.remove_reader(self._descriptor)
        return os.read(self._descriptor, CHUNK)


def _once(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
