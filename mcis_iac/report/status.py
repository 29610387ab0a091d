"""The status screen: a row per VM, the aggregate below; also as a markdown table and row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mcis_iac.model import Status
from mcis_iac.pipeline import StatusReport, StatusRow
from mcis_iac.report.money import hourly
from mcis_iac.report.tables import Cell, Row, table
from mcis_iac.report.text import clean, paint

INKS = {
    Status.RUNNING: "green",
    Status.FAILED: "red",
    Status.UNDEFINED: "red",
    Status.TERMINATED: "red",
    Status.SUSPENDED: "yellow",
}
NARROW = ("NAME", "GROUP", "STATUS", "CLOUD", "REGION", "IP", "AGE")
WIDE = ("TYPE", "ZONE", "PRIVATE-IP", "CLOUD-ID")


def status_screen(
    report: StatusReport, *, now: datetime, wide: bool = False, color: bool = False, width: int | None = None
) -> str:
    """The table and the line with the aggregate. Prices only where one is known."""
    header, rows = _table(report, now, wide=wide)
    right = frozenset(at for at, title in enumerate(header) if title in ("AGE", "$/H"))
    lines = table(rows, header=header, right=right, color=color, width=width) if rows else []
    if wide:
        lines += parts_lines(report)
    return "\n".join([*lines, *below(report, color=color)]) + "\n"


def parts_lines(report: StatusReport) -> list[str]:
    """The aggregate of every group and of every connection, where there are several of them."""
    found = []
    for title, parts in (("groups", report.groups), ("clouds", report.clouds)):
        if len(parts) > 1:
            told = (f"{name} {part['display']}{_pending(part)}" for name, part in parts.items())
            found.append(f"{title}: {'   '.join(told)}")
    return found


def below(report: StatusReport, *, color: bool = False) -> list[str]:
    """What stands below the VMs: orphans, the aggregate, notes."""
    lines = [
        f"? {clean(each.vm or each.name)}  {each.connection}  {clean(each.id)}  "
        "carries our tags, is in no state (mcis down deletes it)"
        for each in report.orphans
    ]
    lines.append(summary(report, color=color))
    return lines + [f"note: {clean(text)}" for text in report.notices]


def _pending(part: Mapping[str, Any]) -> str:
    """VMs the lock plans and nobody has tried to make."""
    return f" +{part['pending']} pending" if part.get("pending") else ""


def status_markdown(report: StatusReport, *, now: datetime) -> str:
    """The same as a markdown table."""
    header, rows = _table(report, now, wide=False)
    lines = [f"**{summary(report)}**"]
    if rows:
        lines += ["", _piped(header), _piped(["---"] * len(header)), *map(_piped, rows)]
    lines += [f"\n> {clean(text)}" for text in report.notices]
    return "\n".join(lines) + "\n"


def compared(report: StatusReport) -> dict[str, Row]:
    """What two looks at the same VMs are compared by: everything but the age."""
    return {row.name: (*_identity(row), row.detail) for row in report.rows}


def changed_rows(report: StatusReport, before: Mapping[str, Row]) -> dict[str, Row]:
    """The rows that differ from an earlier `compared`, by name; a VM that left is `gone`."""
    rows = compared(report)
    gone: dict[str, Row] = {
        name: (name, row[1], Cell("gone", "red")) for name, row in before.items() if name not in rows
    }
    return {name: row for name, row in rows.items() if before.get(name) != row} | gone


def summary(report: StatusReport, *, color: bool = False) -> str:
    """`edge.prod: Partial-Running (R:2 S:1)   last up 2026-11-22 14:03 by kim, 41 s   lock ok`."""
    display = str(report.summary.get("display") or report.summary.get("status") or Status.EMPTY)
    hidden = (
        f"{len(report.rows)} of {len(report.rows) + report.left_out} VMs shown" if report.left_out else ""
    )
    parts = [f"{report.stack}: {paint(display, 'bold', color=color)}{_pending(report.summary)}", hidden]
    return "   ".join(filter(None, (*parts, report.last, report.lock)))


def age(created_at: str | None, now: datetime) -> str:
    """`2d4h`, `3h05m`, `12m`, `40s`; `-` while unknown."""
    if not created_at:
        return "-"
    born = datetime.fromisoformat(created_at)
    spent = now - (born if born.tzinfo else born.replace(tzinfo=UTC))
    total = max(int(spent.total_seconds()), 0)  # our clock may be behind the cloud's
    days, hours, minutes = total // 86_400, total // 3_600 % 24, total // 60 % 60
    if days:
        return f"{days}d{hours}h"
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m" if minutes else f"{total}s"


def _table(report: StatusReport, now: datetime, *, wide: bool) -> tuple[list[str], list[Row]]:
    priced = any(row.vm is not None and row.vm.hourly_usd is not None for row in report.rows)
    header = [*NARROW, *(("$/H",) if priced else ()), *(WIDE if wide else ())]
    detailed = any(row.detail for row in report.rows)
    rows: list[Row] = [_row(row, now, wide=wide, priced=priced) for row in report.rows]
    if detailed:
        header.append("DETAIL")
        rows = [(*cells, row.detail) for cells, row in zip(rows, report.rows, strict=True)]
    return header, rows


def _identity(row: StatusRow) -> tuple[str | Cell, ...]:
    status = Cell(row.status.value, INKS.get(row.status, ""))
    return (row.name, row.group, status, row.cloud, row.region, (row.vm.address if row.vm else "") or "-")


def _row(row: StatusRow, now: datetime, *, wide: bool, priced: bool) -> tuple[str | Cell, ...]:
    vm = row.vm
    cells = (*_identity(row), age(vm.created_at if vm else None, now))
    if priced:
        cells = (*cells, hourly(vm.hourly_usd) if vm else "-")
    if wide:
        cells = (*cells, *((vm.type, vm.zone, vm.private_ip or "-", vm.id) if vm else ("-",) * len(WIDE)))
    return cells


def _piped(cells: Sequence[str | Cell]) -> str:
    texts = (cell.text if isinstance(cell, Cell) else cell for cell in cells)
    return f"| {' | '.join(clean(text).replace('|', chr(92) + '|') for text in texts)} |"
