"""Machines as processes of the host: identity, end, and machines that nobody has on record."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from mcis_iac.local_cloud.places import boot_id, process_start
from mcis_iac.local_cloud.types import Process

END_TIMEOUT_S = 10.0
_LISTENING = "0A"


def identify(pid: int) -> Process | None:
    """The process as it can be recognised later; None when it is gone already."""
    start = process_start(pid)
    return None if start is None else Process(pid=pid, start=start, boot_id=boot_id())


def is_alive(process: Process) -> bool:
    """A killed pid 1 stays a zombie until the host's init collects it; that is not alive."""
    return process.boot_id == boot_id() and process_start(process.pid) == process.start


def end(processes: Iterable[Process]) -> list[Process]:
    """Kill, and wait until they are gone; those that would not go within ten seconds."""
    waiting = [process for process in processes if _kill(process)]
    deadline = time.monotonic() + END_TIMEOUT_S
    while waiting and time.monotonic() < deadline:
        waiting = [process for process in waiting if is_alive(process)]
        if waiting:
            time.sleep(0.002)
    return waiting


def _kill(process: Process) -> bool:
    """Through a handle taken before the identity is checked: a reused pid is never hit."""
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        if not is_alive(process):
            return False
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        return True
    finally:
        os.close(handle)


def is_listening(pid: int, port: int) -> bool:
    """Whether something listens on the port inside the machine. Exact, but the kernel walks a table
    of all connections for it: 1 ms."""
    wanted = f":{port:04X}"
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        except OSError:
            return False
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENING and fields[1].endswith(wanted):
                return True
    return False


def machines_below(folder: Path) -> Iterator[tuple[str, int]]:
    """(instance id, pid) of every first process whose root lies in `folder`."""
    for name in (entry.name for entry in os.scandir("/proc")):
        if name.isdigit() and _is_first(name):
            instance = _root_owner(name, str(folder))
            if instance:
                yield instance, int(name)


def _is_first(pid: str) -> bool:
    """Pid 1 of an inner namespace: its list of pids has more than one and ends in 1."""
    try:
        with Path(f"/proc/{pid}/status").open("rb") as lines:
            for line in lines:
                if line.startswith(b"NSpid:"):
                    numbers = line.split()[1:]
                    return len(numbers) > 1 and numbers[-1] == b"1"
    except OSError:
        pass
    return False


def _root_owner(pid: str, folder: str) -> str:
    try:
        text = Path(f"/proc/{pid}/mountinfo").read_text()
    except OSError:
        return ""
    return parse_owner(text, folder)


def parse_owner(mountinfo: str, folder: str) -> str:
    """The instance id in the source of the root's overlay, "" when it is not one of ours."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[4] != "/":
            continue
        kind, source = after.split()[:2]
        path = source.replace("\\040", " ")
        if kind == "overlay" and path.startswith(f"{folder}/"):
            return path.removeprefix(f"{folder}/")
    return ""
