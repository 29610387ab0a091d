"""The engine's events, handled in a thread of their own.

The handler given to the Automation API runs on a gRPC thread, slows the engine down while it works,
and its exceptions are swallowed: so it only enqueues. What cannot be handled is counted, never
raised.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

DRAIN_S = 2.0


class Stream:
    """Feeds events to `handle` in order; `put` is the handler for the Automation API."""

    def __init__(self, handle: Callable[[Any], None]) -> None:
        self._handle = handle
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._ended = threading.Event()
        self.unread = 0
        self._thread = threading.Thread(target=self._work, name="mcis-events", daemon=True)
        self._thread.start()

    def put(self, event: Any) -> None:
        """Enqueue an engine event, or a function to be called in its turn."""
        self._queue.put(event)

    def close(self, *, orderly: bool) -> None:
        """Wait for the last event (it says so itself; briefly, when the engine was killed) and stop."""
        wait = DRAIN_S if orderly else 0.2
        deadline = time.monotonic() + wait
        self._ended.wait(max(0.0, deadline - time.monotonic()))
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                if callable(event):
                    event()
                else:
                    self._handle(event)
            except Exception:  # a bad event or listener must not end the operation
                self.unread += 1
            finally:
                if getattr(event, "cancel_event", None) is not None:
                    self._ended.set()
