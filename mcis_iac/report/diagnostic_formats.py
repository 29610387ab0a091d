"""Diagnostics for machines: one line each, JSON, GitHub and GitLab annotations, SARIF."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mcis_iac.model import Diagnostic, Severity, Span

Texts = Mapping[str, str]

BREAK = re.compile(r"\r\n|\r|\n")
LONGEST_WORD = 60
SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SARIF_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
GITHUB_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
GITLAB_LEVELS = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


@lru_cache(maxsize=8)  # once per file, not once per diagnostic
def split_lines(text: str) -> list[str]:
    """The lines as positions count them: only \\n, \\r\\n and \\r end one."""
    return BREAK.split(text)


def sentence(diagnostic: Diagnostic, texts: Texts) -> str:
    """The problem in one line, understandable away from its place."""
    word = _word(diagnostic.span, texts)
    head = diagnostic.summary
    if word and (not diagnostic.detail or diagnostic.detail.startswith("did you mean")):
        head += f" `{word}`"
    return _clean(" ".join((f"{head}: {diagnostic.detail}" if diagnostic.detail else head).split()))


def _clean(text: str) -> str:
    """No control character of a file reaches a terminal or a log."""
    return "".join(char if char.isprintable() or char in "\n\r" else "\ufffd" for char in text)


def _word(span: Span | None, texts: Texts) -> str:
    text = texts.get(span.file, "")[span.index : span.end_index] if span is not None else ""
    return text if text.isprintable() and len(text) <= LONGEST_WORD else ""


def concise(diagnostic: Diagnostic, texts: Texts) -> str:
    """`file:line:col: error[CODE] text`."""
    place = f"{diagnostic.span}: " if diagnostic.span is not None else ""
    return _clean(f"{place}{diagnostic.severity}[{diagnostic.code}] {sentence(diagnostic, texts)}")


# ---------------------------------------------------------------- JSON


def as_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """One diagnostic as an object; `range` and `file` are null without a place."""
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
        "hint": diagnostic.hint,
        "notes": list(diagnostic.notes),
        "file": span.file if span else None,
        "range": _range(span) if span else None,
        "related": [
            {"file": other.span.file, "range": _range(other.span), "label": other.label}
            for other in diagnostic.related
            if other.label
        ],
        "group": diagnostic.group,
        "doc": f"mcis explain {diagnostic.code}",
    }


def _range(span: Span) -> dict[str, dict[str, int]]:
    return {
        "start": {"line": span.line, "column": span.column, "index": span.index},
        "end": {"line": span.end_line, "column": span.end_column, "index": span.end_index},
    }


# ---------------------------------------------------------------- GitHub, GitLab


def github(diagnostics: Sequence[Diagnostic], texts: Texts) -> Iterator[str]:
    """Workflow commands, the most severe first, since only the first ten or so are shown."""
    order = list(Severity)
    for diagnostic in sorted(diagnostics, key=lambda diagnostic: order.index(diagnostic.severity)):
        span = diagnostic.span if diagnostic.span and _is_file(diagnostic.span.file) else None
        fields = {"file": span.file, "line": span.line, "col": span.column} if span else {}
        if span and span.end_line:
            fields["endLine"] = span.end_line
            if span.end_line == span.line:  # columns are only understood within one line
                fields["endColumn"] = span.end_column
        fields["title"] = f"{diagnostic.code} {diagnostic.summary}"
        shown = ",".join(f"{name}={_property(str(value))}" for name, value in fields.items())
        message = sentence(diagnostic, texts) + (f"\n{diagnostic.hint}" if diagnostic.hint else "")
        yield f"::{GITHUB_LEVELS[diagnostic.severity]} {shown}::{_data(message)}"


def _data(text: str) -> str:
    return _clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _is_file(name: str) -> bool:
    """Spans can also lie on the command line (`--set`)."""
    return not name.startswith("--")


def gitlab(diagnostics: Sequence[Diagnostic], texts: Texts) -> list[dict[str, Any]]:
    """A Code Quality report."""
    seen: dict[str, int] = {}
    report = []
    for diagnostic in diagnostics:
        text, span = sentence(diagnostic, texts), diagnostic.span
        file = span.file if span else ""
        # Without the line number, so that an edit above does not make it a new finding.
        key = f"{diagnostic.code}\0{file}\0{text}"
        seen[key] = seen.get(key, 0) + 1
        digest = hashlib.sha256(f"{key}\0{seen[key]}".encode("utf-8", "replace")).hexdigest()
        report.append(
            {
                "description": text,
                "check_name": diagnostic.code,
                "fingerprint": digest,
                "severity": GITLAB_LEVELS[diagnostic.severity],
                "location": {"path": file, "lines": {"begin": span.line if span else 1}},
            }
        )
    return report


# ---------------------------------------------------------------- SARIF 2.1.0


def sarif(diagnostics: Sequence[Diagnostic], texts: Texts) -> dict[str, Any]:
    """One run with a rule per code that occurs."""
    rules = {diagnostic.code: diagnostic.summary for diagnostic in diagnostics}
    codes = sorted(rules)
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "mcis", "rules": [_rule(code, rules[code]) for code in codes]}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(diagnostic, codes, texts) for diagnostic in diagnostics],
            }
        ],
    }


def _rule(code: str, summary: str) -> dict[str, Any]:
    return {"id": code, "shortDescription": {"text": summary}, "help": {"text": f"mcis explain {code}"}}


def _result(diagnostic: Diagnostic, codes: Sequence[str], texts: Texts) -> dict[str, Any]:
    words = [sentence(diagnostic, texts), *diagnostic.notes, diagnostic.hint]
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": SARIF_LEVELS[diagnostic.severity],
        "message": {"text": "\n".join(word for word in words if word)},
    }
    if diagnostic.span is not None and _is_file(diagnostic.span.file):
        result["locations"] = [_location(diagnostic.span)]
    related = [other for other in diagnostic.related if other.label and _is_file(other.span.file)]
    if related:
        result["relatedLocations"] = [
            {"id": index, "message": {"text": other.label}, **_location(other.span)}
            for index, other in enumerate(related)
        ]
    return result


def _location(span: Span) -> dict[str, Any]:
    region = {"startLine": span.line, "startColumn": span.column}
    if span.end_line:
        region |= {"endLine": span.end_line, "endColumn": span.end_column}
    uri = Path(span.file).as_uri() if Path(span.file).is_absolute() else quote(span.file)
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
