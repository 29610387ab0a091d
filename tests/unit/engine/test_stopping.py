"""Signals and deadlines while an operation runs."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from mcis_iac.engine.command import Command, Interrupted
from mcis_iac.engine.interrupt import Stop, guarded


class Engine(Command):
    """A command that only counts how often it is asked to stop."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"), "v3.259.0")
        self.asked = threading.Event()
        self.times = 0

    def interrupt(self) -> int:
        self.times += 1
        self.asked.set()
        return self.times


def test_the_work_gives_its_value() -> None:
    finished = guarded(lambda: 42, Engine())

    assert (finished.value, finished.error, finished.stop) == (42, None, None)


def test_the_works_error_is_handed_over() -> None:
    def fail() -> None:
        raise ValueError

    assert isinstance(guarded(fail, Engine()).error, ValueError)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_the_engine_to_stop(number: signal.Signals) -> None:
    engine = Engine()
    before = signal.getsignal(number)

    def work() -> bool:
        os.kill(os.getpid(), number)
        return engine.asked.wait(10)

    finished = guarded(work, engine)

    assert (finished.value, finished.stop, engine.times) == (True, Stop.USER, 1)
    assert signal.getsignal(number) is before


def test_a_deadline_asks_the_engine_to_stop() -> None:
    engine = Engine()
    told: list[Any] = []

    finished = guarded(
        lambda: engine.asked.wait(10), engine, timeout_s=0.01, on_stop=lambda *what: told.append(what)
    )

    assert finished.stop is Stop.DEADLINE
    assert told == [(Stop.DEADLINE, 1)]


def test_work_in_another_thread_needs_no_signals() -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(guarded(lambda: 1, Engine()).value))
    thread.start()
    thread.join()

    assert found == [1]


def test_nothing_is_started_after_a_stop_until_the_operation_has_ended() -> None:
    command = Command(Path("/nowhere"), "3.259.0")
    command.interrupt()

    with pytest.raises(Interrupted):
        command.run(["up"], "/", {})
