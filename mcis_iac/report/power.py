"""What `suspend`, `resume` and `reboot` did: a row per VM, a sentence, and how to go on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mcis_iac.pipeline import PowerReport, PowerRow
from mcis_iac.report.tables import Cell, table
from mcis_iac.report.text import clean, folded, paint, plural, seconds
from mcis_iac.report.values import plain

HEADER = ("VM", "BEFORE", "AFTER", "CLOUD", "REGION", "SECONDS", "DETAIL")
INKS = MappingProxyType({"done": "green", "failed": "red", "pending": "yellow", "skipped": "yellow"})
PAST = MappingProxyType({"suspend": "suspended", "resume": "resumed", "reboot": "rebooted"})
# Where that many VMs did the same, their names are told together.
MANY = 20


def power_screen(report: PowerReport, *, color: bool = False, width: int | None = None) -> str:
    """The rows and the sentence. Of many VMs, those that went well are only counted."""
    well = [each for each in report.rows if each.state in {"done", "unchanged"}]
    shown = list(report.rows) if len(well) < MANY else [each for each in report.rows if each not in well]
    lines = (
        table([_cells(each) for each in shown], header=HEADER, right=frozenset({5}), color=color, width=width)
        if shown
        else []
    )
    lines.append(_sentence(report))
    lines += [f"note: {clean(text)}" for text in report.notices]
    if report.next:
        lines.append(paint(f"continue: {report.next}", "cyan", color=color))
    return "\n".join(lines) + "\n"


def _cells(row: PowerRow) -> tuple[str | Cell, ...]:
    after = Cell(
        row.after.value if row.state != "failed" else f"{row.after.value} FAILED", INKS.get(row.state, "")
    )
    spent = "-" if row.elapsed_s is None else f"{row.elapsed_s:.1f}"
    return (row.name, row.before.value, after, row.cloud, row.region, spent, row.reason)


def _sentence(report: PowerReport) -> str:
    done = [each.name for each in report.rows if each.state == "done"]
    words = f"{plural(len(done), 'VM')} {PAST[report.action]}"
    words += f" ({folded(done)})" if len(done) >= MANY else ""
    for state, told in (
        ("unchanged", "left as they are"),
        ("skipped", "skipped"),
        ("failed", "failed"),
        ("pending", "not there yet"),
    ):
        count = sum(each.state == state for each in report.rows)
        words += f", {count} {told}" if count else ""
    return f"{words}   {seconds(report.duration_s)}"


def power_data(report: PowerReport) -> Mapping[str, Any]:
    """The same for programs."""
    data: dict[str, Any] = plain(report)
    return data | {"duration_s": round(report.duration_s, 3)}
