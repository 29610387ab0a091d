"""What differs between the turns of a loop and cannot be computed, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcis_iac.eject.code import STEP, WIDTH


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name and the code of every cell."""

    names: Sequence[str]
    rows: Sequence[Sequence[str]]

    def cells(self) -> list[str]:
        """Every row as code: alone, or as a tuple."""
        return [row[0] if len(row) == 1 else f"({', '.join(row)})" for row in self.rows]

    def code(self, before: int) -> str:
        """The rows as a tuple literal, over several lines when long."""
        cells = self.cells()
        line = f"({', '.join(cells)}{',' if len(cells) == 1 else ''})"
        if before + len(line) < WIDTH - 4:
            return line
        return "\n".join(["(", *(f"{STEP}{cell}," for cell in self.cells()), ")"])

    def period(self) -> int | None:
        """After how many rows they repeat, if they do."""
        cells = self.cells()
        for length in range(1, len(cells)):
            if all(cell == cells[n % length] for n, cell in enumerate(cells)):
                return length
        return None
