"""Merging: an overlay over a manifest, `--set` over both, defaults under a group.

Maps merge, lists and scalars replace, `null` removes. Every value keeps the place it was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from mcis_iac.manifest import scalars
from mcis_iac.manifest.diagnostics import problem
from mcis_iac.manifest.nodes import Entry, Lines, Node
from mcis_iac.manifest.source import UNPRINTABLE, Source, parse
from mcis_iac.model import Diagnostic

SET_FILE = "--set"
LONGEST_PATH = 20

# Fields that say one thing in two ways: whoever merges one over the other means the latter.
EXCLUSIVE: tuple[tuple[tuple[str, ...], frozenset[str]], ...] = (
    (("groups", "*", "placement"), frozenset({"cloud", "connection"})),
    (("defaults", "placement"), frozenset({"cloud", "connection"})),
    (("keys", "*"), frozenset({"public_key", "public_key_file"})),
    (("images", "*", "local"), frozenset({"host", "dir"})),
)


def merge(base: Node, over: Node, path: tuple[str, ...] = (), *, home: str = "base") -> Node:
    """`over` laid over `base`; `path` says where in the manifest both are.

    A map that both write lies, as a whole, where the one called `home` ("base" or "over") has it.
    """
    if not (base.is_map and over.is_map):
        return without_nulls(over)
    merged = {entry.key: entry for entry in base.entries() if entry.key not in _replaced(path, over)}
    for entry in over.entries():
        below = merged.get(entry.key)
        if entry.node.value is None:
            merged.pop(entry.key, None)
        elif below is None:
            merged[entry.key] = replace(entry, node=without_nulls(entry.node))
        else:
            node = merge(below.node, entry.node, (*path, entry.key), home=home)
            shared = home == "base" and node.is_map and below.node.is_map
            merged[entry.key] = replace(
                below if shared else entry, node=node, again=entry.again or below.again
            )
    return replace(base if home == "base" else over, value=MappingProxyType(merged))


def without_nulls(node: Node) -> Node:
    """A map of an overlay standing alone: what it removes is not there."""
    if not node.is_map:
        return node
    kept = {
        entry.key: replace(entry, node=without_nulls(entry.node))
        for entry in node.entries()
        if entry.node.value is not None
    }
    return replace(node, value=MappingProxyType(kept))


def _replaced(path: tuple[str, ...], over: Node) -> frozenset[str]:
    """Keys of the base that give way because the overlay says the same thing in another way."""
    for pattern, names in EXCLUSIVE:
        if len(pattern) == len(path) and all(a in {"*", b} for a, b in zip(pattern, path, strict=True)):
            said = {
                entry.key for entry in over.entries() if entry.key in names and entry.node.value is not None
            }
            return names - said if said else frozenset()
    return frozenset()


# ---------------------------------------------------------------- --set


@dataclass(frozen=True, slots=True)
class _Setting:
    keys: tuple[tuple[str, int, int], ...]
    node: Node


def parse_sets(sets: Sequence[str]) -> Source:
    """All `--set PATH=VALUE` as one overlay; the n-th of them is line n of the file `--set`."""
    text = "\n".join(one.replace("\r", " ").replace("\n", " ") for one in sets)
    lines = Lines.of(text, SET_FILE)
    diagnostics: list[Diagnostic] = []
    root = Node(MappingProxyType({}), lines.span(0, len(text)))
    offset = 0
    for one in text.split("\n") if sets else ():
        setting, found = _setting(one, lines, offset)
        diagnostics += found
        if setting is not None:
            root = _put(root, setting, lines)
        offset += len(one) + 1
    return Source(
        file=SET_FILE,
        text=text,
        root=None if diagnostics else root,
        diagnostics=tuple(diagnostics),
        lines=lines,
    )


def _setting(one: str, lines: Lines, offset: int) -> tuple[_Setting | None, tuple[Diagnostic, ...]]:
    path, equals, value = one.partition("=")
    keys, at = [], offset
    for key in path.split("."):
        keys.append((key, at, at + len(key)))
        at += len(key) + 1
    whole = lines.span(offset, offset + max(len(one), 1))
    if not equals or not all(key for key, _, _ in keys) or len(keys) > LONGEST_PATH:
        return None, (
            problem("MCIS118", whole, "expected PATH=VALUE", hint="for instance groups.web.count=5"),
        )
    start = at
    if value.lstrip()[:1] in {"[", "{", '"', "'"}:
        source = parse(value, SET_FILE, lines=lines, offset=start)
        if source.root is None or source.diagnostics:
            return None, source.diagnostics
        return _Setting(tuple(keys), source.root), ()
    node, found = _scalar(value, lines, start)
    return (_Setting(tuple(keys), node), ()) if node is not None else (None, found)


def _scalar(value: str, lines: Lines, start: int) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """Text that is not in quotes or brackets is one plain scalar, whatever characters it has."""
    if (bad := UNPRINTABLE.search(value)) is not None:
        span = lines.span(start + bad.start(), start + bad.end())
        return None, (problem("MCIS107", span, f"control character U+{ord(bad[0]):04X}"),)
    bare = value.strip(" ")
    lead = len(value) - len(value.lstrip(" "))
    return Node(scalars.resolve(bare), lines.span(start + lead, start + lead + len(bare))), ()


def _put(root: Node, setting: _Setting, lines: Lines) -> Node:
    """The overlay with one more value; a later one for the same place wins."""

    def put(node: Node, keys: tuple[tuple[str, int, int], ...]) -> Node:
        if not keys:
            return setting.node
        (key, start, end), *rest = keys
        span = lines.span(start, end)
        known = {entry.key: entry for entry in node.entries()}
        inner = known[key].node if key in known else Node(MappingProxyType({}), span)
        known[key] = Entry(key, span, put(inner, tuple(rest)))
        return Node(MappingProxyType(known), node.span)

    return put(root, setting.keys)
