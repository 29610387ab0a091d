"""Running an operation so that Ctrl-C, SIGTERM and a deadline stop it cleanly.

The work happens in a thread of its own; the main thread only waits, so that signal handlers run at
once. A handler does nothing but leave a note (it may have interrupted anything); a watching thread
acts on it.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar

from mcis_iac.engine.command import Command

T = TypeVar("T")
Notes: TypeAlias = "queue.SimpleQueue[Stop | None]"
LOOK_EVERY_S = 1.0
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stop(StrEnum):
    """Why an operation was stopped."""

    USER = "user"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Generic[T]):
    """How the work ended: its value or its error, and who stopped it (None = nobody)."""

    value: T | None = None
    error: BaseException | None = None
    stop: Stop | None = None
    times: int = 0


def guarded(
    work: Callable[[], T],
    command: Command,
    *,
    timeout_s: float | None = None,
    on_stop: Callable[[Stop, int], None] = lambda *_: None,
    stuck: Callable[[], bool] = lambda: False,
) -> Finished[T]:
    """Run `work`, forwarding each signal and the passing of the deadline to the command.

    `on_stop(why, times)` is called once per request to stop, in the watching thread. A command that
    is `stuck` is asked to end once; nobody stopped it, so `stop` stays None.
    """
    notes: Notes = queue.SimpleQueue()
    result: dict[str, Any] = {}
    done = threading.Event()

    def labour() -> None:
        try:
            result["value"] = work()
        except BaseException as raised:  # it is handed to the waiting thread
            result["error"] = raised
        finally:
            done.set()

    watcher = threading.Thread(target=_watch, args=(notes, command, timeout_s, on_stop, result), daemon=True)
    with _handlers(notes):
        watcher.start()
        threading.Thread(target=_free, args=(command, stuck, done), daemon=True).start()
        threading.Thread(target=labour, name="mcis-engine", daemon=True).start()
        done.wait()
    notes.put(None)
    watcher.join()
    return Finished(**result)


def _watch(
    notes: Notes,
    command: Command,
    timeout_s: float | None,
    on_stop: Callable[[Stop, int], None],
    result: dict[str, Any],
) -> None:
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        wait = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            why = notes.get(timeout=wait)
        except queue.Empty:
            why, deadline = Stop.DEADLINE, None
        if why is None:
            return
        result.setdefault("stop", why)
        result["times"] = command.interrupt()
        on_stop(why, result["times"])


def _free(command: Command, stuck: Callable[[], bool], done: threading.Event) -> None:
    """Ask a command that is stuck to end, once."""
    while not done.wait(LOOK_EVERY_S):
        if stuck():
            command.interrupt()
            return


@contextlib.contextmanager
def _handlers(notes: queue.SimpleQueue[Stop | None]) -> Iterator[None]:
    """Turn signals into notes while the block runs; only the main thread can and need do it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, lambda *_: notes.put(Stop.USER)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
