"""The comment on a pull request: verdict, changes, regions, full diff, footer, in a fixed order.

A forge refuses comments above some size; whole sections are left out then, a fence is never cut.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from typing import Any

from mcis_iac import __version__, bundled
from mcis_iac.model import Change, Op, PropertyChange
from mcis_iac.pipeline import Preview
from mcis_iac.report.changes import counts, details, difference, machines, name, reason, sections, sign
from mcis_iac.report.preview import unseen
from mcis_iac.report.text import clean, plural

BUDGET = 64_000  # characters; GitHub's limit is a little above 65,536
VALUE = 2_000  # characters of one value in the full diff


def preview_comment(preview: Preview, *, commit: str = "", budget: int = BUDGET) -> str:
    """The whole comment, found again by its hidden first line; never longer than `budget`."""
    changes = [change for _, part in sections(preview) for change in part]
    rows = [_cells(preview, change) for change in changes]
    diff = _full_diff(changes)
    parts: dict[str, Any] = {
        "namespace": preview.mcis.namespace,
        "name": preview.mcis.name,
        "env": preview.mcis.env or "-",
        "stack": preview.mcis.stack,
        "verdict": _verdict(preview),
        "rows": rows,
        "more": 0,
        "regions": _regions(preview),
        "notes": [_inline(text) for text in _notes(preview)],
        "diff": diff,
        "fence": _fence(diff),
        "footer": _footer(preview, commit),
    }
    return _within(parts, budget)


def _within(parts: dict[str, Any], budget: int) -> str:
    """Leave out the full diff, then the regions, then rows from the end, until it fits."""
    for without in ({}, {"diff": ""}, {"diff": "", "regions": []}):
        text = _rendered(parts | without)
        if len(text) <= budget:
            return text
    rows: Sequence[Sequence[str]] = parts["rows"]
    kept = len(rows)
    while len(text) > budget and kept:
        kept = min(kept - 1, kept * budget // len(text))
        text = _rendered(parts | without | {"rows": rows[:kept], "more": len(rows) - kept})
    return text


def _rendered(parts: dict[str, Any]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # The template is ours and its text is markdown: what comes from outside was escaped by _inline.
    environment = Environment(
        loader=FileSystemLoader(bundled.root("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("preview.md.j2").render(parts)


def _verdict(preview: Preview) -> str:
    names = ", ".join(silent.connection for silent in preview.silent)
    without = [f"without {_inline(names)}"] if names else []
    if preview.diff.empty:
        return ", ".join(("no changes", plural(preview.diff.vms_after, "VM"), *without))
    parts = [counts(preview), *without]
    replaced, deleted = machines(preview, Op.REPLACE), machines(preview, Op.DELETE)
    parts += [f"replaces {plural(replaced, 'running VM')}"] if replaced else []
    parts += [f"deletes {plural(deleted, 'running VM')}"] if deleted else []
    return ", ".join(parts)


def _notes(preview: Preview) -> Iterator[str]:
    yield from _unseen(preview)
    yield from preview.diff.warnings
    if preview.actions:
        yield f"actions due: {'; '.join(preview.actions)}"
    yield from preview.notices


def _unseen(preview: Preview) -> list[str]:
    """What the comment is not about; the verdict alone would pass for the whole."""
    return [
        f"{text} ({silent.hint})" if silent.hint else text
        for silent, text in zip(preview.silent, unseen(preview), strict=True)
    ]


def _cells(preview: Preview, change: Change) -> tuple[str, ...]:
    texts = [" ".join(filter(None, pair)) for pair in details(preview, change)]
    what = "; ".join(filter(None, (*texts, reason(preview, change))))
    source = preview.sources.get(change.key, "")
    return sign(change), _code(name(change)), _inline(change.subject.where), _inline(what), _inline(source)


def _regions(preview: Preview) -> list[str]:
    """`local/local-seoul 3 (+2)`: VMs after the change, and by how many that differs from now."""
    after: Counter[str] = Counter()
    delta: Counter[str] = Counter()
    for group in preview.mcis.groups.values():
        after[f"{group.placement.connection}/{group.placement.region}"] += group.count
    for change in preview.diff.changes:
        if change.is_vm and change.op in (Op.CREATE, Op.DELETE):
            delta[change.subject.where] += 1 if change.op is Op.CREATE else -1
    wheres = [where for where in {**after, **delta} if after[where] or delta[where]]
    return [f"{_inline(at)} {after[at]}" + (f" ({delta[at]:+d})" if delta[at] else "") for at in wheres]


def _full_diff(changes: Sequence[Change]) -> str:
    """In the notation of a diff: every property of every change."""
    marks = {Op.CREATE: "+", Op.DELETE: "-"}
    lines: list[str] = []
    for change in changes:
        mark = marks.get(change.op, "!")
        lines.append(f"{mark} {change.op} {change.key} ({change.token})")
        lines += [line for item in change.properties for line in _differing(item, mark)]
    return "\n".join(lines)


def _differing(item: PropertyChange, mark: str) -> list[str]:
    """A property in the notation of a diff; a text of several lines by its lines."""
    texts = [value for value in (item.old, item.new) if isinstance(value, str)]
    if len(texts) < len((item.old, item.new)) or not any("\n" in text for text in texts):
        return [f"{mark}   {item.path}: {difference(item, VALUE)}"]
    old, new = (text.splitlines() for text in texts)
    changed = list(unified_diff(old, new, n=1, lineterm=""))[3:]
    return [f"{mark}   {item.path}:", *(clean(f"{line[:1]}     {line[1:]}") for line in changed)]


def _fence(text: str) -> str:
    """A fence longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(3, longest + 1)


def _code(text: str) -> str:
    fence = "`" * (len(max(re.findall("`+", text), default="", key=len)) + 1)
    return f"{fence}{clean(text).replace('|', chr(92) + '|')}{fence}"


def _inline(text: str) -> str:
    """Text that is neither markdown nor HTML nor the end of a table's cell, and mentions nobody."""
    escaped = re.sub(r"([\\`*_\[\]|#~])", r"\\\1", clean(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")


def _footer(preview: Preview, commit: str) -> list[str]:
    parts = [f"commit {_inline(commit[:7])}"] if commit else []
    return [*parts, f"mcis {__version__}", f"apply: {_code(f'mcis up {_public(preview.words)}'.rstrip())}"]


def _public(words: str) -> str:
    """A command's words for everybody: the value of an override may be a secret, its path is none."""
    shown, after_set = [], False
    for word in shlex.split(words):
        shown.append(f"{word.partition('=')[0]}=..." if after_set else word)
        after_set = word == "--set"
    return shlex.join(shown)
