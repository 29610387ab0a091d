"""Driving VMs to their targets through their clouds: one thread per batch calls, then polls until arrival.

A batch is of one connection and region. Everything is told to the caller in its own thread, as it happens,
so that files and screens need no locks. Nothing here decides whether an action makes sense.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mcis_iac.actions.targets import Target, arrived
from mcis_iac.actions.transitions import Control
from mcis_iac.clouds.base import LifecycleModule, Observed
from mcis_iac.errors import CredentialsError, McisError
from mcis_iac.model import Connection, Failure, Status, Vm

PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0)
# A public address may come a moment after the machine runs; after that there is none.
ADDRESS_S = 30.0
# A cloud that shows no reboot, and a machine that cannot be asked: after that its word is taken for it.
UNSEEN_S = 60.0
# Just after a change a list may lack what exists.
GONE_AFTER = 3

Boots = Callable[[Sequence[Vm]], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended for one VM: as it was seen last, and why it failed; `note` tells more of a success."""

    vm: Vm
    elapsed_s: float
    seen: Observed | None = None
    failure: Failure | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """VMs of one connection and region with their targets, by name.

    `boots` reads boot ids over SSH for machines whose clouds tell no time of start, `booted` has those
    of before; a machine that cannot be asked is in neither.
    """

    connection: Connection
    module: LifecycleModule
    vms: Sequence[Vm]
    targets: Mapping[str, Target]
    boots: Boots = field(default=lambda _: {})
    booted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The clock and how to wait; `wait` returns True when everything is to stop."""

    deadline_s: float
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[threading.Event, float], bool] = lambda stop, seconds: stop.wait(seconds)


def drive(control: Control, batches: Sequence[Batch], pace: Pace, tell: Callable[[Ended], None]) -> bool:
    """Do it to all batches at once; `tell` gets every VM that ended. False when Ctrl-C stopped it.

    VMs nothing was told of are on their way. An error that is no McisError is raised.
    """
    ends: queue.Queue[Ended | BaseException | None] = queue.Queue()
    stop = threading.Event()
    for batch in batches:
        work = (control, batch, pace, stop, ends)
        threading.Thread(target=_work, args=work, name="power", daemon=True).start()
    running = len(batches)
    try:
        while running:
            told = ends.get()
            if told is None:
                running -= 1
            elif isinstance(told, BaseException):
                raise told
            else:
                tell(told)
    except KeyboardInterrupt:
        return False
    finally:
        stop.set()
    return True


def _work(
    control: Control,
    batch: Batch,
    pace: Pace,
    stop: threading.Event,
    ends: queue.Queue[Ended | BaseException | None],
) -> None:
    try:
        for ended in _course(control, batch, pace, stop):
            ends.put(ended)
    except BaseException as error:
        ends.put(error)
    finally:
        ends.put(None)


def _course(control: Control, batch: Batch, pace: Pace, stop: threading.Event) -> Iterator[Ended]:
    """Call, then poll: every VM once, but those that are still on their way when it is stopped."""
    began = pace.clock()
    try:
        refused = _CALLS[control](batch)
    except McisError as error:
        refused = dict.fromkeys((vm.name for vm in batch.vms), _failure(control, error))
    for vm in batch.vms:
        if vm.name in refused:
            yield Ended(vm=vm, elapsed_s=pace.clock() - began, failure=refused[vm.name])
    yield from _Poll(
        control=control,
        batch=batch,
        pace=pace,
        began=began,
        left={vm.name: vm for vm in batch.vms if vm.name not in refused},
    ).run(stop)


_CALLS: Mapping[Control, Callable[[Batch], Mapping[str, Failure]]] = {
    Control.SUSPEND: lambda batch: batch.module.stop(batch.connection, batch.vms),
    Control.RESUME: lambda batch: batch.module.start(batch.connection, batch.vms),
    Control.REBOOT: lambda batch: batch.module.reboot(batch.connection, batch.vms),
}


def _failure(control: Control, error: McisError) -> Failure:
    code = "credentials" if isinstance(error, CredentialsError) else "other"
    return Failure(code=code, stage=control, message=error.detail or error.summary)


@dataclass(slots=True, kw_only=True)
class _Poll:
    """The wait for one batch; `rebooting` has seen go down, `missing` counts polls without the VM."""

    control: Control
    batch: Batch
    pace: Pace
    began: float
    left: dict[str, Vm]
    last: dict[str, Observed] = field(default_factory=dict)
    running_since: dict[str, float] = field(default_factory=dict)
    rebooting: set[str] = field(default_factory=set)
    missing: dict[str, int] = field(default_factory=dict)
    silence: str = ""

    def run(self, stop: threading.Event) -> Iterator[Ended]:
        """Look until all have ended or the deadline has passed."""
        looks = 0
        while self.left:
            yield from self._look()
            if not self.left:
                return
            if self._spent() >= self.pace.deadline_s:
                yield from self._too_late()
                return
            if self.pace.wait(stop, PAUSES_S[min(looks, len(PAUSES_S) - 1)]):
                return
            looks += 1

    def _spent(self) -> float:
        return self.pace.clock() - self.began

    def _look(self) -> Iterator[Ended]:
        try:
            seen = self.batch.module.observe(self.batch.connection, tuple(self.left.values()))
        except CredentialsError as error:
            failure = _failure(self.control, error)
            yield from [self._end(name, self.last.get(name), failure) for name in list(self.left)]
            return
        except McisError as error:  # a cloud that does not answer proves nothing
            self.silence = error.detail or error.summary
            return
        self.silence = ""
        self.last |= seen
        now = self._boots(seen)
        for name in list(self.left):
            if name in seen:
                yield from self._judge(name, seen[name], now.get(name))

    def _boots(self, seen: Mapping[str, Observed]) -> Mapping[str, str]:
        """The boot ids of those that must be asked themselves and run."""
        if self.control is not Control.REBOOT or not self.batch.booted:
            return {}
        asked = [
            vm
            for name, vm in self.left.items()
            if name in self.batch.booted and name in seen and seen[name].status is Status.RUNNING
        ]
        return self.batch.boots(asked) if asked else {}

    def _judge(self, name: str, seen: Observed, boot: str | None) -> Iterator[Ended]:
        gone = seen.status is Status.TERMINATED
        self.missing[name] = self.missing.get(name, 0) + 1 if gone else 0
        if seen.status is Status.FAILED or self.missing[name] >= GONE_AFTER:
            words = "it is gone from its cloud" if gone else seen.detail or f"it is {seen.native}"
            yield self._end(name, seen, Failure(code="other", stage=self.control, message=words))
        elif self._done(name, seen, boot):
            yield self._end(name, seen, None)
        elif self._unseen(name, seen):
            yield self._end(name, seen, None, "its cloud took the request; nobody saw it go down")

    def _done(self, name: str, seen: Observed, boot: str | None) -> bool:
        if self.control is Control.REBOOT:
            return self._rebooted(name, seen, boot)
        if not arrived(self.batch.targets[name], seen):
            return False
        waits = self.control is Control.RESUME and self.left[name].public_ip and not seen.public_ip
        return not waits or self._for_a_while(name) >= ADDRESS_S

    def _rebooted(self, name: str, seen: Observed, boot: str | None) -> bool:
        target = self.batch.targets[name]
        if seen.status is not Status.RUNNING:
            self.rebooting.add(name)
            return False
        if None not in (target.booted_at, seen.booted_at):
            return arrived(target, seen)
        if name in self.batch.booted:
            return boot is not None and boot != self.batch.booted[name]
        return name in self.rebooting

    def _unseen(self, name: str, seen: Observed) -> bool:
        """Running for a while and nobody can tell whether it is the same boot."""
        target = self.batch.targets[name]
        told = name in self.batch.booted or None not in (target.booted_at, seen.booted_at)
        if self.control is not Control.REBOOT or told or seen.status is not Status.RUNNING:
            return False
        return self._for_a_while(name) >= UNSEEN_S

    def _for_a_while(self, name: str) -> float:
        return self._spent() - self.running_since.setdefault(name, self._spent())

    def _end(self, name: str, seen: Observed | None, failure: Failure | None, note: str = "") -> Ended:
        vm = self.left.pop(name)
        return Ended(vm=vm, elapsed_s=self._spent(), seen=seen, failure=failure, note=note)

    def _too_late(self) -> Iterator[Ended]:
        words = f"not there after {self.pace.deadline_s:g} s"
        words += f"; {self.silence}" if self.silence else ""
        failure = Failure(code="timeout", stage=self.control, message=words)
        yield from [self._end(name, self.last.get(name), failure) for name in list(self.left)]
