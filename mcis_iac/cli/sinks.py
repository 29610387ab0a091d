"""Where events go: the progress display on stderr, and the event stream if one is asked for.

Called from worker threads while an operation runs: a stream that is gone (a closed pipe, a full
disk) must not end the operation, so it is dropped and the rest goes on.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from mcis_iac.cli.options import Flags
from mcis_iac.engine.events import Event
from mcis_iac.errors import UsageError
from mcis_iac.report.jsonl import event_line, result_event, version_event
from mcis_iac.report.plain import plain_line, remark
from mcis_iac.report.progress import LiveTree, Tasks, progress_mode

RUNNING = ("op_start", "op_progress")


class Sinks:
    """All readers of one call's events."""

    def __init__(self, verb: str, flags: Flags, *, color: bool) -> None:
        self._lock = threading.RLock()
        self._mcis = ""
        self._env = flags.env
        self._json: list[TextIO] = []
        self._file: TextIO | None = None
        self._plain: TextIO | None = None
        self._tree: LiveTree | None = None
        self._tasks = Tasks(verb)
        self._seen: set[str] = set()
        self._open_progress(flags, color=color)
        self._open_stream(flags.events)
        self._emit(version_event())

    def _open_progress(self, flags: Flags, *, color: bool) -> None:
        mode = progress_mode(
            flags.progress, tty=sys.stderr.isatty(), term=os.environ.get("TERM"), quiet=flags.quiet
        )
        if mode == "tty" and flags.verbose and flags.progress == "auto":
            mode = "plain"  # log lines and a tree would spoil each other
        if mode == "tty":
            self._tree = LiveTree(self._tasks, sys.stderr, color=color)
        elif mode == "plain":
            self._plain = sys.stderr
        elif mode == "json":
            self._json.append(sys.stderr)

    def _open_stream(self, target: str | None) -> None:
        if target == "-":
            self._json.append(sys.stdout)
        elif target:
            try:
                self._file = Path(target).open("w", encoding="utf-8")  # noqa: SIM115
            except OSError as error:
                raise UsageError(summary="cannot write the events", detail=str(error)) from error
            self._json.append(self._file)

    def __call__(self, event: Event) -> None:
        """Hand one event to everybody; from any thread, never raises for a broken stream."""
        with self._lock:
            if event.mcis:
                self._mcis, self._env = event.mcis, event.env
            self._seen.add(event.kind)
            self._tasks(event)
            self._emit(event)
            if self._tree is not None and event.kind in RUNNING:
                self._tree.start()
            if self._tree is not None and (said := remark(event)):
                self._tree.say(said)
            if self._plain is not None and (line := plain_line(event)) is not None:
                self._plain = self._plain if _written(self._plain, line) else None

    def begin(self) -> None:
        """Show at once that something is going on: a preview has no events until it is done."""
        with self._lock:
            if self._tree is not None:
                self._tree.start()

    def saw(self, kind: str) -> bool:
        """Whether an event of that kind has come by."""
        return kind in self._seen

    def pause(self) -> None:
        """Take the tree off the screen so that something can be said; the next event brings it back."""
        with self._lock:
            if self._tree is not None:
                self._tree.stop()

    def close(self, exit_code: int, result: Mapping[str, Any]) -> None:
        """Take the display down and write the last event."""
        self.pause()
        with self._lock:
            self._tree = self._plain = None
            self._emit(result_event(mcis=self._mcis, env=self._env, exit_code=exit_code, **result))
            self._json.clear()
            if self._file is not None:
                with suppress(OSError):
                    self._file.close()

    def _emit(self, event: Event) -> None:
        if self._json:
            line = event_line(event)
            self._json = [stream for stream in self._json if _written(stream, line)]


def _written(stream: TextIO, line: str) -> bool:
    try:
        stream.write(f"{line}\n")
        stream.flush()
    except (OSError, ValueError):
        return False
    return True
