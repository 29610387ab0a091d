"""Talking to the site's server process over its socket: one JSON question, one JSON answer."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcis_iac.local_cloud import places
from mcis_iac.local_cloud.plain.processes import SERVER
from mcis_iac.local_cloud.types import LocalCloudError, Process

LONGEST = 100  # the kernel's limit for the path of a socket is 104 or 108 bytes
START_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 120.0
HELLO_TIMEOUT_S = 20.0
END_TIMEOUT_S = 5.0
LOG = "plain.log"
# The shell leaves the server to init and tells its pid: no zombie stays with whoever started it.
LAUNCH = 'log="$1"; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
# What the server may know of its starter's environment; machines get even less.
PASSED_ON = ("HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "TMPDIR", "XDG_RUNTIME_DIR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Who answers, and for which machines."""

    process: Process
    machines: frozenset[str]


def socket_path(directory: Path) -> Path:
    """In the site's folder, or a short path of the same user where that one is too long."""
    path = directory / "plain.sock"
    if len(os.fsencode(path)) < LONGEST:
        return path
    mark = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")
    if len(os.fsencode(base)) > LONGEST // 2:
        base = Path("/tmp")
    return base / f"mcis-local-{os.geteuid()}" / f"{mark}.sock"


def ask(directory: Path, question: Mapping[str, Any], timeout_s: float = ANSWER_TIMEOUT_S) -> Any:
    """The answer; None when no server runs. LocalCloudError("host") when it breaks off."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(timeout_s)
        try:
            line.connect(str(socket_path(directory)))
        except OSError:
            return None
        try:
            line.sendall(json.dumps(question).encode())
            line.shutdown(socket.SHUT_WR)
            text = b"".join(iter(lambda: line.recv(1 << 16), b""))
            return json.loads(text)
        except (OSError, ValueError) as error:
            message = f"the server of the plain backend broke off: {_last_words(directory) or error}"
            raise LocalCloudError(code="host", message=message) from error


def hello(directory: Path) -> Hello | None:
    """The running server; None = there is none."""
    try:
        answer = ask(directory, {"do": "hello"}, HELLO_TIMEOUT_S)
    except LocalCloudError:
        return None
    if answer is None:
        return None
    process = Process(pid=answer["pid"], start=answer["start"], boot_id=places.boot_id())
    return Hello(process=process, machines=frozenset(answer["machines"]))


def close(directory: Path, ids: Iterable[str] | None = None) -> None:
    """End those machines, None = all; with the last one the server, whose end is waited for."""
    question = {"do": "quit"} if ids is None else {"do": "close", "ids": sorted(ids)}
    answer = ask(directory, question) or {}
    deadline = time.monotonic() + END_TIMEOUT_S
    while "last" in answer and places.process_start(answer["last"]) is not None:
        if time.monotonic() > deadline:
            break
        time.sleep(0.002)


def ensure(directory: Path) -> Process:
    """The server, started if need be. Called under the cloud's lock, so there is only one."""
    if (found := hello(directory)) is not None:
        return found.process
    pid = _launch(directory)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if (found := hello(directory)) is not None:
            return found.process
        if places.process_start(pid) is None:
            break
        time.sleep(0.01)
    message = f"the server of the plain backend did not start: {_last_words(directory) or 'no reason given'}"
    raise LocalCloudError(code="host", message=message)


def _launch(directory: Path) -> int:
    path = socket_path(directory)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    server = [sys.executable, "-m", SERVER, str(directory)]
    command = ["/bin/sh", "-c", LAUNCH, "sh", str(directory / LOG), *server]
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            env=environment,
            cwd="/",
            start_new_session=True,
            check=True,
            timeout=START_TIMEOUT_S,
        )
        return int(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        message = f"the server of the plain backend cannot be started: {error}"
        raise LocalCloudError(code="host", message=message) from error


def _last_words(directory: Path) -> str:
    try:
        lines = (directory / LOG).read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
