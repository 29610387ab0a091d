"""The tree a YAML text becomes: plain values, every one with its place in the text.

A tree is what overlays merge and checks walk. Maps hold entries, because a key has a place of its
own; lists are tuples. Nodes brought by an alias remember where the alias stands.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeAlias

from mcis_iac.model import Span

Path: TypeAlias = "tuple[str | int, ...]"
# The value of a scalar that could not be read and has been reported: nobody knows what it would be.
UNREADABLE = object()
MAPS = (MappingProxyType, dict)  # the abstract Mapping takes ten times as long to ask for
BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a map.

    `merged` = it came through a merge key (`<<`). `again` holds later entries with the same key,
    which YAML would silently prefer; each is checked as if it were the only one.
    """

    key: str
    key_span: Span
    node: Node
    merged: bool = False
    again: tuple[Entry, ...] = ()

    @property
    def span(self) -> Span:
        """What to point at: a scalar by itself, anything larger (or empty) by its key."""
        return self.node.span if self.node.visible else self.key_span


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a list (tuple of nodes) or a map (key -> entry).

    `span` of a block collection starts at its first item. `flow` = written with brackets.
    `alias` is the place of the alias that brought the node here.
    """

    value: Any
    span: Span
    flow: bool = False
    alias: Span | None = None

    @property
    def is_map(self) -> bool:
        """It has keys."""
        return isinstance(self.value, MAPS)

    @property
    def is_list(self) -> bool:
        """It has items."""
        return isinstance(self.value, tuple)

    @property
    def visible(self) -> bool:
        """A scalar with text of its own, so that a caret can point at it."""
        return not (self.is_map or self.is_list) and self.span.end_index > self.span.index

    def entries(self) -> Iterator[Entry]:
        """The entries of a map; nothing for anything else, so that checks need not ask first."""
        if isinstance(self.value, MAPS):
            yield from self.value.values()

    def items(self) -> tuple[Node, ...]:
        """The items of a list; nothing for anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    def entry(self, *keys: str) -> Entry | None:
        """The entry at the end of that way through maps, if there is one."""
        node, found = self, None
        for key in keys:
            found = node.value.get(key) if isinstance(node.value, MAPS) else None
            if found is None:
                return None
            node = found.node
        return found

    def get(self, *keys: str) -> Node | None:
        """The value at the end of that way through maps, if there is one."""
        found = self.entry(*keys)
        return found.node if found else None

    def text(self, *keys: str) -> str | None:
        """The same where it is text."""
        node = self.get(*keys) if keys else self
        return node.value if node is not None and isinstance(node.value, str) else None


def plain(node: Node) -> Any:
    """The bare values: dicts, lists and scalars. Shared nodes become shared objects."""
    seen: dict[int, Any] = {}

    def bare(node: Node) -> Any:
        value = node.value
        if isinstance(value, MAPS):
            if id(value) not in seen:
                seen[id(value)] = {key: bare(entry.node) for key, entry in value.items()}
            return seen[id(value)]
        if isinstance(value, tuple):
            if id(value) not in seen:
                seen[id(value)] = [bare(item) for item in value]
            return seen[id(value)]
        return value

    return bare(node)


def locate(root: Node, path: Sequence[str | int]) -> tuple[Span, Node]:
    """Where to point for the value at `path`, and that value. KeyError when nothing is there."""
    span, node = root.span, root
    for step in path:
        if isinstance(step, int):
            if step >= len(node.items()):
                raise KeyError(step)
            node = node.items()[step]
            span = node.span
        else:
            entry = node.entry(step)
            if entry is None:
                raise KeyError(step)
            span, node = entry.span, entry.node
    return span, node


def variants(root: Node, limit: int = 8) -> Iterator[Node]:
    """The tree once for each body of its most repeated key (once when no key repeats).

    The k-th variant takes the k-th body of every repeated key, so that all bodies get checked.
    """
    yield root
    for index in range(1, min(_repeats(root, {}), limit)):
        yield _variant(root, index)


def _repeats(node: Node, seen: dict[int, int]) -> int:
    if id(node.value) not in seen:
        seen[id(node.value)] = 1
        inside = [_repeats(item, seen) for item in node.items()]
        for entry in node.entries():
            bodies = (entry, *entry.again)
            inside += [len(bodies), *(_repeats(body.node, seen) for body in bodies)]
        seen[id(node.value)] = max(inside, default=1)
    return seen[id(node.value)]


def _variant(node: Node, index: int) -> Node:
    if node.is_list:
        return replace(node, value=tuple(_variant(item, index) for item in node.items()))
    if not node.is_map:
        return node
    chosen = {}
    for entry in node.entries():
        bodies = (entry, *entry.again)
        body = bodies[min(index, len(bodies) - 1)]
        chosen[entry.key] = replace(body, node=_variant(body.node, index), again=())
    return replace(node, value=chosen)


@dataclass(frozen=True, slots=True)
class Lines:
    """Turns character indexes of a text into spans. Only \\n, \\r\\n and \\r end a line, as in editors."""

    file: str
    starts: tuple[int, ...] = field(default=(0,))

    @classmethod
    def of(cls, text: str, file: str) -> Lines:
        """The table of that text."""
        return cls(file, (0, *(match.end() for match in BREAK.finditer(text))))

    def place(self, index: int) -> tuple[int, int]:
        """Line and column of a character, from 1."""
        line = bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """The stretch from `start` up to, not including, `end`."""
        line, column = self.place(start)
        end_line, end_column = self.place(end)
        return Span(
            file=self.file,
            line=line,
            column=column,
            index=start,
            end_line=end_line,
            end_column=end_column,
            end_index=end,
        )
