"""The table of transitions: what may be done to a VM, by how it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.actions.transitions import COLUMNS, Control, Verdict, decide
from mcis_iac.model import Status

# Written a second time on purpose: status, then suspend, resume, reboot, terminate.
TABLE = """
Creating     -        -        -        -
Running      run      no-op    run      run
Suspending   again    -        -        run
Suspended    no-op    run      -        run
Resuming     -        again    -        run
Rebooting    -        -        again    run
Terminating  -        -        -        again
Terminated   -        -        -        no-op
Failed       --force  --force  --force  run
Undefined    -        -        -        run
"""
CELLS = [
    (Status(status), control, word)
    for status, *words in map(str.split, TABLE.strip().splitlines())
    for control, word in zip(
        (Control.SUSPEND, Control.RESUME, Control.REBOOT, Control.TERMINATE), words, strict=True
    )
]
MEMBERS = [status for status in Status if status is not Status.EMPTY]
CONTROLS = st.sampled_from(COLUMNS)
STATUSES = st.sampled_from(MEMBERS)
PENDING = st.sampled_from([None, *COLUMNS])


@pytest.mark.parametrize("status,control,word", CELLS)
def test_the_table_decides(status: Status, control: Control, word: str) -> None:
    plain, forced = decide(control, status), decide(control, status, force=True)
    if word == "--force":
        assert (plain.verdict, forced.verdict) == (Verdict.REFUSED, Verdict.RUN)
        assert decide(control, status, force=True, exists=False).refused
    else:
        assert plain.verdict == forced.verdict == Verdict(word)


def test_every_status_of_a_vm_has_a_row() -> None:
    assert {status for status, _, _ in CELLS} == set(MEMBERS)


@given(CONTROLS, STATUSES, st.booleans(), st.booleans(), PENDING)
def test_a_decision_is_total_and_never_both_refused_and_called(
    control: Control, status: Status, force: bool, exists: bool, pending: Control | None
) -> None:
    decision = decide(control, status, force=force, exists=exists, pending=pending)
    assert not (decision.refused and decision.acts)
    assert decision.verdict is not Verdict.FORCED
    assert decision.reason if decision.refused else True
    assert decision.hint if decision.refused else True


@given(CONTROLS, STATUSES, st.booleans(), PENDING)
def test_force_refuses_nothing_that_is_allowed_without_it(
    control: Control, status: Status, exists: bool, pending: Control | None
) -> None:
    plain = decide(control, status, exists=exists, pending=pending)
    forced = decide(control, status, force=True, exists=exists, pending=pending)
    assert plain.refused or forced == plain


@pytest.mark.parametrize("pending", [Control.SUSPEND, Control.RESUME, Control.REBOOT])
@pytest.mark.parametrize("control", [Control.SUSPEND, Control.RESUME, Control.REBOOT])
def test_what_was_begun_is_repeated_and_anything_else_needs_force(control: Control, pending: Control) -> None:
    decision = decide(control, Status.RUNNING, pending=pending)
    if control is pending:
        assert decision.verdict is Verdict.AGAIN
    else:
        assert decision.refused and decision.hint == f"finish it: mcis {pending}; or --force"
        assert decide(control, Status.RUNNING, pending=pending, force=True).verdict is Verdict.RUN


def test_terminating_waits_for_nothing_that_was_begun() -> None:
    assert decide(Control.TERMINATE, Status.SUSPENDING, pending=Control.SUSPEND).verdict is Verdict.RUN


def test_a_suspended_vm_is_to_be_resumed_before_a_reboot() -> None:
    decision = decide(Control.REBOOT, Status.SUSPENDED)
    assert (decision.reason, decision.hint) == ("it is Suspended", "resume it: mcis resume")
