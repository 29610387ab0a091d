"""Asking the clouds how VMs are, all connections at once; one that does not answer holds up no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Observed
from mcis_iac.errors import CredentialsError, McisError, OperationError, TimedOut
from mcis_iac.model import NOTHING, Connection, Vm
from mcis_iac.pipeline import Silent

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one connection said: the state of VMs by name, what to know of it; or why it said nothing."""

    seen: Mapping[str, Observed] = field(default_factory=lambda: NOTHING)
    notices: tuple[str, ...] = ()
    silent: Silent | None = None


def ask(
    connections: Mapping[str, Connection], vms: Iterable[Vm], *, timeout_s: float | None = None
) -> dict[str, Heard]:
    """Per connection, in their order, one bulk question each; those without VMs only tell what to know."""
    mine: dict[str, list[Vm]] = {name: [] for name in connections}
    for vm in vms:
        mine.setdefault(vm.connection, []).append(vm)
    answers = at_once({name: _Question(connections[name], mine[name]) for name in connections}, timeout_s)
    return {name: _heard(connections[name], mine[name], answer) for name, answer in answers.items()}


@dataclass(frozen=True, slots=True)
class _Question:
    connection: Connection
    vms: Sequence[Vm]

    def __call__(self) -> Heard:
        module = registry.lifecycle(self.connection.cloud)
        seen = module.observe(self.connection, self.vms) if self.vms else {}
        try:
            notices = tuple(module.notices(self.connection))
        except McisError as error:
            notices = (f"{self.connection.name}: {error}",)
        return Heard(seen=seen, notices=notices)


def _heard(connection: Connection, vms: Sequence[Vm], answer: Heard | McisError) -> Heard:
    if isinstance(answer, Heard):
        return answer
    refused = isinstance(answer, CredentialsError)
    silent = Silent(
        connection=connection.name,
        cloud=connection.cloud,
        summary=answer.summary,
        detail=answer.detail,
        hint=answer.hint,
        vms=len(vms),
        exit_code=CredentialsError.exit_code if refused else OperationError.exit_code,
    )
    return Heard(silent=silent)


# ---------------------------------------------------------------- side by side


class _Work(threading.Thread, Generic[T]):
    """One piece of work; not waited for at the end of the program, should it never come back."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.answer: T | McisError | None = None
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            self.answer = self._work()
        except McisError as error:
            self.answer = error
        except BaseException as fault:  # raised again where it is waited for
            self.fault = fault


def at_once(work: Mapping[str, Callable[[], T]], timeout_s: float | None = None) -> dict[str, T | McisError]:
    """The result of each, or the McisError it ended with; TimedOut for what took longer than `timeout_s`."""
    threads = {name: _Work(each) for name, each in work.items()}
    for thread in threads.values():
        thread.start()
    end = None if timeout_s is None else time.monotonic() + timeout_s
    found: dict[str, T | McisError] = {}
    for name, thread in threads.items():
        thread.join(None if end is None else max(0.0, end - time.monotonic()))
        if thread.fault is not None:
            raise thread.fault
        found[name] = _late(name, timeout_s) if thread.answer is None else thread.answer
    return found


def _late(name: str, timeout_s: float | None) -> McisError:
    waited = "" if timeout_s is None else f" within {timeout_s:g} s"
    return TimedOut(
        summary="no answer in time", detail=f"{name}: no answer{waited}", hint="allow more --timeout"
    )
