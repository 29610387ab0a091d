"""The processes of plain machines, found by what they carry: MCIS_ROOT in their environment.

Where there is no /proc nothing is found here; the server ends the process groups it started.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from mcis_iac.local_cloud import places

PROC = Path("/proc")
SERVER = "mcis_iac.local_cloud.plain.server"
PATIENCE_S = 5.0


def _pids() -> Iterator[int]:
    if not (PROC / "self/environ").exists():
        return
    for entry in PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            yield int(entry.name)


def _words(pid: int, name: str) -> list[bytes]:
    try:
        return (PROC / str(pid) / name).read_bytes().split(b"\0")
    except OSError:
        return []


def machines_below(instances: Path) -> list[tuple[str, int]]:
    """(instance id, pid) of every process of a machine in that folder."""
    sign = f"MCIS_ROOT={instances}/".encode()
    found = []
    for pid in _pids():
        for word in _words(pid, "environ"):
            if word.startswith(sign):
                found.append((word.removeprefix(sign).partition(b"/")[0].decode(), pid))
                break
    return found


def servers(directory: Path) -> list[int]:
    """Pids of all servers of that site, the forgotten ones included."""
    wanted = [SERVER.encode(), str(directory).encode()]
    return [pid for pid in _pids() if _words(pid, "cmdline")[-3:-1] == wanted]


def end(directories: Iterable[Path], first: Callable[[], object] = lambda: None) -> None:
    """Kill what is left of these machines, whatever it has done to leave its group.

    `first` is called before, and may end some of it. A process that dies gives up its environment
    before its sockets, so those seen at the start are waited for by number.
    """
    folders = tuple(directories)
    seen = _below(folders)
    first()
    deadline = time.monotonic() + PATIENCE_S
    while left := _below(folders):
        kill(left)
        seen |= left
        if time.monotonic() > deadline:
            return
        time.sleep(0.005)
    while time.monotonic() < deadline and any(places.process_start(pid) == seen[pid] for pid in seen):
        time.sleep(0.001)


def _below(folders: Collection[Path]) -> dict[int, int | None]:
    """The processes of the machines in these folders, with their start time."""
    parents: dict[Path, set[str]] = {}
    for folder in folders:
        parents.setdefault(folder.parent, set()).add(folder.name)
    return {
        pid: start
        for parent, names in parents.items()
        for name, pid in machines_below(parent)
        if name in names and (start := places.process_start(pid)) is not None
    }


def kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
