"""Settings of the whole process while programs run in it: no debug messages, no garbage collection."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pulumi


class _Quiet:
    """How many evaluations run in this process: two settings of it concern all of them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.debug: Any = None
        self.collecting = False

    def enter(self) -> None:
        with self.lock:
            self.count += 1
            if self.count == 1:
                self.debug, pulumi.log.debug = pulumi.log.debug, _say_nothing
                self.collecting = gc.isenabled()
                gc.freeze()
                gc.disable()

    def leave(self) -> None:
        with self.lock:
            self.count -= 1
            if self.count == 0:
                pulumi.log.debug = self.debug
                gc.unfreeze()
                if self.collecting:
                    gc.enable()


def _say_nothing(*_: object, **__: object) -> None:
    pass


_quiet = _Quiet()


@contextmanager
def quiet() -> Iterator[None]:
    """No debug messages to the engine and no garbage collection while a program runs.

    Each debug message is a call the engine answers before we go on, four per resource, and what a
    program makes lives to its end anyway. Both are settings of the whole process, so they return
    when the last operation has left.
    """
    _quiet.enter()
    try:
        yield
    finally:
        _quiet.leave()
