"""The engine's events, handled in a thread of their own.

The handler given to the Automation API runs on a gRPC thread, slows the engine down while it works,
and its exceptions are swallowed: so it only enqueues. What cannot be handled is counted, never
raised.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

BEGIN_S, DRAIN_S = 0.2, 2.0


class Stream:
    """Feeds events to `handle` in order; `put` is the handler for the Automation API."""

    def __init__(self, handle: Callable[[Any], None]) -> None:
        self._handle = handle
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._begun, self._ended = threading.Event(), threading.Event()
        self.unread = 0
        self._thread = threading.Thread(target=self._work, name="mcis-events", daemon=True)
        self._thread.start()

    def put(self, event: Any) -> None:
        """Enqueue an engine event, or a function to be called in its turn."""
        self._queue.put(event)

    def begin(self) -> Callable[[Any], None]:
        """The handler for another attempt: its events have an end of their own."""
        self._begun.clear()
        self._ended.clear()
        return self.put

    def close(self) -> None:
        """Wait for the last event, which says so itself unless the engine was killed, and stop."""
        if self._begun.wait(BEGIN_S):
            self._ended.wait(DRAIN_S)
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                if callable(event):
                    event()
                else:
                    self._begun.set()
                    self._handle(event)
            except Exception:  # a bad event or listener must not end the operation
                self.unread += 1
            finally:
                if getattr(event, "cancel_event", None) is not None:
                    self._ended.set()
