"""One code of the catalogue: a kind of problem with a name for ever."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

from mcis_iac.model import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem."""

    summary: str
    text: str
    severity: Severity = Severity.ERROR

    @property
    def story(self) -> str:
        """The long text, without the indentation it has here (most runs never ask for it)."""
        return dedent(self.text).strip()
