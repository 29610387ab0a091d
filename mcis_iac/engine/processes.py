"""Who is a process: a pid alone proves nothing, because the kernel gives it to others later."""

from __future__ import annotations

import os
import subprocess
import time
from functools import cache
from pathlib import Path

_STAT = "/proc/{pid}/stat"


@cache
def _boot_time() -> float:
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0


def alive(pid: int) -> bool:
    """Whether a process with that number exists (a zombie does not count)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) != "Z"


def _state(pid: int) -> str:
    fields = _proc_fields(pid)
    return fields[0] if fields else ""


def _proc_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name, which may hold anything; [] if unknown."""
    try:
        text = Path(_STAT.format(pid=pid)).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


CLOSE_S = 2.0  # start times are only good to about a second


def started(pid: int) -> float | None:
    """When the process started, in seconds since the epoch; None = gone or not to be found out.

    Good to about a second (the kernel counts from boot, and boot is known in whole seconds).
    """
    fields = _proc_fields(pid)
    if fields:
        return _boot_time() + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return _started_by_ps(pid) if not Path("/proc/self/stat").exists() else None


def _started_by_ps(pid: int) -> float | None:
    """The same where there is no /proc (macOS)."""
    command = ["ps", "-o", "etime=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    if not answer:
        return None
    days, _, clock = answer.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    seconds = float(sum(value * 60**power for power, value in enumerate(reversed(parts))))
    return time.time() - seconds - 86400 * int(days or 0)


def orphans(folder: Path, program: str, parent: str) -> tuple[int, ...]:
    """Pids of processes in `folder` whose command names `program` and whose parent's does not name `parent`.

    Only where there is /proc; elsewhere none are found.
    """
    found = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
    return tuple(
        pid
        for pid in found
        if _works_in(pid, folder) and program in _command(pid) and parent not in _command(_parent(pid))
    )


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder
    except OSError:
        return False


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _parent(pid: int) -> int:
    fields = _proc_fields(pid)
    return int(fields[1]) if fields else 0


def same(pid: int, start: float | None) -> bool:
    """Whether the process that had this pid and start time still runs."""
    if not alive(pid):
        return False
    now = started(pid)
    return start is None or now is None or abs(now - start) < CLOSE_S


def older_than(pid: int, moment: float) -> bool:
    """Whether the process with this pid lives and already lived at that moment."""
    if not alive(pid):
        return False
    start = started(pid)
    return start is None or start <= moment + CLOSE_S
