"""One operation per stack and checkout: a kernel lock on `held.json`, which also names its owner.

The kernel frees the lock when its owner dies, however it dies; the text in the file is only for people.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from mcis_iac.engine.home import StackHome, explained
from mcis_iac.engine.processes import same, started
from mcis_iac.errors import Locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a stack; `started` is when the operation began (seconds since the epoch)."""

    verb: str
    pid: int
    pid_start: float | None
    host: str
    user: str
    started: float


def myself(verb: str) -> Holder:
    """This process as a holder."""
    pid = os.getpid()
    return Holder(
        verb=verb,
        pid=pid,
        pid_start=started(pid),
        host=socket.gethostname(),
        user=whoami(),
        started=time.time(),
    )


def whoami() -> str:
    """The user's name, or their number where the system knows no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


@contextlib.contextmanager
def hold(home: StackHome, verb: str, words: str = "") -> Iterator[None]:
    """Hold the stack while the block runs; Locked when another operation has it.

    `words` are the user's own words after the verb, repeated in the hint.
    """
    with explained(home.held):
        handle = os.open(home.held, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            refuse(home.stack, holder_of(home), " ".join(("mcis", verb, words)).strip())
        with explained(home.held):
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(asdict(myself(verb))).encode(), 0)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def holder_of(home: StackHome) -> Holder | None:
    """Who holds the stack according to the file; None = nobody, or not written yet."""
    try:
        data: dict[str, Any] = json.loads(home.held.read_text(encoding="utf-8"))
        return Holder(**data)
    except (OSError, ValueError, TypeError):
        return None


def current(home: StackHome) -> Holder | None:
    """The operation that runs on the stack right now on this machine, else None; takes no lock."""
    holder = holder_of(home)
    if holder is None or holder.host != socket.gethostname() or not same(holder.pid, holder.pid_start):
        return None
    return holder


def refuse(stack: str, holder: Holder | None, command: str = "mcis up") -> NoReturn:
    """Raise Locked, naming the holder and the only safe way past it."""
    if holder is None:
        detail = f"another mcis has just taken {stack}."
    else:
        minutes = max(0.0, time.time() - holder.started) // 60
        detail = (
            f"`mcis {holder.verb}` by {holder.user}@{holder.host} (pid {holder.pid}) "
            f"has held {stack} for {minutes:.0f} min."
        )
    raise Locked(
        summary="another operation holds this stack",
        detail=detail,
        hint=f"wait for it to end, then run `{command}` again",
    )
