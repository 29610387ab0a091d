"""The history: a row per operation, and everything known of one."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby

from mcis_iac.pipeline import Happened, History
from mcis_iac.report.tables import Cell, Row, table
from mcis_iac.report.text import clean, folded, plural, seconds

HEADER = ("N", "WHEN", "WHO", "VERB", "CHANGES", "RESULT", "TOOK")
SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
INKS = {"succeeded": "green", "failed": "red", "stopped": "yellow"}
ELSEWHERE = "elsewhere"
STACK = ("up", "scale", "replace", "heal", "terminate", "down", "refresh")  # change the stack


def history_screen(history: History, *, color: bool = False, width: int | None = None) -> str:
    """The operations, the newest last; costs only where a difference is known."""
    if not history.operations:
        return f"{history.stack}: nothing was done yet\n"
    priced = any(each.hourly_change is not None for each in history.operations)
    rows = [_row(each, priced=priced) for each in history.operations]
    header = [*HEADER, *(["$/H"] if priced else [])]
    lines = table(rows, header=header, right=frozenset({0, 6, 7}), color=color, width=width)
    left = history.total - len(history.operations)
    if left > 0:
        lines.append(f"{plural(left, 'earlier operation')} not shown: --limit 0 shows all")
    return "\n".join(lines) + "\n"


def operation_screen(history: History, *, color: bool = False) -> str:
    """One operation with its VMs, failures and logs."""
    (one,) = history.operations
    lines = table([_row(one, priced=one.hourly_change is not None)], color=color)
    for what, names in groupby(sorted(one.vms, key=lambda name: one.vms[name]), key=one.vms.__getitem__):
        lines.append(f"{what}: {clean(folded(names))}")
    lines += [f"{name}  FAILED  {clean(why)}" for name, why in one.failed.items()]
    lines += [f"message: {clean(one.message)}"] if one.message else []
    lines += [f"log: {clean(path)}" for path in one.logs]
    if one.elsewhere:
        lines.append("from the stack's own history: it was not noted in this checkout")
    return "\n".join(lines) + "\n"


def changes(one: Happened) -> str:
    """`+2 ~1 ±0 -0`; of what is no change of the stack how many VMs it reached."""
    others = [f"{name} {count}" for name, count in one.changes.items() if name not in SIGNS]
    if others:
        return " ".join(others)
    if one.verb not in STACK and not one.changes:
        return "-"
    return " ".join(f"{sign}{one.changes.get(op, 0)}" for op, sign in SIGNS.items())


def _row(one: Happened, *, priced: bool) -> Row:
    row: list[Cell | str] = [
        str(one.number),
        one.at[:19].replace("T", " "),
        one.by or (ELSEWHERE if one.elsewhere else "-"),
        one.verb,
        changes(one),
        Cell(_result(one), INKS.get(one.result, "")),
        seconds(one.duration_s),
    ]
    return [*row, _difference(one.hourly_change)] if priced else row


def _result(one: Happened) -> str:
    """A failure with how many VMs it is about."""
    return f"{one.result} ({len(one.failed)})" if one.failed else one.result


def _difference(value: Decimal | None) -> str:
    return "?" if value is None else f"{value:+.4f}"
