"""The loop behind `run.execute`: many VMs at once, in batches, until the end or Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mcis_iac.actions.keys import Login
from mcis_iac.actions.output import OnLine, Stream
from mcis_iac.actions.run import CANCELLED, OnOutput
from mcis_iac.actions.ssh import Client, HostError, raise_file_limit
from mcis_iac.model import HostResult, Vm


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One command, for all VMs or for one, as it goes over the wire."""

    text: str
    stdin: bytes
    timeout_s: float | None
    keep: int


OnResult = Callable[[HostResult], None]


class _Sink:
    """Hands lines and results to the caller's functions; when one fails, everything stops with that failure."""

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
) -> tuple[HostResult, ...]:
    """Run the job (or each VM's own, by name) on the VMs, `serial` of them at a time; results in their order.

    `on_result` gets each of them as soon as it is there.
    """
    raise_file_limit()
    client = Client(login, handshakes=parallel)
    return asyncio.run(_on_all(client, tuple(vms), job, _Sink(on_output, on_result), serial or len(vms) or 1))


async def _on_all(
    client: Client, vms: tuple[Vm, ...], job: Job | Mapping[str, Job], sink: _Sink, size: int
) -> tuple[HostResult, ...]:
    try:
        for vm in vms:
            await client.prepare(vm)
        with _interruptible(sink.stopped):
            results = await _in_batches(client, vms, job, sink, size)
    finally:
        await client.close()
    if sink.failure is not None:
        raise sink.failure
    return results


async def _in_batches(
    client: Client, vms: tuple[Vm, ...], job: Job | Mapping[str, Job], sink: _Sink, size: int
) -> tuple[HostResult, ...]:
    results: list[HostResult] = []
    for start in range(0, len(vms), size):
        batch = vms[start : start + size]
        if sink.stopped.is_set():
            results += [
                HostResult(vm=vm.name, group=vm.group, exit_status=None, error=CANCELLED) for vm in batch
            ]
            continue
        tasks = [asyncio.ensure_future(_on_one(client, vm, _job_of(job, vm), sink)) for vm in batch]
        watch = asyncio.ensure_future(_cancel_when(sink.stopped, tasks))
        try:
            results += await asyncio.gather(*tasks)
        finally:
            watch.cancel()
    return tuple(results)


def _job_of(job: Job | Mapping[str, Job], vm: Vm) -> Job:
    return job if isinstance(job, Job) else job[vm.name]


async def _cancel_when(stopped: asyncio.Event, tasks: Sequence[asyncio.Future[HostResult]]) -> None:
    await stopped.wait()
    for task in tasks:
        task.cancel()


async def _on_one(client: Client, vm: Vm, job: Job, sink: _Sink) -> HostResult:
    began = time.monotonic()
    on_line = sink.for_vm(vm.name)
    stdout, stderr = Stream("stdout", job.keep, on_line), Stream("stderr", job.keep, on_line)
    exit_status, lost, error = None, False, ""

    def begin() -> None:
        nonlocal began
        began = time.monotonic()
        if job.timeout_s is not None:
            deadline.reschedule(asyncio.get_running_loop().time() + job.timeout_s)

    try:
        async with asyncio.timeout(None) as deadline, client.connect(vm, begin) as connection:
            ended = await connection.run(job.text, stdout=stdout, stderr=stderr, stdin=job.stdin)
            exit_status, lost = ended.exit_status, ended.lost
    except HostError as problem:
        error = str(problem)
    except TimeoutError:
        error = f"timed out after {job.timeout_s:g} s"
    except asyncio.CancelledError:
        error = CANCELLED
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
    return sink.ended(result)


@contextmanager
def _interruptible(stopped: asyncio.Event) -> Iterator[None]:
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
