"""Changing counts in a manifest as a person would: that number, and not one byte more.

A plan is texts before and after; it is proven by loading the new texts in memory, so a count that
something else depends on (an anchor, for instance) is refused instead of changed for both.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from mcis_iac.errors import ManifestError, NotFoundError, OperationError, UsageError
from mcis_iac.manifest.guess import listed, nearest
from mcis_iac.manifest.load import Loaded, with_text
from mcis_iac.manifest.nodes import BREAK, Entry, Node
from mcis_iac.manifest.overlay import SET_FILE
from mcis_iac.manifest.source import Source
from mcis_iac.model import NOTHING, Mcis, Span

BOM = "\ufeff"
HIGHEST = 10_000
WAY = ("groups", "*", "count")


@dataclass(frozen=True, slots=True)
class Edit:
    """A file's whole text before and after, without a byte order mark (which `apply` keeps)."""

    path: Path
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class _Change:
    file: str
    start: int
    end: int
    text: str


def plan_counts(loaded: Loaded, counts: Mapping[str, int]) -> tuple[Edit, ...]:
    """The edits that give these groups these counts; nothing is written.

    A count is changed where it won (overlay before base), or inserted into the group when it is
    inherited. Raises NotFoundError for an unknown group, UsageError where no edit can do it.
    """
    mcis = _valid(loaded, counts)
    wanted = {group: count for group, count in counts.items() if mcis.groups[group].count != count}
    changes = [_change(loaded, group, count) for group, count in wanted.items()]
    texts = {
        file: _applied(loaded.texts[file], changes, file) for file in {change.file for change in changes}
    }
    if texts:
        _prove(loaded, mcis, texts, wanted)
    return tuple(
        Edit(loaded.paths[source.file], source.text, texts[source.file])
        for source in loaded.sources
        if source.file in texts
    )


def _valid(loaded: Loaded, counts: Mapping[str, int]) -> Mcis:
    if loaded.mcis is None:
        raise ManifestError(summary="the manifest has errors", diagnostics=loaded.diagnostics)
    for group, count in counts.items():
        if group not in loaded.mcis.groups:
            guess = nearest(group, loaded.mcis.groups)
            hint = f"did you mean {guess}?" if guess else f"groups: {listed(loaded.mcis.groups, group)}"
            raise NotFoundError(summary="no such group", detail=f"there is no group `{group}`.", hint=hint)
        if not 0 <= count <= HIGHEST:
            detail = f"`{group}` cannot have {count:,} VMs; a group has 0 to {HIGHEST:,}."
            raise UsageError(summary="count out of range", detail=detail)
    return loaded.mcis


def _change(loaded: Loaded, group: str, count: int) -> _Change:
    """Where the count won it is replaced; where no layer has one, the last with the group gets one."""
    ways = [(source, _way(source, group)) for source in reversed(loaded.sources)]
    written = [(source, way) for source, way in ways if len(way) == len(WAY)]
    grouped = [
        (s, way) for s, way in ways if s.file != SET_FILE and len(way) == len(WAY) - 1 and way[-1].node.is_map
    ]
    if not (written or grouped):
        _refuse(group, loaded.sources[-1].lines.span(0, 1), "the whole group comes from --set")
    source, way = (written or grouped)[0]
    _editable(source, group, way)
    return _replacement(source, way[-1], count) if written else _insertion(source, way[-1].node, count)


def _way(source: Source, group: str) -> list[Entry]:
    """The entries from the root to the group's count, as far as they exist."""
    way: list[Entry] = []
    node = source.root
    for step in WAY:
        entry = node.entry(group if step == "*" else step) if node is not None else None
        if entry is None:
            break
        way.append(entry)
        node = entry.node
    return way


def _editable(source: Source, group: str, way: Sequence[Entry]) -> None:
    """Refuse what is not written in the group itself: changing it there would change others too."""
    last = way[-1]
    if source.file == SET_FILE:
        _refuse(group, last.span, "it is set by --set")
    for entry in way:
        if entry.node.alias is not None:
            _refuse(group, entry.node.alias, "it comes through an alias")
        if entry.merged:
            _refuse(group, last.span, "it comes through a merge key")


def _refuse(group: str, span: Span, why: str) -> NoReturn:
    raise UsageError(
        summary="this count cannot be edited",
        detail=f"{span}: the count of `{group}` has no place of its own: {why}.",
        hint=f"change that line yourself, write `count:` into `{group}`, or scale with --no-write",
    )


def _replacement(source: Source, entry: Entry, count: int) -> _Change:
    span = entry.node.span
    lead = "" if span.end_index > span.index else " "  # `count:` with nothing after it
    return _Change(source.file, span.index, span.end_index, f"{lead}{count}")


def _insertion(source: Source, node: Node, count: int) -> _Change:
    """The count as the group's first field, in the way the group is written."""
    text, start = source.text, node.span.index
    if node.flow:
        after = text[start + 1 : start + 2]
        words = {" ": f" count: {count},", "\n": f"count: {count},", "\r": f"count: {count},"}
        inside = words.get(after, f"count: {count}, ") if node.value else f"count: {count}"
        return _Change(source.file, start + 1, start + 1, inside)
    first = BREAK.search(text)
    newline = first[0] if first else "\n"
    return _Change(source.file, start, start, f"count: {count}{newline}{' ' * (node.span.column - 1)}")


def _applied(text: str, changes: Sequence[_Change], file: str) -> str:
    """The text with its changes, last first, so that no position moves before its turn."""
    for change in sorted((c for c in changes if c.file == file), key=lambda c: -c.start):
        text = text[: change.start] + change.text + text[change.end :]
    return text


def _prove(loaded: Loaded, mcis: Mcis, texts: Mapping[str, str], counts: Mapping[str, int]) -> None:
    """The new texts mean the same MCIS but for the counts."""
    fresh = with_text(loaded, texts).mcis
    groups = {
        name: replace(group, count=counts.get(name, group.count)) for name, group in mcis.groups.items()
    }
    wanted = replace(mcis, groups=groups, spans=NOTHING)
    if fresh is None or replace(fresh, spans=NOTHING) != wanted:
        group = next(iter(counts))
        span = mcis.span(f"groups.{group}.count") or mcis.spans[""]
        _refuse(group, span, "something else depends on what is written there")


# ---------------------------------------------------------------- writing


def apply(edits: Sequence[Edit]) -> None:
    """Write the edits: each file in one step, with the mode it had.

    Raises OperationError when a file changed since it was read or cannot be written; then no file
    of which that is known beforehand has been touched.
    """
    marks = {edit.path: _unchanged(edit) for edit in edits}
    for edit in edits:
        try:
            _write(edit.path.resolve(), (marks[edit.path] + edit.after).encode("utf-8"))
        except OSError as exc:
            raise OperationError(
                summary="cannot write the manifest",
                detail=f"{edit.path}: {exc.strerror or exc}",
                hint="to leave the file alone: --no-write",
            ) from exc


def _unchanged(edit: Edit) -> str:
    """The file's byte order mark, once it is sure that the rest is what the edit was made for."""
    try:
        text = edit.path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        text = None
    if text is None or text.removeprefix(BOM) != edit.before:
        raise OperationError(
            summary="the manifest changed meanwhile",
            detail=f"{edit.path} is not what it was when this command read it.",
            hint="run the command again",
        )
    return BOM if text.startswith(BOM) else ""


def _write(path: Path, data: bytes) -> None:
    """Write beside the file and rename over it, so that nobody ever sees half of it."""
    stat = path.stat()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), stat.st_mode & 0o7777)
            if (stat.st_uid, stat.st_gid) != (os.geteuid(), os.getegid()) and os.geteuid() == 0:
                os.fchown(file.fileno(), stat.st_uid, stat.st_gid)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
