"""The Pulumi CLI as a child that neither our Ctrl-C nor our death can hurt.

The stock command class gives the CLI pipes and our process group: a Ctrl-C kills it in the middle
of its creates, and what they made is lost. Ours gives it a session and files of its own, and stops
it with exactly one SIGINT.

The Automation API ends each `up` with three more CLI starts (outputs twice, history), `destroy` and
`refresh` with one: 1.3 s that tell us nothing the events did not. `brief()` answers those questions
without starting anything.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from mcis_iac.engine.home import replace_text
from mcis_iac.engine.processes import started

_HISTORY = json.dumps(
    [
        {
            "kind": "update",
            "startTime": "2000-01-01T00:00:00.000Z",
            "message": "",
            "environment": {},
            "config": {},
            "result": "succeeded",
        }
    ]
)
_ANSWERS = (("stack", "history", _HISTORY), ("stack", "output", "{}"))
_LOCKING = frozenset({"up", "destroy", "refresh"})
_GENTLE = ("running creates end and are kept", "running creates become pending operations")
HARD_AFTER_S, APART_S = 5.0, 0.5


class Interrupted(Exception):
    """The operation was stopped before its process had started."""


class Command(PulumiCommand):  # type: ignore[misc]
    """One engine binary. Not for two operations at once: `interrupt` means the one that runs.

    `pid_file` tells a later mcis which CLI was ours, should we die while it changes the stack.
    """

    def __init__(self, binary: Path, version: str, pid_file: Path | None = None) -> None:
        # Not super().__init__: it would start the CLI once more to ask for the version we know.
        self.command = str(binary)
        self.version = VersionInfo.parse(version.removeprefix("v"))
        self._pid_file = pid_file
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._stopping = 0
        self._signalled = 0.0
        self._brief = self._named = False
        self.starts = 0

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], Any] | None = None,  # noqa: ARG002
        on_error: Callable[[str], Any] | None = None,  # noqa: ARG002
    ) -> CommandResult:
        """Run to the end; output arrives as a whole afterwards, since the events say everything earlier.

        `additional_env` is the whole environment: nothing of ours is added.
        """
        answer = next((text for a, b, text in _ANSWERS if self._brief and args[:2] == [a, b]), None)
        if answer is not None:
            return CommandResult(stdout=answer, stderr="", code=0)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = self._start([self.command, "--non-interactive", *args], cwd, additional_env, out, err)
            try:
                code = process.wait()
            finally:
                self._ended()
            out.seek(0)
            err.seek(0)
            result = CommandResult(stdout=out.read(), stderr=err.read(), code=code)
        if code:
            raise create_command_error(result)
        return result

    def _start(
        self, argv: list[str], cwd: str, env: Mapping[str, str], out: Any, err: Any
    ) -> subprocess.Popen[str]:
        with self._lock:
            if self._stopping:
                raise Interrupted
            self.starts += 1
            process = subprocess.Popen(
                argv, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=err, text=True,
                start_new_session=True,
            )  # fmt: skip
            self._process = process
        self._named = bool(self._pid_file) and argv[2] in _LOCKING
        if self._pid_file and self._named:
            replace_text(self._pid_file, json.dumps({"pid": process.pid, "start": started(process.pid)}))
        return process

    def _ended(self) -> None:
        with self._lock:
            self._process = None
        if self._pid_file and self._named:  # else the file may be another mcis's, who changes the stack
            self._pid_file.unlink(missing_ok=True)

    def interrupt(self) -> int:
        """Ask once to stop; asked again, insist. Returns how often it has been asked.

        After one SIGINT nothing new starts, running creates end and are kept. After a second one
        the CLI gives up on them: they stay in state as pending operations. If even that does not
        end it, it is killed.
        """
        with self._lock:
            self._stopping += 1
            process, times = self._process, self._stopping
        if process is None or process.poll() is not None:
            return times
        if times > len(_GENTLE):
            process.kill()
            return times
        # Two signals at once are one to the kernel; the CLI would take the second for the first.
        time.sleep(max(0.0, self._signalled + APART_S - time.monotonic()))
        self._signalled = time.monotonic()
        process.send_signal(signal.SIGINT)
        if times == len(_GENTLE):
            timer = threading.Timer(HARD_AFTER_S, _kill, (process,))
            timer.daemon = True
            timer.start()
        return times

    def resume(self) -> None:
        """The operation that was stopped has ended: the next one may start."""
        with self._lock:
            self._stopping = 0

    @contextlib.contextmanager
    def brief(self) -> Iterator[None]:
        """While the block runs, the Automation API's closing questions are answered from nothing."""
        self._brief = True
        try:
            yield
        finally:
            self._brief = False


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
