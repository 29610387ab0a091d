"""Status at a glance: a cell per VM, one letter each, so that a thousand of them fit one screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from mcis_iac.model import Status
from mcis_iac.pipeline import StatusReport, StatusRow
from mcis_iac.report.status import INKS, below, parts_lines
from mcis_iac.report.text import clean, paint, plural

# A letter for each: capitals for the states a VM rests in, small ones for those that pass.
LETTERS = {
    Status.RUNNING: "R",
    Status.SUSPENDED: "S",
    Status.FAILED: "F",
    Status.UNDEFINED: "U",
    Status.TERMINATED: "T",
    Status.CREATING: "c",
    Status.SUSPENDING: "s",
    Status.RESUMING: "r",
    Status.REBOOTING: "b",
    Status.TERMINATING: "t",
    Status.EMPTY: ".",
}
MANY = 60  # rows: from here on a table is longer than a screen, and cells say more
BLOCK = 10  # cells stand in tens, so that they can be counted
WIDTH = 80
TROUBLES = 10


def cells_screen(report: StatusReport, *, color: bool = False, width: int | None = None) -> str:
    """The cells of each group with its counts, what is wrong with which VM, the aggregate."""
    room = width or WIDTH
    lines: list[str] = []
    for group, rows in groupby(report.rows, key=lambda row: row.group):
        lines += _group(group, list(rows), report.groups.get(group, {}), room, color=color)
    lines += _troubles(report.rows)
    if report.rows:
        lines.append(legend({row.status for row in report.rows}, color=color))
    lines += [line for line in parts_lines(report) if line.startswith("clouds")]
    return "\n".join([*lines, *below(report, color=color)]) + "\n"


def legend(statuses: Iterable[Status], *, color: bool = False) -> str:
    """What the letters mean, of those that are shown."""
    shown = set(statuses)
    return "  ".join(f"{_cell(each, color=color)} {each.value}" for each in LETTERS if each in shown)


def _group(
    name: str, rows: Sequence[StatusRow], part: Mapping[str, Any], room: int, *, color: bool
) -> list[str]:
    """The group's name and aggregate, and below it rows of cells, each after the ordinal it begins with."""
    pending = f" +{part['pending']} pending" if part.get("pending") else ""
    told = f"{part.get('display', '')}{pending}".strip()
    lines = [f"{paint(name, 'bold', color=color)}  {told}".rstrip()]
    digits = max(len(_ordinal(row)) for row in rows)
    per_line = max((room - digits - 3) // (BLOCK + 1), 1) * BLOCK
    for at in range(0, len(rows), per_line):
        line = rows[at : at + per_line]
        lines.append(f"  {_ordinal(line[0]):>{digits}} {' '.join(_blocks(line, color=color))}")
    return lines


def _blocks(rows: Sequence[StatusRow], *, color: bool) -> Iterator[str]:
    for at in range(0, len(rows), BLOCK):
        yield "".join(_cell(row.status, color=color) for row in rows[at : at + BLOCK])


def _cell(status: Status, *, color: bool) -> str:
    return paint(LETTERS[status], INKS.get(status, ""), color=color)


def _ordinal(row: StatusRow) -> str:
    return row.name.rpartition("-")[2]


def _troubles(rows: Iterable[StatusRow]) -> list[str]:
    """The VMs with something to say, the first of them in words."""
    told = [row for row in rows if row.detail]
    lines = [f"{row.name}  {row.status.value}  {clean(row.detail)}" for row in told[:TROUBLES]]
    more = len(told) - TROUBLES
    return [*lines, f"... {plural(more, 'more VM')} with details: -o wide"] if more > 0 else lines
