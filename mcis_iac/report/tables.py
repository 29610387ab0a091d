"""Aligned columns. Nothing is ever cut: on a narrow terminal the last column wraps below itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcis_iac.report.text import clean, paint, width_of

NARROWEST = 16  # a last column with less room than this is not wrapped: the terminal may do it


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; `ink` is a colour of `text.INKS`, or nothing."""

    text: str
    ink: str = ""


Row = Sequence[Cell | str]


def table(
    rows: Sequence[Row],
    *,
    header: Sequence[str] = (),
    right: frozenset[int] = frozenset(),
    indent: str = "",
    width: int | None = None,
    color: bool = False,
) -> list[str]:
    """The lines of all rows, two spaces between columns, no trailing spaces.

    `right` are the columns aligned to the right. `width` is the terminal's, None for a pipe.
    """
    blocks = table_rows(rows, header=header, right=right, indent=indent, width=width, color=color)
    return [line for block in blocks for line in block]


def table_rows(
    rows: Sequence[Row],
    *,
    header: Sequence[str] = (),
    right: frozenset[int] = frozenset(),
    indent: str = "",
    width: int | None = None,
    color: bool = False,
) -> list[list[str]]:
    """The same per row (the header first), for views that put something between the rows."""
    cells = [[Cell(title, "bold") for title in header]] if header else []
    cells += [[_cell(cell) for cell in row] for row in rows]
    columns = max((len(row) for row in cells), default=0)
    widths = [max(width_of(row[at].text) for row in cells if at < len(row)) for at in range(columns)]
    return [_lines(row, widths, right, indent, width, color=color) for row in cells]


def _cell(cell: Cell | str) -> Cell:
    return Cell(clean(cell)) if isinstance(cell, str) else Cell(clean(cell.text), cell.ink)


def _lines(
    row: Sequence[Cell],
    widths: Sequence[int],
    right: frozenset[int],
    indent: str,
    width: int | None,
    *,
    color: bool,
) -> list[str]:
    last = len(widths) - 1
    before = len(indent) + sum(widths[:last]) + 2 * last
    tails = [""]
    if len(row) > last:
        tails = _wrapped(row[last].text, None if width is None else width - before) or [""]
    parts = [
        _padded(cell, widths[at], to_right=at in right, color=color) for at, cell in enumerate(row[:last])
    ]
    if len(row) > last:
        parts.append(
            _padded(Cell(tails[0], row[last].ink), widths[last], to_right=last in right, color=color)
        )
    first = (indent + "  ".join(parts)).rstrip()
    return [first, *(" " * before + paint(tail, row[last].ink, color=color) for tail in tails[1:])]


def _wrapped(text: str, room: int | None) -> list[str]:
    if room is None or room < NARROWEST or width_of(text) <= room:
        return [text]
    import textwrap

    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)


def _padded(cell: Cell, width: int, *, to_right: bool, color: bool) -> str:
    space = " " * (width - width_of(cell.text))
    painted = paint(cell.text, cell.ink, color=color)
    return space + painted if to_right else painted + space
