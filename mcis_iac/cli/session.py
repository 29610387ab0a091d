"""One call of the program: its flags, its streams, its progress display and its event stream.

Verbs get a Session, turn flags into a Request, call a stage and hand the value to a view. stdout is
data, stderr everything else. Whatever happens, `close` takes the display down and writes the last event.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from mcis_iac.cli.options import Flags
from mcis_iac.errors import UsageError

if TYPE_CHECKING:
    import logging

    from mcis_iac.cli.sinks import Sinks
    from mcis_iac.cli.stages import Stages
    from mcis_iac.engine.events import Event
    from mcis_iac.pipeline import Request, Selection

# Worth a display from the beginning.
SLOW = ("preview", "up", "scale", "replace", "heal", "refresh", "down", "terminate")
Replace = Callable[[str, list[str]], Any]


class Session:
    """What one call needs beside its own flags; `stages` is the pipeline, or a test's."""

    def __init__(
        self,
        stages: Stages | None = None,
        *,
        replace_process: Replace = os.execvp,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.flags = Flags()
        self.verb = ""
        self.replace_process = replace_process
        self.sleep = sleep
        self.now = now
        self.result: dict[str, Any] = {}
        self._stages = stages
        self._sinks: Sinks | None = None
        self._log: logging.Handler | None = None
        self._writing = threading.Lock()

    # ------------------------------------------------------------ the call

    def begin(self, verb: str, flags: Flags) -> None:
        """Note the flags of the verb that runs and refuse those that exclude each other."""
        self.verb, self.flags = verb, flags
        if flags.events == "-" and flags.output not in ("table",):
            message = "--events - takes stdout; -o goes to stdout too (the last event carries its value)"
            raise click.UsageError(message)
        self._start_log()
        if flags.events or flags.progress == "json":
            _ = self.sinks  # opened now: a file that cannot be written is said before anything happens

    @property
    def stages(self) -> Stages:
        """The front door, loaded on first use: `mcis --help` must not pay for it."""
        if self._stages is None:
            from mcis_iac import pipeline

            self._stages = pipeline
        return self._stages

    def request(self, *, timed: bool = True) -> Request:
        """What the stages start from; events go to the display and the event stream."""
        from mcis_iac.pipeline import Request

        flags = self.flags
        if self.verb in SLOW:
            self.sinks.begin()
        return Request(
            file=flags.file,
            env=flags.env,
            sets=flags.sets,
            listen=self.listen,
            parallel=flags.parallel,
            timeout_s=flags.timeout if timed else None,
        )

    def selection(self) -> Selection:
        """The VMs of `-g` and `--vm`."""
        from mcis_iac.pipeline import Selection

        return Selection(groups=self.flags.groups, vms=self.flags.vms)

    def close(self, exit_code: int) -> None:
        """Take the display down and write the last event; never raises for a stream that is gone."""
        sinks, self._sinks = self._sinks, None
        if sinks is not None:
            sinks.close(exit_code, self.result)
        handler, self._log = self._log, None
        if handler is not None:
            import logging

            logging.getLogger("mcis_iac").removeHandler(handler)
            handler.close()

    # ------------------------------------------------------------ events

    @property
    def sinks(self) -> Sinks:
        """Where events go; opened by the first verb that has any."""
        if self._sinks is None:
            from mcis_iac.cli.sinks import Sinks

            self._sinks = Sinks(self.verb, self.flags, color=self.color(sys.stderr))
        return self._sinks

    def listen(self, event: Event) -> None:
        """Take one event, from any thread; never raises."""
        self.sinks(event)

    # ------------------------------------------------------------ streams

    def color(self, stream: TextIO) -> bool:
        """Whether to colour what goes there."""
        from mcis_iac.report.text import wants_color

        return wants_color(self.flags.color, os.environ, tty=stream.isatty())

    def width(self, stream: TextIO) -> int | None:
        """The terminal's width; None for a pipe, which takes lines of any length."""
        import shutil

        return shutil.get_terminal_size().columns if stream.isatty() else None

    def out(self, text: str) -> None:
        """Data, to stdout; nothing when the event stream has it."""
        if self.flags.events == "-":
            return
        self._write(sys.stdout, text)

    def err(self, text: str) -> None:
        """A word to the user, on stderr; the display steps aside."""
        if self._sinks is not None:
            self._sinks.pause()
        self._write(sys.stderr, text)

    def _write(self, stream: TextIO, text: str) -> None:
        with self._writing:
            stream.write(text if text.endswith("\n") or not text else f"{text}\n")
            stream.flush()

    def show(self, value: Callable[[], Any], view: Callable[..., str]) -> None:
        """Print the value in the chosen format: the view for people, else JSON or YAML of `value()`."""
        flags = self.flags
        if self._sinks is not None:
            self._sinks.pause()
        if flags.events is not None:
            self.result.setdefault("output", value())
        if flags.output in ("json", "yaml"):
            from mcis_iac.report.values import structured

            self.out(structured(value(), flags.output))
        else:
            self.out(view(color=self.color(sys.stdout), width=self.width(sys.stdout)))

    def replace(self, arguments: list[str]) -> NoReturn:
        """Become another program; what was written so far is flushed first."""
        self.close(0)
        sys.stdout.flush()
        sys.stderr.flush()
        self.replace_process(arguments[0], arguments)
        raise SystemExit(0)

    def _start_log(self) -> None:
        flags = self.flags
        if not (flags.log_file or flags.verbose):
            return
        import logging

        handler: logging.Handler = logging.StreamHandler(sys.stderr)
        if flags.log_file:
            handler = _log_file(flags.log_file)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger = logging.getLogger("mcis_iac")
        logger.addHandler(handler)
        everything = flags.verbose > 1 or flags.log_file is not None
        logger.setLevel(logging.DEBUG if everything else logging.INFO)
        self._log = handler


def _log_file(path: str) -> logging.Handler:
    import logging

    try:
        return logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise UsageError(summary="cannot write the log", detail=str(error)) from error
