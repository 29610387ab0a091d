"""One status for the whole: every row of the rule."""

from __future__ import annotations

import json

import pytest

from mcis_iac.actions.status import aggregate
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
