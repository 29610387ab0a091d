"""YAML text -> a tree with positions, or diagnostics; never an exception, whatever the text.

The C parser delivers events, the tree is built here: PyYAML's own composer follows YAML 1.1 types,
forgets duplicate keys and recurses without a limit. Work is bounded by the limits below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeAlias

import yaml

from mcis_iac.manifest import scalars
from mcis_iac.manifest.diagnostics import problem
from mcis_iac.manifest.nodes import UNREADABLE, Entry, Lines, Node, locate, plain
from mcis_iac.model import Diagnostic, Related, Span

__all__ = ["MAX_BYTES", "Entry", "Node", "Source", "decode", "locate", "parse", "plain"]

MAX_BYTES = 1 << 20
MAX_NODES = 100_000
MAX_DEPTH = 100

# What YAML calls printable; anything else ends in one diagnostic instead of a parser's guess.
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+")
CONTEXTS = {
    "while parsing a flow mapping": "in the map that opens here",
    "while parsing a flow sequence": "in the list that opens here",
    "while parsing a block mapping": "in the map that starts here",
    "while parsing a block collection": "in the list that starts here",
    "while scanning a quoted scalar": "in the text that opens here",
    "while scanning a simple key": "in the key that starts here",
}
COLLECTION_TAGS = {scalars.TAG + "map", scalars.TAG + "seq", "!"}

Event: TypeAlias = Any  # yaml's events; their attributes depend on the kind, the stubs know few
LOADER = getattr(yaml, "CLoader", yaml.Loader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A parsed text. `root` is None when it could not be read; `diagnostics` says why.

    Where single values could not be read, they are UNREADABLE in the tree.
    """

    file: str
    text: str
    root: Node | None
    diagnostics: tuple[Diagnostic, ...] = ()
    lines: Lines


def decode(data: bytes, file: str) -> tuple[str, Diagnostic | None]:
    """The text of a file's bytes, without a byte order mark, or what is wrong with them."""
    if len(data) > MAX_BYTES:
        span = Lines(file).span(0, 0)
        return "", problem("MCIS110", span, f"more than {MAX_BYTES >> 20} MiB of text")
    try:
        return data.decode("utf-8").removeprefix("\ufeff"), None
    except UnicodeDecodeError as exc:
        text = data[: exc.start].decode("utf-8") + "\ufffd" + data[exc.end :].decode("utf-8", "replace")
        text = text.removeprefix("\ufeff")
        start = len(data[: exc.start].decode("utf-8").removeprefix("\ufeff"))
        span = Lines.of(text, file).span(start, start + 1)
        return text, problem("MCIS107", span, "this is not UTF-8", hint="save the file as UTF-8")


def parse(text: str, file: str, *, lines: Lines | None = None, offset: int = 0) -> Source:
    """Read one YAML document.

    `lines` and `offset` place the text inside a larger one. Duplicate keys and unreadable values are
    reported but do not hinder; any other problem leaves `root` None.
    """
    lines = lines or Lines.of(text, file)
    if (bad := UNPRINTABLE.search(text)) is not None:
        span = lines.span(offset + bad.start(), offset + bad.end())
        found = problem("MCIS107", span, f"control character U+{ord(bad[0]):04X}")
        return Source(file=file, text=text, root=None, diagnostics=(found,), lines=lines)
    reader = _Reader(text, lines, offset)
    root = reader.read()
    return Source(
        file=file,
        text=text,
        root=None if reader.broken else root,
        diagnostics=tuple(reader.diagnostics),
        lines=lines,
    )


class _Stop(Exception):
    """Reading ends here; what is wrong has been noted."""


@dataclass(frozen=True, slots=True)
class _Anchor:
    node: Node
    size: int
    height: int


class _Reader:
    """Builds the tree of one text from parser events."""

    def __init__(self, text: str, lines: Lines, offset: int) -> None:
        self.text = text
        self.lines = lines
        self.offset = offset
        self.diagnostics: list[Diagnostic] = []
        self.broken = False
        self.anchors: dict[str, _Anchor | None] = {}  # None while the anchored thing is still open
        self.size = 0
        self.events: Iterator[Event] = iter(())

    # -- the document

    def read(self) -> Node | None:
        self.events = yaml.parse(self.text, Loader=LOADER)
        try:
            return self._document()
        except _Stop:
            return None
        except yaml.YAMLError as exc:
            self._syntax(exc)
            return None

    def _document(self) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self._second(event)
                root, _ = self._node(next(self.events), 0)
        return root or Node({}, self._span(0, 0))

    def _second(self, event: Event) -> None:
        place = (event.start_mark.index, event.end_mark.index)
        self._stop("MCIS108", *place, "a second document starts here")

    def _syntax(self, exc: yaml.YAMLError) -> None:
        mark: Any = getattr(exc, "problem_mark", None)
        start = min(mark.index, len(self.text)) if mark is not None else 0
        what = getattr(exc, "problem", None) or str(exc).partition("\n")[0]
        context = getattr(exc, "context", None)
        note: Any = getattr(exc, "context_mark", None)
        related = []
        if context and note is not None and note.index < start:
            related.append(
                Related(span=self._span(note.index, note.index + 1), label=CONTEXTS.get(context, context))
            )
        hint = "indent with spaces" if self.text[start : start + 1] == "\t" else ""
        self._fail("MCIS106", start, start + 1, f"{what}", related=related, hint=hint)

    # -- problems

    def _span(self, start: int, end: int) -> Span:
        end = min(end, len(self.text))
        return self.lines.span(self.offset + min(start, end), self.offset + end)

    def _fail(
        self,
        code: str,
        start: int,
        end: int,
        detail: str,
        *,
        hint: str = "",
        related: list[Related] | None = None,
    ) -> None:
        self.broken = True
        span = self._span(start, end)
        self.diagnostics.append(problem(code, span, detail, hint=hint, related=related or ()))

    def _unreadable(self, code: str, event: Event, detail: str) -> Node:
        """A value that cannot be read; what is around it can."""
        span = self._span(event.start_mark.index, event.end_mark.index)
        self.diagnostics.append(problem(code, span, detail))
        return Node(UNREADABLE, span)

    def _stop(self, code: str, start: int, end: int, detail: str) -> None:
        self._fail(code, start, end, detail)
        raise _Stop

    def _grow(self, event: Event, nodes: int, depth: int) -> None:
        self.size += nodes
        place = (event.start_mark.index, event.start_mark.index + 1)
        if depth > MAX_DEPTH:
            self._stop("MCIS110", *place, f"nested deeper than {MAX_DEPTH} levels")
        if self.size > MAX_NODES:
            self._stop("MCIS110", *place, f"more than {MAX_NODES:,} values, aliases expanded")

    # -- nodes; each returns the node and how many levels are below it

    def _node(self, event: Event, depth: int) -> tuple[Node, int]:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        before, anchor = self.size, event.anchor
        self._grow(event, 1, depth)
        if anchor is not None:
            self.anchors[anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node, height = self._scalar(event), 0
        elif isinstance(event, yaml.SequenceStartEvent):
            node, height = self._list(event, depth)
        else:
            node, height = self._map(event, depth)
        if anchor is not None:
            self.anchors[anchor] = _Anchor(node, self.size - before, height)
        return node, height

    def _alias(self, event: Event, depth: int) -> tuple[Node, int]:
        start, end = event.start_mark.index, event.end_mark.index
        span = self._span(start, end)
        found = self.anchors.get(event.anchor)
        if found is None:
            inside = event.anchor in self.anchors
            what = "repeats what it stands in" if inside else f"no `&{event.anchor}` before it"
            return self._unreadable("MCIS109", event, what), 0
        self._grow(event, found.size, depth + found.height)
        return replace(found.node, alias=span), found.height

    def _scalar(self, event: Event) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        if event.anchor is not None or event.tag is not None:  # they are part of the mark, not the value
            properties = PROPERTIES.match(self.text, start, end)
            start = properties.end() if properties else start
        if event.implicit[0] and event.tag is None:
            return Node(scalars.resolve(event.value), self._span(start, end))
        if event.tag is None:
            return Node(event.value, self._span(start, end))
        try:
            return Node(scalars.tagged(event.value, event.tag), self._span(start, end))
        except ValueError:
            return self._unreadable("MCIS111", event, _tag_words(event.tag))

    def _open(self, event: Event) -> int:
        """Check a collection's tag; where its content starts, after anchor and tag."""
        start, end = int(event.start_mark.index), int(event.end_mark.index)
        if event.tag is not None and event.tag not in COLLECTION_TAGS:
            self._fail("MCIS111", start, end, _tag_words(event.tag))
        return end - 1 if event.flow_style else end

    def _list(self, event: Event, depth: int) -> tuple[Node, int]:
        start, items, height = self._open(event), [], 0
        for inner in self.events:
            if isinstance(inner, yaml.SequenceEndEvent):
                break
            item, below = self._node(inner, depth + 1)
            items.append(item)
            height = max(height, below + 1)
        if not event.flow_style and items and items[0].alias is None:
            start = items[0].span.index - self.offset
        return self._collection(tuple(items), event, start, inner), height

    def _map(self, event: Event, depth: int) -> tuple[Node, int]:
        start, height, first = self._open(event), 0, True
        own: dict[str, list[Entry]] = {}
        merges: list[tuple[Span, Node]] = []
        for inner in self.events:
            if isinstance(inner, yaml.MappingEndEvent):
                break
            if first and not event.flow_style:
                start, first = inner.start_mark.index, False
            plain_key = isinstance(inner, yaml.ScalarEvent) and inner.implicit[0]
            key, key_span = self._key(inner, depth)
            value, below = self._node(next(self.events), depth + 1)
            height = max(height, below + 1)
            if key == "<<" and plain_key:
                merges.append((key_span, value))
            elif key is not None:
                self._add(own, Entry(key, key_span, value))
        node = self._collection(MappingProxyType(self._merged(own, merges)), event, start, inner)
        return node, height

    def _collection(
        self, value: tuple[Node, ...] | Mapping[str, Entry], event: Event, start: int, close: Event
    ) -> Node:
        end = close.end_mark.index
        if not event.flow_style:  # the mark of a block's end is where the next thing starts
            end = start + len(self.text[start:end].rstrip())
        return Node(value, self._span(start, end), flow=bool(event.flow_style))

    def _key(self, event: Event, depth: int) -> tuple[str | None, Span]:
        node, _ = self._node(event, depth + 1)
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.ScalarEvent):
            return event.value, node.span
        if isinstance(node.value, str):
            return node.value, self._span(start, end)
        self._fail("MCIS116", start, max(end, start + 1), "a list or a map cannot be a key")
        return None, node.span

    def _add(self, own: dict[str, list[Entry]], entry: Entry) -> None:
        bodies = own.setdefault(entry.key, [])
        bodies.append(entry)
        if len(bodies) == 1:
            return
        first = bodies[0]
        self.diagnostics.append(
            problem(
                "MCIS104",
                entry.key_span,
                "defined again; YAML would silently keep only this one",
                hint="rename one of them, or merge them",
                related=(Related(span=first.key_span, label="first defined here"),),
            )
        )

    def _merged(self, own: dict[str, list[Entry]], merges: list[tuple[Span, Node]]) -> dict[str, Entry]:
        """The map with what its merge keys bring; own keys win, then the earlier map."""
        whole = {key: replace(one, again=tuple(more)) if more else one for key, (one, *more) in own.items()}
        for span, value in merges:
            for source in value.items() or (value,):
                if source.value is UNREADABLE:  # nobody knows which fields it would have brought
                    self.broken = True
                elif not source.is_map:
                    self._fail(
                        "MCIS112",
                        span.index - self.offset,
                        span.end_index - self.offset,
                        "takes a map or maps",
                    )
                for entry in source.entries():
                    whole.setdefault(entry.key, replace(entry, merged=True, again=()))
        return whole


def _tag_words(tag: str) -> str:
    return f"`{tag.replace(scalars.TAG, '!!')}` does not fit here"
