"""What actions did on the VMs: a row per action and way to end, equal ones folded, and a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from mcis_iac.pipeline import ActionReport, ActionRow
from mcis_iac.report.tables import Cell, table
from mcis_iac.report.text import clean, folded, paint, plural, seconds

HEADER = ("ACTION", "VM", "STATE", "DETAIL")
INKS = {"done": "green", "FAILED": "red", "not run": "yellow", "left out": "dim"}
SHOWN = 5  # lines of what a failed action wrote last


def action_lines(report: ActionReport, *, color: bool = False, width: int | None = None) -> list[str]:
    """The rows, what failed ones wrote last, and the sum; nothing when there was nothing to do."""
    if not report.rows:
        return []
    alike: dict[tuple[str, str, str], list[ActionRow]] = {}
    for row in report.rows:
        alike.setdefault((row.action, row.state, row.detail), []).append(row)
    rows = [
        (name, folded(row.vm for row in same if row.vm), Cell(state, INKS[state]), clean(detail))
        for (name, state, detail), same in alike.items()
    ]
    lines = table(rows, header=HEADER, color=color, width=width)
    for row in report.rows:
        lines += [f"  {row.vm}: {clean(text)}" for text in _last(row)]
    return [*lines, _sentence(report)]


def run_screen(report: ActionReport, *, color: bool = False, width: int | None = None) -> str:
    """The result of `run`; how to go on comes last."""
    lines = action_lines(report, color=color, width=width)
    if report.next:
        lines.append(paint(f"continue: {report.next}", "cyan", color=color))
    return "\n".join(lines) + "\n"


def _last(row: ActionRow) -> Sequence[str]:
    if row.state != "FAILED" or row.result is None:
        return ()
    return (row.result.stderr or row.result.stdout).splitlines()[-SHOWN:]


def _sentence(report: ActionReport) -> str:
    actions = len({row.action for row in report.rows})
    counts = [
        (sum(row.state == state for row in report.rows), word)
        for state, word in (
            ("done", "done"),
            ("FAILED", "failed"),
            ("not run", "not run"),
            ("left out", "left out"),
        )
    ]
    told = ", ".join(f"{count} {word}" for count, word in counts if count)
    log = f"   output: {report.log}" if report.log else ""
    return f"{plural(actions, 'action')}: {told}   {seconds(report.duration_s)}{log}"
