"""One status for the whole: every row of the rule."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.actions.status import ORDER, aggregate, tally
from mcis_iac.model import Status

WORDS = {
    "R": Status.RUNNING,
    "F": Status.FAILED,
    "S": Status.SUSPENDED,
    "U": Status.UNDEFINED,
    "T": Status.TERMINATED,
    "C": Status.CREATING,
    "Resuming": Status.RESUMING,
    "Rebooting": Status.REBOOTING,
    "Suspending": Status.SUSPENDING,
    "Terminating": Status.TERMINATING,
}


def members(text: str) -> dict[str, Status]:
    return {f"web-{n}": WORDS[word] for n, word in enumerate(text.split(), 1)}


@pytest.mark.parametrize(
    ("text", "status", "partial", "display"),
    [
        ("R R R F R R R R R R", "Failed", True, "Failed (R:9 F:1)"),
        ("R R R R R R R S S S", "Running", True, "Partial-Running (R:7 S:3)"),
        ("R R R R R S S S S S", "Suspended", True, "Partial-Suspended (S:5 R:5)"),
        ("R R F U", "Undefined", True, "Undefined (R:2 F:1 U:1)"),
        ("F S S S S", "Failed", True, "Failed (S:4 F:1)"),
        ("R R Resuming Resuming Resuming", "Resuming", True, "Partial-Resuming (Resuming:3 R:2)"),
        ("R R R R T", "Running", True, "Partial-Running (R:4 T:1)"),
        ("F F F F F", "Failed", False, "Failed (F:5)"),
        ("", "Empty", False, "Empty"),
        ("R R R", "Running", False, "Running (R:3)"),
        ("S", "Suspended", False, "Suspended (S:1)"),
        ("U U", "Undefined", False, "Undefined (U:2)"),
        ("C Suspending Rebooting Terminating", "Creating", True, None),
        ("Terminating Rebooting", "Rebooting", True, None),
    ],
)
def test_the_rule_decides(text: str, status: str, partial: bool, display: str | None) -> None:
    record = aggregate(members(text))
    assert (record["status"], record["partial"]) == (status, partial)
    assert display is None or record["display"] == display


def test_the_record_has_every_field_and_is_plain_json() -> None:
    record = aggregate(
        members("R R R R R R R S S S"), pending=2, as_of="2026-01-01T00:00:00Z", stale=["azure"]
    )
    assert json.loads(json.dumps(dict(record))) == {
        "status": "Running",
        "partial": True,
        "total": 10,
        "counts": {"Running": 7, "Suspended": 3},
        "pending": 2,
        "rule": "deck",
        "target": None,
        "as_of": "2026-01-01T00:00:00Z",
        "stale": ["azure"],
        "display": "Partial-Running (R:7 S:3)",
    }


def test_without_members_after_down_it_is_terminated() -> None:
    assert aggregate({}, operation="down")["status"] == "Terminated"


def test_a_status_that_no_vm_can_have_counts_as_undefined() -> None:
    assert aggregate({"web-1": Status.EMPTY})["counts"] == {"Undefined": 1}


statuses = st.lists(
    st.sampled_from([each for each in Status if each is not Status.EMPTY]), min_size=1, max_size=40
)


@given(statuses, st.randoms())
def test_the_order_of_vms_does_not_matter(found: list[Status], random: Random) -> None:
    mixed = found[:]
    random.shuffle(mixed)
    assert tally(found) == tally(mixed)


@given(statuses)
def test_counts_sum_up_and_the_whole_is_partial_when_one_differs(found: list[Status]) -> None:
    record = tally(found)
    assert sum(record["counts"].values()) == record["total"] == len(found)
    assert record["counts"][record["status"]] == found.count(Status(record["status"]))
    assert record["partial"] == (len(set(found)) > 1)


@given(statuses)
def test_undefined_beats_failed_and_failed_everything_else(found: list[Status]) -> None:
    decisive = next((each for each in (Status.UNDEFINED, Status.FAILED) if each in found), None)
    status = Status(tally(found)["status"])
    if decisive is None:
        most = max(map(found.count, found))
        assert found.count(status) == most
        assert status is min((each for each in found if found.count(each) == most), key=ORDER.index)
    else:
        assert status is decisive


@given(statuses)
def test_the_display_says_partial_unless_somebody_has_to_act(found: list[Status]) -> None:
    record = tally(found)
    urgent = record["status"] in ("Failed", "Undefined")
    assert record["display"].startswith("Partial-") == (record["partial"] and not urgent)


@given(statuses, st.integers(0, 40))
def test_parts_add_up_to_the_whole(found: list[Status], at: int) -> None:
    parts = [tally(found[:at])["counts"], tally(found[at:])["counts"]]
    whole = tally(found)["counts"]
    assert whole == {name: sum(part.get(name, 0) for part in parts) for name in whole}
