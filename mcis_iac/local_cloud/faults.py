"""The cloud can be told to misbehave: refusals and delays, ordered by the name of the instance.

Real clouds run out of capacity and are slow; whoever builds on this cloud can rehearse that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from mcis_iac.local_cloud.store import Store
from mcis_iac.local_cloud.types import LocalCloudError

ACTIONS = ("create", "start", "stop", "reboot", "delete")
CODES = ("capacity", "quota", "host")
REASONS = {
    "capacity": "there is no capacity left in the zone",
    "quota": "the quota of instances is used up",
    "host": "the host failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to matching instances. `code` None = only slow; `times` None = always."""

    pattern: str
    action: str
    code: str | None = None
    delay_s: float = 0.0
    times: int | None = None
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfortune:
    """What was ordered for one instance, now."""

    delay_s: float = 0.0
    error: LocalCloudError | None = None


NONE = Misfortune()


def names(name: str, tags: Mapping[str, str]) -> tuple[str, ...]:
    """What an instance goes by: its name in the cloud, and the one its owner gave it."""
    given = tags.get("mcis-vm")
    return (name, given) if given else (name,)


def add(store: Store, fault: Fault) -> Fault:
    """Order a fault; LocalCloudError("invalid") for an unknown action or code."""
    if fault.action not in ACTIONS:
        raise LocalCloudError(code="invalid", message=f"a fault happens on one of {', '.join(ACTIONS)}")
    if fault.code is not None and fault.code not in CODES:
        raise LocalCloudError(code="invalid", message=f"a fault's error is one of {', '.join(CODES)}")
    if fault.code is None and fault.delay_s <= 0:
        raise LocalCloudError(code="invalid", message="a fault needs an error or a delay")
    with store.write() as db:
        cursor = db.execute(
            "INSERT INTO fault(pattern, action, code, delay_s, times) VALUES(?, ?, ?, ?, ?)",
            (fault.pattern, fault.action, fault.code, fault.delay_s, fault.times),
        )
        row = db.execute("SELECT * FROM fault WHERE id=?", (cursor.lastrowid,)).fetchone()
    return _fault(row)


def listed(store: Store) -> tuple[Fault, ...]:
    """All orders that still stand, oldest first."""
    with store.read() as db:
        return tuple(_fault(row) for row in db.execute("SELECT * FROM fault ORDER BY id"))


def clear(store: Store) -> int:
    """Forget all orders; how many there were."""
    with store.write() as db:
        return db.execute("DELETE FROM fault").rowcount


def _fault(row: sqlite3.Row) -> Fault:
    return Fault(**{key: row[key] for key in row.keys()})  # noqa: SIM118  (a Row iterates over values)


def strike(store: Store, action: str, names: list[tuple[str, ...]]) -> list[Misfortune]:
    """What happens to each instance, given by all names it goes by. Counted orders are used up."""
    if not any(fault.action == action for fault in listed(store)):
        return [NONE] * len(names)
    with store.write() as db:
        rows = db.execute("SELECT * FROM fault WHERE action=? ORDER BY id", (action,)).fetchall()
        left = {fault.id: fault for fault in map(_fault, rows)}
        found = [_strike_one(left, each) for each in names]
        for row in rows:
            _settle(db, row, left[row["id"]])
    return found


def _strike_one(left: dict[int, Fault], names: tuple[str, ...]) -> Misfortune:
    for id, fault in left.items():
        if fault.times == 0 or not any(fnmatchcase(name, fault.pattern) for name in names):
            continue
        if fault.times is not None:
            left[id] = replace(fault, times=fault.times - 1)
        error = None
        if fault.code is not None:
            error = LocalCloudError(fault.code, f"{names[0]}: {REASONS[fault.code]} (ordered by a fault)")
        return Misfortune(delay_s=fault.delay_s, error=error)
    return NONE


def _settle(db: sqlite3.Connection, row: sqlite3.Row, now: Fault) -> None:
    if now.times == row["times"]:
        return
    if now.times == 0:
        db.execute("DELETE FROM fault WHERE id=?", (now.id,))
    else:
        db.execute("UPDATE fault SET times=? WHERE id=?", (now.times, now.id))
