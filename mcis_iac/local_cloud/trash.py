"""Deleting folders without making anybody wait: moved aside at once, removed afterwards.

A thousand machines take seconds to remove; a small deletion is done before the call returns.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

Emptier = Callable[[Path], None]
PATIENCE_S = 0.3
# The shell leaves its child to init at once, so that the caller neither waits nor keeps a zombie.
SWEEP = 'nice -n 19 rm -rf -- "$0"/* >/dev/null 2>&1 </dev/null &'


def throw(folder: Path, bin_: Path) -> None:
    """Move a folder into the trash; fine when it is not there."""
    if not folder.exists():
        return
    bin_.mkdir(mode=0o700, exist_ok=True)
    try:
        folder.rename(bin_ / f"{folder.name}.{os.urandom(4).hex()}")
    except FileNotFoundError:
        return


def empty(bin_: Path) -> None:
    """Remove what is in the trash: a little now, the rest in the background."""
    deadline = time.monotonic() + PATIENCE_S
    for folder in list(bin_.iterdir()) if bin_.is_dir() else []:
        if time.monotonic() > deadline:
            _leave_to_shell(bin_)
            return
        shutil.rmtree(folder, ignore_errors=True)


def empty_now(bin_: Path) -> None:
    """Remove all of it before returning."""
    shutil.rmtree(bin_, ignore_errors=True)


def _leave_to_shell(bin_: Path) -> None:
    with subprocess.Popen(["/bin/sh", "-c", SWEEP, str(bin_)], start_new_session=True, cwd="/"):
        pass
