"""Before a stack is changed: clear away what dead processes left.

Three things can be left: a CLI of ours that still finishes its work, its lock, and operations in
state that never ended. All of it is decided from facts (host, pid, start time, tags); a living
owner is never robbed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pulumi.automation import CommandError, ConcurrentUpdateError

from mcis_iac.engine import checkpoint, processes, settling
from mcis_iac.engine.session import Session
from mcis_iac.engine.settling import Resolve
from mcis_iac.errors import Locked

ORPHAN_WAIT_S, ORPHAN_STOP_S, ORPHAN_HARD_S = 20.0, 60.0, 10.0
T = TypeVar("T")
Say = Callable[[str], None]
_HOLDER = re.compile(r"(\S+?)@(\S+) \(pid (\d+)\) at (\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock of the state backend; `at` is when it was taken (seconds since the epoch, None = not said)."""

    pid: int
    user: str
    host: str
    at: float | None
    path: Path | None = None

    @property
    def dead(self) -> bool:
        """Whether its owner ran on this machine and is gone (its number may belong to another by now)."""
        if self.host != socket.gethostname():
            return False
        return not (processes.alive(self.pid) if self.at is None else processes.older_than(self.pid, self.at))


def recover(
    session: Session, resolve: Resolve, say: Callable[[str], None] = lambda _: None
) -> tuple[str, ...]:
    """Make the stack ready for a change; the caller holds it (`held.hold`).

    Returns what was done, as sentences.

    `resolve(pending)` looks for what an unfinished create made: the id to adopt it by, or None when
    there is nothing or when repeating the create finds it anyway. `say` is told what is waited for.
    Locked when another owner lives.
    """
    notices = [_await_orphan(session, say), _await_providers(session, say)]
    path = session.checkpoint_file
    if path is not None:
        notices.append(checkpoint.mend(path, session.home.runs))
        notices += _break_locks(session)
    notices += settling.settle(session, resolve)
    return tuple(notice for notice in notices if notice)


# ---------------------------------------------------------------- a CLI of ours that outlived us


def _await_orphan(session: Session, say: Say) -> str:
    """Let a CLI whose mcis was killed finish.

    Ask it to stop when that takes long, insist when it does not.
    """
    card = session.home.folder / "engine.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        data = json.loads(card.read_text(encoding="utf-8"))
        pid, start = int(data["pid"]), data["start"]
        if processes.same(pid, start):
            say(f"waiting for an earlier engine process (pid {pid}) that still works on this stack")
            _outlast(pid, start)
            card.unlink(missing_ok=True)
            return f"waited for an earlier engine process (pid {pid}) whose mcis had ended"
    card.unlink(missing_ok=True)
    return ""


def _outlast(pid: int, start: float | None) -> None:
    steps = (
        (ORPHAN_WAIT_S, signal.SIGINT),
        (ORPHAN_STOP_S, signal.SIGINT),
        (ORPHAN_HARD_S, signal.SIGKILL),
    )
    for wait_s, then in steps:
        if _ends_within(pid, start, wait_s):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, then)
    _ends_within(pid, start, ORPHAN_HARD_S)


def _ends_within(pid: int, start: float | None, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while processes.same(pid, start):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _await_providers(session: Session, say: Callable[[str], None]) -> str:
    """Let providers whose engine was killed finish: what they still make must not appear after we looked."""
    work = session.home.work.resolve()
    deadline = time.monotonic() + ORPHAN_STOP_S
    waited = False
    while left := processes.orphans(work, "pulumi-resource-", "pulumi"):
        if not waited:
            say("a cloud plugin of an earlier run is still finishing its work, waiting for it")
        waited = True
        if time.monotonic() > deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return "ended a cloud plugin of an earlier run that did not end by itself"
        time.sleep(0.1)
    return "waited for a cloud plugin of an earlier run" if waited else ""


# ---------------------------------------------------------------- locks


def locks(folder: Path, project: str, stack: str) -> Iterator[Lock]:
    """The locks of a stack in a `file://` backend's folder."""
    for path in sorted((folder / ".pulumi" / "locks" / "organization" / project / stack).glob("*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            yield Lock(
                pid=int(data["pid"]),
                user=str(data.get("username", "?")),
                host=str(data["hostname"]),
                at=_seconds(str(data.get("timestamp", ""))),
                path=path,
            )
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError):
            # Cut off by a crash: nobody who lives would have left it like that.
            yield Lock(pid=0, user="?", host=socket.gethostname(), at=path.stat().st_mtime, path=path)


def _break_locks(session: Session) -> list[str]:
    folder = checkpoint.folder_of(session.backend_url)
    notices = []
    for lock in locks(folder, session.project, session.stack) if folder else ():
        if not lock.dead and lock.pid:
            raise _refusal(lock, session.stack)
        if lock.path:
            lock.path.unlink(missing_ok=True)
            lock.path.with_name(lock.path.name + ".attrs").unlink(missing_ok=True)
        notices.append(f"took over the lock of a process that is gone (pid {lock.pid})")
    return notices


def past_the_dead(session: Session, work: Callable[[], T]) -> T:
    """Do the work; if only dead processes of this machine lock the backend, break that and try again."""
    try:
        return work()
    except ConcurrentUpdateError as locked:
        holders = [_holder(found) for found in _HOLDER.finditer(str(locked))]
        if not holders or not all(holder.dead for holder in holders):
            raise
    with contextlib.suppress(CommandError):
        session.run("cancel", "--yes")
    return work()


def _holder(found: re.Match[str]) -> Lock:
    return Lock(user=found[1], host=found[2], pid=int(found[3]), at=_seconds(found[4]))


def locked_by(text: str, stack: str) -> Locked:
    """The error for the CLI's words about a lock it met."""
    found = _HOLDER.search(text)
    if found is None:
        return Locked(
            summary="another operation holds this stack",
            detail=f"The backend says that {stack} is being changed by somebody else.",
            hint="wait for it to end, then run the command again",
        )
    return _refusal(_holder(found), stack)


def _refusal(lock: Lock, stack: str) -> Locked:
    since = "" if lock.at is None else f" for {max(0.0, time.time() - lock.at) // 60:.0f} min"
    where = f"remove {lock.path}" if lock.path else "run `pulumi cancel` for this stack"
    here = lock.host == socket.gethostname()
    gone = "" if here else f"; if that process is gone, {where}"
    return Locked(
        summary="another operation holds this stack",
        detail=f"a process of {lock.user}@{lock.host} (pid {lock.pid}) has held {stack}{since}.",
        hint=f"wait for it to end, then run the command again{gone}",
    )


def _seconds(stamp: str) -> float | None:
    """RFC 3339 with any number of decimals, as the CLI writes it."""
    short = re.sub(r"(\.\d{1,6})\d*", r"\1", stamp.strip().rstrip(".,"))
    try:
        moment = datetime.fromisoformat(short)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
