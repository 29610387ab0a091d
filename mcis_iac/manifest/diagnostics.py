"""Making and ordering diagnostics; the words of each code are in the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mcis_iac.manifest.codes import CODES
from mcis_iac.model import Diagnostic, Related, Severity, Span

# Where a value lies that nobody wrote: it stands in for a refused one (see `draft.py`).
STAND_IN = Span(file="", line=0, column=0)


def problem(
    code: str,
    span: Span | None,
    detail: str = "",
    *,
    hint: str = "",
    notes: Sequence[str] = (),
    related: Sequence[Related] = (),
    group: str | None = None,
) -> Diagnostic:
    """A diagnostic of that code; summary and severity come from the catalogue."""
    known = CODES[code]
    return Diagnostic(
        code=code,
        severity=known.severity,
        summary=known.summary,
        detail=detail,
        hint=hint,
        notes=tuple(notes),
        span=span,
        related=tuple(related),
        group=group,
    )


def in_order(diagnostics: Iterable[Diagnostic], files: Sequence[str] = ()) -> tuple[Diagnostic, ...]:
    """Sorted by file (in the order given, others after) and position, each problem once."""
    rank = {file: index for index, file in enumerate(files)}

    def place(diagnostic: Diagnostic) -> tuple[int, str, int, str]:
        span = diagnostic.span
        if span is None:
            return (-1, "", 0, diagnostic.code)
        return (rank.get(span.file, len(rank)), span.file, span.index, diagnostic.code)

    once = {(d.code, d.span, d.detail): d for d in reversed(list(diagnostics))}
    return tuple(sorted(once.values(), key=place))


def failed(diagnostics: Iterable[Diagnostic]) -> bool:
    """At least one of them is an error."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


def credible(diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """All but what was found in values that stand in for refused ones."""
    return (diagnostic for diagnostic in diagnostics if diagnostic.span != STAND_IN)
