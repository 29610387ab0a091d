"""The loop behind `run.execute`: many VMs at once, in batches, until the end or Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from mcis_iac.actions.feed import Feed
from mcis_iac.actions.keys import Login
from mcis_iac.actions.output import OnLine, Stream
from mcis_iac.actions.run import CANCELLED, NOT_REACHED, STILL_RUNNING, OnOutput
from mcis_iac.actions.ssh import Client, Connection, HostError, raise_file_limit
from mcis_iac.model import HostResult, Vm

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One command, for all VMs or for one, as it goes over the wire."""

    text: str
    stdin: bytes | int  # itself, or a file descriptor to read it from
    timeout_s: float | None
    keep: int


OnResult = Callable[[HostResult], None]


class _Sink:
    """Hands lines and results to the caller; when it fails, everything stops and the failure is kept."""

    def __init__(self, on_output: OnOutput | None, on_result: OnResult | None = None) -> None:
        self._on_output = on_output
        self._on_result = on_result
        self.stopped = asyncio.Event()
        self.failure: Exception | None = None

    def for_vm(self, vm: str) -> OnLine | None:
        return None if self._on_output is None else lambda stream, line: self._line(vm, stream, line)

    def ended(self, result: HostResult) -> HostResult:
        """A VM is done; the same result."""
        if self._on_result is not None and self.failure is None:
            try:
                self._on_result(result)
            except Exception as failure:
                self.failure = failure
                self.stopped.set()
        return result

    def _line(self, vm: str, stream: str, line: str) -> None:
        if self._on_output is None or self.failure is not None:
            return
        try:
            self._on_output(vm, stream, line)
        except Exception as failure:  # asyncssh would take it for a fault of the connection
            self.failure = failure
            self.stopped.set()


def run_on_all(
    vms: Sequence[Vm],
    job: Job | Mapping[str, Job],
    *,
    login: Login,
    on_output: OnOutput | None,
    serial: int | None,
    parallel: int,
    on_result: OnResult | None = None,
    known: Sequence[Vm] = (),
    halt: bool = False,
) -> tuple[HostResult, ...]:
    """Run the job (or each VM's own, by name) on the VMs, `serial` of them at a time; results in their order.

    `on_result` gets each of them as soon as it is there. `known` are the VMs that may be jump hosts. With
    `halt` no VM follows on those of which one failed.
    """
    raise_file_limit()
    client = Client(login, handshakes=parallel, known=known or vms)
    work = _Work(client=client, job=job, sink=_Sink(on_output, on_result), halt=halt)
    return asyncio.run(_on_all(work, tuple(vms), serial or len(vms) or 1))


@dataclass(slots=True, kw_only=True)
class _Work:
    """What all VMs have in common."""

    client: Client
    job: Job | Mapping[str, Job]
    sink: _Sink
    halt: bool
    feed: Feed | None = None

    def of(self, vm: Vm) -> Job:
        return self.job if isinstance(self.job, Job) else self.job[vm.name]


async def _on_all(work: _Work, vms: tuple[Vm, ...], size: int) -> tuple[HostResult, ...]:
    client, sink, job = work.client, work.sink, work.job
    try:
        for vm in vms:
            await client.prepare(vm)
        with ExitStack() as stack:
            stack.enter_context(interruptible(sink.stopped))
            if isinstance(job, Job) and isinstance(job.stdin, int):
                work.feed = stack.enter_context(Feed(job.stdin, readers=len(vms)))
            results = await _in_batches(work, vms, size)
    finally:
        await client.close()
    if sink.failure is not None:
        raise sink.failure
    return results


async def _in_batches(work: _Work, vms: tuple[Vm, ...], size: int) -> tuple[HostResult, ...]:
    results: list[HostResult] = []
    for start in range(0, len(vms), size):
        batch = vms[start : start + size]
        if work.sink.stopped.is_set():
            results += [_not_run(vm, CANCELLED) for vm in batch]
        elif work.halt and not all(result.ok for result in results):
            results += [_not_run(vm, NOT_REACHED) for vm in batch]
        else:
            results += await until_stopped(work.sink.stopped, [_on_one(work, vm) for vm in batch])
    return tuple(results)


async def until_stopped(stopped: asyncio.Event, works: Sequence[Awaitable[T]]) -> list[T]:
    """What they come to, all at once; at that event they are cancelled, and say so themselves."""
    tasks = [asyncio.ensure_future(work) for work in works]
    watch = asyncio.ensure_future(_cancel_when(stopped, tasks))
    try:
        return await asyncio.gather(*tasks)
    finally:
        watch.cancel()


def _not_run(vm: Vm, why: str) -> HostResult:
    return HostResult(vm=vm.name, group=vm.group, exit_status=None, error=why)


async def _cancel_when(stopped: asyncio.Event, tasks: Sequence[asyncio.Future[T]]) -> None:
    await stopped.wait()
    for task in tasks:
        task.cancel()


async def _on_one(work: _Work, vm: Vm) -> HostResult:
    began = time.monotonic()
    job, on_line = work.of(vm), work.sink.for_vm(vm.name)
    stdout, stderr = Stream("stdout", job.keep, on_line), Stream("stderr", job.keep, on_line)
    stdin = work.feed.chunks() if work.feed else job.stdin if isinstance(job.stdin, bytes) else b""
    exit_status, lost, error = None, False, ""
    on: Connection | None = None

    def begin() -> None:
        nonlocal began
        began = time.monotonic()
        if job.timeout_s is not None:
            deadline.reschedule(asyncio.get_running_loop().time() + job.timeout_s)

    try:
        async with asyncio.timeout(None) as deadline, work.client.connect(vm, begin) as on:
            ended = await on.run(job.text, stdout=stdout, stderr=stderr, stdin=stdin)
            exit_status, lost = ended.exit_status, ended.lost
    except HostError as problem:
        error = str(problem)
    except TimeoutError:
        error = f"timed out after {job.timeout_s:g} s{left_on(on)}"
    except asyncio.CancelledError:
        error = f"{CANCELLED}{left_on(on)}"
    result = HostResult(
        vm=vm.name,
        group=vm.group,
        exit_status=exit_status,
        stdout=stdout.text(),
        stderr=stderr.text(),
        lost=lost,
        error=error,
        elapsed_s=time.monotonic() - began,
    )
    return work.sink.ended(result)


def left_on(on: Connection | None) -> str:
    """What to add to a reason when the VM did not confirm that the command was stopped."""
    return STILL_RUNNING if on is not None and on.left_running else ""


@contextmanager
def interruptible(stopped: asyncio.Event) -> Iterator[None]:
    """Let the first Ctrl-C set that event; only the main thread can be told of one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGINT) or signal.default_int_handler

    def stop() -> None:
        stopped.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, stop)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)
