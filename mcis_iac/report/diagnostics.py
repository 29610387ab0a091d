"""Diagnostics and errors as text: for people, for CI annotations, for tools.

Values in, text out; nothing is printed here. Plain strings and ANSI codes only, because `validate`
must start fast. Whatever comes from a file is made harmless before it reaches a terminal.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mcis_iac.errors import McisError
from mcis_iac.model import Diagnostic, Related, Severity, Span
from mcis_iac.report import diagnostic_formats as formats

Texts = Mapping[str, str]

RESET = "\x1b[0m"
CODES = {"red": "\x1b[1;31m", "yellow": "\x1b[1;33m", "cyan": "\x1b[36m", "dim": "\x1b[2m", "bold": "\x1b[1m"}
TONES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
FORMATS = ("full", "concise", "json", "github", "gitlab", "sarif")

MIN_GUTTER = 2
WIDEST = 160  # columns of an excerpt; longer lines are cut around the caret
LEAD = 40
NOTE_INDENT = len("= note: ")


def render(
    diagnostics: Sequence[Diagnostic], texts: Texts, *, format: str = "full", color: bool = False, name: str
) -> str:
    """All diagnostics in one of FORMATS, with a final line end unless empty.

    `texts` has the text of every file a span names; `name` is what the summary line speaks of.
    """
    renderers: Mapping[str, Callable[[], str]] = {
        "full": lambda: full(diagnostics, texts, color=color, name=name),
        "concise": lambda: "".join(f"{formats.concise(d, texts)}\n" for d in diagnostics),
        "json": lambda: _json([formats.as_json(d) for d in diagnostics]),
        "github": lambda: "".join(f"{line}\n" for line in formats.github(diagnostics, texts)),
        "gitlab": lambda: _json(formats.gitlab(diagnostics, texts)),
        "sarif": lambda: _json(formats.sarif(diagnostics, texts)),
    }
    return renderers[format]()


def place_of(diagnostics: Sequence[Diagnostic]) -> str:
    """The file all of them are in; nothing where there is more than one, or none."""
    files = {diagnostic.span.file for diagnostic in diagnostics if diagnostic.span is not None}
    return files.pop() if len(files) == 1 else ""


def as_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """The diagnostic as a JSON object, the same in every stream and report."""
    return formats.as_json(diagnostic)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def full(diagnostics: Sequence[Diagnostic], texts: Texts, *, color: bool, name: str) -> str:
    """Every diagnostic with its excerpt, and a line that counts them."""
    paint = _painter(color=color)
    blocks = [_block(diagnostic, texts, paint) for diagnostic in diagnostics]
    return "\n\n".join([*blocks, _summary(diagnostics, name, paint)]) + "\n"


def error_text(error: McisError, *, color: bool) -> str:
    """An error without a place: what happened, the particulars, what to do next."""
    paint = _painter(color=color)
    return _loose(paint("red", "error"), error.summary, error.detail, error.hint, paint) + "\n"


# ---------------------------------------------------------------- one diagnostic

Paint = Callable[[str, str], str]


def _painter(*, color: bool) -> Paint:
    def paint(tone: str, text: str) -> str:
        return f"{CODES[tone]}{text}{RESET}" if color and text else text

    return paint


def _loose(head: str, summary: str, detail: str, hint: str, paint: Paint) -> str:
    """The form without a place; `head` is painted already."""
    lines = [f"{head}: {paint('bold', _safe(summary))}"]
    lines += [f"  {_safe(line)}".rstrip() for line in detail.splitlines()]
    if hint:
        first, *more = hint.splitlines()
        lines += ["", f"{paint('cyan', 'hint')}: {_safe(first)}", *(f"      {_safe(line)}" for line in more)]
    return "\n".join(lines)


def _block(diagnostic: Diagnostic, texts: Texts, paint: Paint) -> str:
    tone = TONES[diagnostic.severity]
    head = f"{diagnostic.severity}[{diagnostic.code}]"
    span = diagnostic.span
    if span is None:
        detail = "\n".join([diagnostic.detail, *(f"note: {note}" for note in diagnostic.notes)]).strip("\n")
        return _loose(paint(tone, head), diagnostic.summary, detail, diagnostic.hint, paint)
    near = [other for other in diagnostic.related if other.span.file == span.file]
    far = [other for other in diagnostic.related if other.span.file != span.file]
    last = max([span.line, *(other.span.line for other in diagnostic.related)])
    gutter = max(MIN_GUTTER, len(str(last)))
    lines = [f"{paint(tone, head)}: {paint('bold', _safe(diagnostic.summary))}"]
    lines.append(f"{' ' * gutter}{paint('dim', f'--> {_safe(str(span))}')}")
    main = Related(span=span, label=diagnostic.detail)
    lines += _excerpt([(main, tone, "^"), *((other, "cyan", "-") for other in near)], texts, gutter, paint)
    for other in far:
        lines.append(f"{' ' * gutter}{paint('dim', f'::: {_safe(str(other.span))}')}")
        lines += _excerpt([(other, "cyan", "-")], texts, gutter, paint)
    edge = " " * (gutter + 1)
    for kind, text in (*(("note", note) for note in diagnostic.notes), ("help", diagnostic.hint)):
        if text:
            lines += _footnote(edge, kind, text, paint)
    return "\n".join(lines)


def _footnote(edge: str, kind: str, text: str, paint: Paint) -> list[str]:
    first, *more = text.splitlines()
    return [
        f"{edge}= {paint('cyan', kind)}: {_safe(first)}",
        *(f"{edge}{' ' * NOTE_INDENT}{_safe(line)}" for line in more),
    ]


Mark = tuple[Related, str, str]  # what is marked, in which colour, with which sign


def _excerpt(marks: Sequence[Mark], texts: Texts, gutter: int, paint: Paint) -> list[str]:
    """The marked lines in order, each once, every mark below its line."""
    bar = paint("dim", "|")
    lines = [f"{' ' * (gutter + 1)}{bar}"]
    text = texts.get(marks[0][0].span.file)
    if text is None:  # the file is not at hand; the words still are
        return [*lines, f"{' ' * (gutter + 1)}{bar} {_safe(marks[0][0].label)}".rstrip()]
    sources = formats.split_lines(text)
    for number in sorted({mark.span.line for mark, _, _ in marks}):
        here = [mark for mark in marks if mark[0].span.line == number]
        line = sources[number - 1] if number <= len(sources) else ""
        left, shown = _window(line, here[0][0].span.column - 1)
        lines.append(f"{number:>{gutter}} {bar} {_safe(shown)}".rstrip())
        for mark, tone, sign in here:
            # Without a label a second place is only context; one out of sight cannot be marked.
            if sign == "^" or (mark.label and left <= mark.span.column - 1 < left + WIDEST):
                pad, width = _underline(mark.span, line, left)
                words = paint(tone, f"{sign * width} {_safe(mark.label)}".rstrip())
                lines.append(f"{' ' * (gutter + 1)}{bar} {' ' * pad}{words}")
    return lines


def _window(line: str, start: int) -> tuple[int, str]:
    """The part of a line that is shown, and how many characters were cut on its left."""
    if len(line) <= WIDEST:
        return 0, line
    left = max(0, min(start - LEAD, len(line) - WIDEST))
    return left, line[left : left + WIDEST]


def _underline(span: Span, line: str, left: int) -> tuple[int, int]:
    """Columns before the caret and columns it covers, to the end of its first line at most."""
    start = min(span.column - 1, left + WIDEST)
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    end = min(end, left + WIDEST)
    covered = _columns(line[max(start, left) : end])
    return _columns(line[left:start]), max(covered, 1)


def _columns(text: str) -> int:
    """How wide a terminal draws it."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) != 0 for char in text)


def _safe(text: str) -> str:
    """No control character and no text direction mark of a file reaches the terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_harmless(char) for char in text)


def _harmless(char: str) -> str:
    if char == "\t":
        return " "
    return "\ufffd" if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else char


def _summary(diagnostics: Sequence[Diagnostic], name: str, paint: Paint) -> str:
    """`NAME: 3 errors   (mcis explain CODE for the long story)`; one error needs no such pointer."""
    if not diagnostics:
        return f"{_safe(name)}: ok"
    parts = []
    for severity in Severity:
        number = sum(diagnostic.severity is severity for diagnostic in diagnostics)
        if number:
            parts.append(paint(TONES[severity], f"{number} {severity}{'' if number == 1 else 's'}"))
    errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity is Severity.ERROR]
    more = f"   (mcis explain {errors[-1].code} for the long story)" if len(errors) > 1 else ""
    return f"{_safe(name)}: {', '.join(parts)}{more}"
