"""Files to and from many VMs at once: one stream per VM, verified, in place whole or not at all."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from mcis_iac.actions.copy_in import Arrival, Refused, send
from mcis_iac.actions.copy_out import Parcel
from mcis_iac.actions.fanout import interruptible, left_on, until_stopped
from mcis_iac.actions.keys import Login
from mcis_iac.actions.output import Stream
from mcis_iac.actions.run import CANCELLED, shell_text
from mcis_iac.actions.ssh import Client, Connection, HostError, raise_file_limit
from mcis_iac.model import CopyResult, Vm

KEEP_BYTES = 64 * 1024
SHOWN = 300  # characters of what tar and the shell had to say
TAR_CHANGED = 1  # its exit status for "file changed as we read it": a log that is being written

LOST = "connection lost; nothing was put in place"

_EXIT = re.compile(r"^mcis-exit (\d+)$", re.MULTILINE)
_SUM = re.compile(r"^([0-9a-f]{64})  -$", re.MULTILINE)
_DIFFERS = re.compile(r"^differs (\d+)$", re.MULTILINE)
_NOTHING_NEW = re.compile(r"^tar: (Exiting with failure|Error is not recoverable|Child returned)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """How to copy: what all VMs have in common, and who is told of what happens."""

    login: Login
    known: Sequence[Vm] = ()
    parallel: int = 64
    timeout_s: float | None = None
    sudo: bool = False
    on_begin: Callable[[Vm], None] = lambda _: None
    on_bytes: Callable[[Vm, int], None] = lambda _vm, _more: None
    on_done: Callable[[Vm, CopyResult], None] = lambda _vm, _result: None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved:
    """What one VM's stream came to."""

    files: int
    size: int
    path: str = ""
    skipped: tuple[str, ...] = ()
    error: str = ""


Move: TypeAlias = Callable[[Vm, Connection], Awaitable[_Moved]]


def upload(vms: Sequence[Vm], parcel: Parcel, target: str, how: Copies) -> tuple[CopyResult, ...]:
    """Send the parcel to that path on every VM; one result each, in their order."""
    command = _as_user(parcel.receive(target), how)

    async def work(client: Client, stopped: asyncio.Event) -> Sequence[CopyResult]:
        sealed = asyncio.ensure_future(asyncio.to_thread(parcel.seal))

        async def move(vm: Vm, on: Connection) -> _Moved:
            await asyncio.shield(sealed)
            return replace(await _sent(vm, on, parcel, command, how), path=f"{vm.name}:{target}")

        try:
            return await _on_all(client, vms, how, stopped, move)
        finally:
            await asyncio.wait([sealed])

    return _run(work, vms, how)


def download(
    vms: Sequence[Vm], source: str, places: Mapping[str, Path], how: Copies, *, recursive: bool
) -> tuple[CopyResult, ...]:
    """Fetch a file or, if `recursive`, a folder from every VM to its place, by VM name."""
    command = _as_user(send(source, recursive=recursive), how)

    async def move(vm: Vm, on: Connection) -> _Moved:
        return await _fetched(vm, on, places[vm.name], command, how)

    async def work(client: Client, stopped: asyncio.Event) -> Sequence[CopyResult]:
        return await _on_all(client, vms, how, stopped, move)

    return _run(work, vms, how)


# ---------------------------------------------------------------- all of them


def _run(
    work: Callable[[Client, asyncio.Event], Awaitable[Sequence[CopyResult]]], vms: Sequence[Vm], how: Copies
) -> tuple[CopyResult, ...]:
    async def whole() -> Sequence[CopyResult]:
        client, stopped = Client(how.login, handshakes=how.parallel, known=how.known or vms), asyncio.Event()
        try:
            for vm in vms:
                await client.prepare(vm)
            with interruptible(stopped):
                return await work(client, stopped)
        finally:
            await client.close()

    raise_file_limit()
    return tuple(asyncio.run(whole()))


async def _on_all(
    client: Client, vms: Sequence[Vm], how: Copies, stopped: asyncio.Event, move: Move
) -> Sequence[CopyResult]:
    slots = asyncio.Semaphore(how.parallel)
    return await until_stopped(stopped, [_on_one(client, vm, how, slots, move) for vm in vms])


async def _on_one(client: Client, vm: Vm, how: Copies, slots: asyncio.Semaphore, move: Move) -> CopyResult:
    began, error = time.monotonic(), ""
    moved, on = None, None
    try:
        async with slots, asyncio.timeout(how.timeout_s):
            began = time.monotonic()
            how.on_begin(vm)
            async with client.connect(vm) as on:
                moved = await move(vm, on)
                error = moved.error
    except (HostError, Refused) as problem:
        error = str(problem)
    except OSError as problem:
        late = isinstance(problem, TimeoutError)
        error = f"timed out after {how.timeout_s:g} s{left_on(on)}" if late else _here(problem)
    except asyncio.CancelledError:
        error = f"{CANCELLED}{left_on(on)}"
    done = moved is not None and not error
    result = CopyResult(
        vm=vm.name,
        group=vm.group,
        path=moved.path if moved is not None and done else "",
        files=moved.files if moved is not None and done else 0,
        bytes=moved.size if moved is not None and done else 0,
        skipped=moved.skipped if moved is not None else (),
        error=error,
        elapsed_s=time.monotonic() - began,
    )
    how.on_done(vm, result)
    return result


# ---------------------------------------------------------------- one of them


async def _sent(vm: Vm, on: Connection, parcel: Parcel, command: str, how: Copies) -> _Moved:
    said, nothing = Stream("stderr", KEEP_BYTES, None), Stream("stdout", 0, None)
    chunks = parcel.chunks(lambda more: how.on_bytes(vm, more))
    ended = await on.run(command, stdout=nothing, stderr=said, stdin=chunks)
    error = ""
    if ended.lost:
        error = LOST
    elif ended.exit_status:
        error = _reason(said.text(), ended.exit_status, parcel)
    return _Moved(
        files=len(parcel.files),
        size=parcel.size,
        skipped=parcel.skipped,
        error=error,
    )


async def _fetched(vm: Vm, on: Connection, place: Path, command: str, how: Copies) -> _Moved:
    said = Stream("stderr", KEEP_BYTES, None)
    arrival = Arrival(place, received=lambda more: how.on_bytes(vm, more))
    try:
        ended = await on.run(command, stdout=arrival, stderr=said)
        text = said.text()
        status, checksum = _EXIT.search(text), _SUM.search(text)
        if ended.lost:
            raise Refused(LOST)
        if ended.exit_status or status is None or int(status[1]) > TAR_CHANGED:
            raise Refused(_reason(text, ended.exit_status or 1))
        arrival.place(checksum[1] if checksum else "")
    finally:
        arrival.discard()
    return _Moved(path=str(place), files=arrival.files, size=arrival.size, skipped=tuple(arrival.skipped))


def _as_user(text: str, how: Copies) -> str:
    """The login shell may be any; these texts are for sh."""
    return shell_text([text], sudo=True) if how.sudo else shell_text(["sh", "-c", text])


def _reason(said: str, status: int, parcel: Parcel | None = None) -> str:
    """What the far side complained about, on one line."""
    wrong = [int(number) for number in _DIFFERS.findall(said)]
    if parcel is not None and wrong:
        names = ", ".join(parcel.name_of(number) for number in wrong[:3] if number < len(parcel.files))
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""  # noqa: PLR2004
        return f"the checksum differs on the VM, nothing was put in place: {names}{more}"
    rest = _SUM.sub("", _EXIT.sub("", said))
    lines = [line for line in rest.splitlines() if line.strip() and not _NOTHING_NEW.match(line)]
    return "; ".join(dict.fromkeys(lines))[:SHOWN] or f"exit {status}"


def _here(problem: OSError) -> str:
    """What failed on this machine."""
    where = f"{problem.filename}: " if problem.filename else ""
    return f"here: {where}{(problem.strerror or str(problem)).lower()}"
