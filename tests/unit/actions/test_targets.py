"""Targets: what an action drives a VM to, and what that makes of what its cloud says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.actions.targets import GOALS, Target, after, arrived, corrected, pending
from mcis_iac.actions.transitions import Control
from mcis_iac.clouds.base import Observed
from mcis_iac.model import Status

SINCE, SOON, LATE = "2026-11-22T14:00:00.000Z", "2026-11-22T14:00:05.000Z", "2026-11-22T14:10:00.000Z"
BEFORE, AFTER = "2026-11-20T10:00:00.000Z", "2026-11-22T14:00:03.000Z"
# action, seen, told
CORRECTIONS = """
create     Undefined   Creating
create     Failed      Failed
create     Creating    Creating
suspend    Undefined   Suspending
suspend    Running     Suspending
suspend    Resuming    Suspending
suspend    Suspending  Suspending
suspend    Suspended   Suspended
suspend    Failed      Failed
suspend    Terminated  Terminated
resume     Undefined   Resuming
resume     Creating    Resuming
resume     Suspended   Resuming
resume     Resuming    Resuming
resume     Running     Running
resume     Failed      Failed
reboot     Undefined   Rebooting
reboot     Suspending  Rebooting
reboot     Suspended   Rebooting
reboot     Creating    Rebooting
reboot     Resuming    Rebooting
reboot     Rebooting   Rebooting
reboot     Failed      Failed
terminate  Running     Terminating
terminate  Suspended   Terminating
terminate  Suspending  Terminating
terminate  Undefined   Terminating
terminate  Terminating Terminating
terminate  Terminated  Terminated
terminate  Failed      Failed
"""
ROWS = [tuple(line.split()) for line in CORRECTIONS.strip().splitlines()]


def a_target(action: Control, booted_at: str | None = None) -> Target:
    return Target(
        vm="web-1",
        id="i-1",
        action=action,
        status=GOALS[action],
        since=SINCE,
        deadline=after(SINCE, 600),
        run_id="r",
        booted_at=booted_at,
    )


def seen(status: Status, booted_at: str | None = None, detail: str = "") -> Observed:
    return Observed(status=status, native=status.lower(), booted_at=booted_at, detail=detail)


@pytest.mark.parametrize("action,status,told", ROWS)
def test_a_target_settles_what_a_cloud_says_meanwhile(action: str, status: str, told: str) -> None:
    found = corrected(seen(Status(status)), a_target(Control(action)), now=SOON)
    assert found.status == Status(told)
    assert found.native == status.lower()


@pytest.mark.parametrize("action", list(Control))
@pytest.mark.parametrize("status", list(Status))
def test_corrections_end_at_the_deadline(action: Control, status: Status) -> None:
    target, raw = a_target(action), seen(status)
    late = corrected(raw, target, now=LATE)
    assert late.status is status
    assert arrived(target, raw) or late.detail == f"{action} timed out (begun 2026-11-22 14:00:00 UTC)"


@given(st.sampled_from(list(Control)), st.sampled_from(list(Status)))
def test_native_failures_are_never_masked_and_corrections_are_stable(action: Control, status: Status) -> None:
    target = a_target(action)
    once = corrected(seen(status, detail="native words"), target, now=SOON)
    assert once.detail == "native words"
    assert corrected(once, target, now=SOON).status is once.status
    if status in {Status.FAILED, Status.TERMINATED}:
        assert once.status is status


def test_without_a_target_the_cloud_has_the_word() -> None:
    assert corrected(seen(Status.UNDEFINED), None, now=SOON) == seen(Status.UNDEFINED)


def test_a_reboot_has_not_begun_while_the_machine_runs_since_before() -> None:
    target = a_target(Control.REBOOT, BEFORE)
    assert corrected(seen(Status.RUNNING, BEFORE), target, now=SOON).status is Status.REBOOTING
    assert not arrived(target, seen(Status.RUNNING, BEFORE))
    assert arrived(target, seen(Status.RUNNING, AFTER))


def test_running_alone_is_no_proof_of_a_reboot() -> None:
    assert not arrived(a_target(Control.REBOOT), seen(Status.RUNNING))
    assert not arrived(a_target(Control.REBOOT, BEFORE), seen(Status.RUNNING))


def test_what_was_begun_is_pending_until_it_arrives_fails_or_times_out() -> None:
    target = a_target(Control.SUSPEND)
    assert pending(target, seen(Status.RUNNING), now=SOON) is Control.SUSPEND
    assert pending(target, seen(Status.SUSPENDED), now=SOON) is None
    assert pending(target, seen(Status.FAILED), now=SOON) is None
    assert pending(target, seen(Status.RUNNING), now=LATE) is None
    assert pending(None, seen(Status.RUNNING), now=SOON) is None


def test_the_deadline_keeps_the_form_that_times_are_compared_in() -> None:
    assert after(SINCE, 600) == LATE
