"""A cloud whose machines go through what a test tells them to, and a clock that never waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mcis_iac.clouds.base import Observed
from mcis_iac.errors import McisError
from mcis_iac.model import Connection, Failure, Status, Vm

RUNNING = Observed(status=Status.RUNNING, native="on", public_ip="203.0.113.9")
SUSPENDED = Observed(status=Status.SUSPENDED, native="off")


@dataclass
class FakeLifecycle:
    """One cloud's `lifecycle` module. `now` is how its machines are, `then` what they go through when called.

    Every observation takes the next of `then`, the last one stays. `refused` says no to calls, `error` to
    everything; `on_call` runs inside a call.
    """

    now: dict[str, Observed] = field(default_factory=dict)
    then: dict[str, list[Observed]] = field(default_factory=dict)
    refused: Mapping[str, Failure] = field(default_factory=dict)
    error: McisError | None = None
    silences: list[McisError] = field(default_factory=list)
    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    on_call: Callable[[], None] = lambda: None
    called: bool = False

    def observe(self, connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Observed]:
        if self.error is not None:
            raise self.error
        if self.called and self.silences:
            raise self.silences.pop(0)
        for vm in vms:
            if self.called and self.then.get(vm.name):
                self.now[vm.name] = self.then[vm.name].pop(0)
        return {vm.name: self.now[vm.name] for vm in vms if vm.name in self.now}

    def _call(self, name: str, vms: Sequence[Vm]) -> Mapping[str, Failure]:
        if self.error is not None:
            raise self.error
        self.called = True
        self.calls.append((name, tuple(vm.name for vm in vms)))
        self.on_call()
        return {vm.name: self.refused[vm.name] for vm in vms if vm.name in self.refused}

    def stop(self, connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
        return self._call("stop", vms)

    def start(self, connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
        return self._call("start", vms)

    def reboot(self, connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
        return self._call("reboot", vms)

    def console(self, connection: Connection, vm: Vm) -> str:
        return ""

    def notices(self, connection: Connection) -> Sequence[str]:
        return ()


@dataclass
class FakeTime:
    """Seconds pass only while somebody waits."""

    spent_s: float = 0.0

    def clock(self) -> float:
        return self.spent_s

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self.spent_s += seconds
        return stop.is_set()


def at(seen: Observed, **changes: object) -> Observed:
    """The same with other particulars."""
    return replace(seen, **changes)  # type: ignore[arg-type]
