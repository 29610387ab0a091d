"""Trying again, and telling what went wrong, which all clouds have in common."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from fakes.powered import MODEL
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.clouds.common import power
from mcis_iac.clouds.common.power import Busy, each, failure, later, patiently, pause_s
from mcis_iac.clouds.common.together import WORKERS, together
from mcis_iac.errors import CredentialsError, McisError, OperationError, TimedOut
from mcis_iac.model import Vm

NOW = Busy(summary="busy", detail="with it", after_s=0)


class Cloud:
    """Answers one thing after the other, and remembers how long everybody waited."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Exception | str) -> None:
        self.answers = list(answers)
        self.waited: list[float] = []
        monkeypatch.setattr(time, "sleep", self.waited.append)

    def ask(self) -> str:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_who_is_busy_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud(monkeypatch, NOW, NOW, "done")
    assert patiently(cloud.ask) == "done"
    assert len(cloud.waited) == 2


def test_who_stays_busy_is_given_up_and_nobody_waits_for_him_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud(monkeypatch, *[NOW] * power.ATTEMPTS)
    with pytest.raises(OperationError) as told:
        patiently(cloud.ask)
    assert not isinstance(told.value, Busy) and told.value.detail == "with it"
    assert not cloud.answers


def test_who_wants_to_be_left_alone_for_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud(monkeypatch, Busy(summary="busy", after_s=600))
    with pytest.raises(OperationError):
        patiently(cloud.ask)
    assert cloud.waited == []


def test_another_error_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud(monkeypatch, OperationError(summary="no"))
    with pytest.raises(OperationError, match="no"):
        patiently(cloud.ask)
    assert cloud.waited == []


@given(attempt=st.integers(0, 40), asked=st.none() | st.floats(0, 60))
def test_a_pause_is_never_shorter_than_asked_and_never_without_end(attempt: int, asked: float | None) -> None:
    pause = pause_s(attempt, asked)
    assert (asked or 0) <= pause <= max(power.LONGEST_S, 0.1 + 1.25 * (asked or 0))


def test_two_who_were_refused_together_do_not_come_back_together() -> None:
    assert len({pause_s(3) for _ in range(20)}) > 1
    assert len({pause_s(3, 5) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3), ("0", 0), ("-1", 0), (None, None), ("", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)
def test_a_time_to_wait_is_read_or_unknown(header: str | None, seconds: float | None) -> None:
    assert later(header) == seconds


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            OperationError(summary="x", detail="InsufficientInstanceCapacity: no c5.large in zone a"),
            "capacity",
        ),
        (
            OperationError(summary="x", detail="ZONE_RESOURCE_POOL_EXHAUSTED: the zone has no room"),
            "capacity",
        ),
        (OperationError(summary="x", detail="AllocationFailed: try later"), "capacity"),
        (OperationError(summary="x", detail="No valid host was found."), "capacity"),
        (OperationError(summary="x", detail="VcpuLimitExceeded: you asked for more"), "quota"),
        (OperationError(summary="x", detail="QUOTA_EXCEEDED: CPUS"), "quota"),
        (OperationError(summary="x", detail="RequestLimitExceeded: slow down"), "other"),
        (OperationError(summary="x", detail="Rate Limit Exceeded"), "other"),
        (CredentialsError(summary="x", detail="not allowed"), "credentials"),
        (TimedOut(summary="x"), "timeout"),
        (OperationError(summary="something else"), "other"),
    ],
)
def test_the_reason_of_a_refusal_is_read_from_its_words(error: McisError, code: str) -> None:
    told = failure(error, stage="resume")
    assert (told.code, told.stage, told.message) == (code, "resume", error.detail or error.summary)


def vms(count: int) -> list[Vm]:
    return [replace(MODEL, name=f"web-{number}") for number in range(1, count + 1)]


def test_credentials_that_are_wrong_for_all_are_no_matter_of_one_machine() -> None:
    def act(vm: Vm) -> None:
        raise CredentialsError(summary="no access")

    with pytest.raises(CredentialsError):
        each(vms(3), act, stage="suspend")


def test_a_permission_that_lacks_for_some_is_their_failure() -> None:
    def act(vm: Vm) -> None:
        if vm.name != "web-1":
            raise CredentialsError(summary="no access")

    told = each(vms(3), act, stage="suspend")
    assert {name: one.code for name, one in told.items()} == {"web-2": "credentials", "web-3": "credentials"}


def test_answers_come_in_the_order_of_the_questions() -> None:
    assert together(range(40), lambda number: number * 2) == [number * 2 for number in range(40)]
    assert together([], str) == []


def test_an_error_ends_the_questions_that_have_not_begun() -> None:
    begun: list[int] = []

    def ask(number: int) -> None:
        begun.append(number)
        raise OperationError(summary=f"no {number}")

    with pytest.raises(OperationError):
        together(range(1000), ask)
    assert len(begun) <= 2 * WORKERS
