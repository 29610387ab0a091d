"""One lock per site for everything that touches machines or the network, between processes and threads.

Whoever holds it may take every half-made row for left-over: its maker would be holding the lock.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mcis_iac.local_cloud.types import LocalCloudError

PAUSE_S = 0.01


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"cannot open the lock {path}: {error.strerror}"
        raise LocalCloudError(code="host", message=message) from error


def _same_file(descriptor: int, path: Path) -> bool:
    """False when the folder was removed (and perhaps made again) while we waited."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _take(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE_S)
        else:
            return True


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip("\0 \n")
    return f"process {text}" if text else "another process"


@contextmanager
def held(path: Path, *, timeout_s: float = 600.0) -> Iterator[None]:
    """Hold the lock; LocalCloudError("host") names the holder when `timeout_s` is over.

    Released explicitly: processes forked meanwhile share the descriptor and would keep it.
    """
    deadline = time.monotonic() + timeout_s
    descriptor = _open(path)
    try:
        while not (taken := _take(descriptor, deadline)) or not _same_file(descriptor, path):
            if not taken:
                message = f"the local cloud has been busy for {timeout_s:.0f} s with {_holder(descriptor)}"
                raise LocalCloudError(code="host", message=message)
            os.close(descriptor)
            descriptor = _open(path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
