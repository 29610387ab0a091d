"""The status of the whole from the statuses of its VMs (rule `deck`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from mcis_iac.model import Status

RULE = "deck"

# On a tie the earlier one wins; whatever is not in the list counts as the last.
ORDER = (
    Status.FAILED,
    Status.SUSPENDED,
    Status.RUNNING,
    Status.TERMINATED,
    Status.CREATING,
    Status.SUSPENDING,
    Status.RESUMING,
    Status.REBOOTING,
    Status.TERMINATING,
    Status.UNDEFINED,
)

# Only the states a VM rests in have a letter: the passing ones would share theirs with these.
LETTERS = {
    Status.RUNNING: "R",
    Status.SUSPENDED: "S",
    Status.FAILED: "F",
    Status.UNDEFINED: "U",
    Status.TERMINATED: "T",
    Status.CREATING: "C",
}


def aggregate(
    statuses: Mapping[str, Status],
    *,
    pending: int = 0,
    target: str | None = None,
    as_of: str = "",
    stale: Iterable[str] = (),
    operation: str = "",
) -> Mapping[str, Any]:
    """The status record of an MCIS, plain JSON values.

    `statuses` is per VM name: the VMs that exist and those whose creation failed. `pending` counts
    the ones never attempted, `stale` names clouds that did not answer, `operation` is the last verb:
    without members it tells Terminated (after `down`) from Empty. Programs read `status`, `partial`
    and `counts`; `display` is for people only.
    """
    record = tally(statuses.values(), pending=pending, operation=operation)
    told = {"rule": RULE, "target": target, "as_of": as_of, "stale": sorted(stale)}
    return MappingProxyType({**record, **told, "display": record["display"]})


def tally(statuses: Iterable[Status], *, pending: int = 0, operation: str = "") -> Mapping[str, Any]:
    """The part of the record that a group or a cloud has, too: status, partial, total, counts, pending
    and, for people, display."""
    counts = _counts(statuses)
    total = sum(counts.values())
    status = _winner(counts) if counts else _without_members(operation)
    partial = counts.get(status, 0) < total
    record = {
        "status": status.value,
        "partial": partial,
        "total": total,
        "counts": {each.value: number for each, number in counts.items()},
        "pending": pending,
        "display": _display(status, counts, partial=partial),
    }
    return MappingProxyType(record)


def _counts(statuses: Iterable[Status]) -> dict[Status, int]:
    """How many of each, the most frequent first, ties in the order of the rule."""
    found = Counter(status if status in ORDER else Status.UNDEFINED for status in statuses)
    return dict(sorted(found.items(), key=lambda entry: (-entry[1], ORDER.index(entry[0]))))


def _winner(counts: Mapping[Status, int]) -> Status:
    for decisive in (Status.UNDEFINED, Status.FAILED):
        if decisive in counts:
            return decisive
    return next(iter(counts))


def _without_members(operation: str) -> Status:
    return Status.TERMINATED if operation == "down" else Status.EMPTY


def _display(status: Status, counts: Mapping[Status, int], *, partial: bool) -> str:
    prefix = "Partial-" if partial and status not in (Status.FAILED, Status.UNDEFINED) else ""
    numbers = " ".join(f"{LETTERS.get(each, each.value)}:{number}" for each, number in counts.items())
    return f"{prefix}{status.value} ({numbers})" if numbers else status.value
