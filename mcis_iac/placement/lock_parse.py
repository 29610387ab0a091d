"""From the nodes of a lock file to its values, with every problem at its place.

The file is written by a machine, but merged by people: conflicts and slips of the hand are the
normal case, and a lock that is misread replaces VMs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar, cast

from mcis_iac.model import Diagnostic, ImageChoice, Severity, Span
from mcis_iac.placement.lock_data import GroupLock, Lock, Made, Offer, Place, Price, Row

CODE = "MCIS249"
SUMMARY = "the lock file is not valid"
RESTORE = "restore the file from Git; it is written by mcis and need not be edited"

T = TypeVar("T")
_NULL = {"", "~", "null", "Null", "NULL"}
_INTEGER = re.compile(r"(0|[1-9][0-9]*)\Z")
_PRICE = re.compile(r"[0-9]+(\.[0-9]+)?\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


class _Bad(Exception):
    """The value under a node cannot be used; the diagnostic is already recorded."""


class Parser:
    """Reads composed YAML nodes; problems gather in `diagnostics`."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.diagnostics: list[Diagnostic] = []
        self._read: dict[int, Any] = {}  # by node: an alias stands for one that was read before

    def lock(self, root: Any) -> Lock:
        """The whole file; a broken part is left out and reported."""
        found = self._sometimes(root, self._fields, (*Lock.__slots__, "version")) or {}
        if root is not None and "version" not in found:
            self._report(root, "`version: 1` is missing")
        self._each(found, "version", self._version)
        parts: dict[str, Any] = {
            "tool": self._each(found, "tool", self._text),
            "inputs": self._each(found, "inputs", self._digest),
            "plugins": self._each(found, "plugins", self._texts),
            "me": self._each(found, "me", self._text),
            "keys": self._each(found, "keys", self._texts),
            "ranges": self._each(found, "ranges", lambda node: self._map(node, self._texts)),
            "places": self._each(found, "places", lambda node: self._map(node, self._places)),
            "groups": self._each(found, "groups", lambda node: self._map(node, self._group)),
            "plan": self._each(found, "plan", self._plain),
        }
        return Lock(**{name: value for name, value in parts.items() if value is not None})

    def _group(self, node: Any) -> GroupLock:
        found = self._fields(node, GroupLock.__slots__)
        rows = self._each(found, "members", lambda member: self._list(member, self._row)) or ()
        dropped: Mapping[int, str] = self._each(found, "dropped", self._dropped) or {}
        highest = self._each(found, "highest", self._whole)
        if highest is None:
            self._need(node, found, "highest")
            raise _Bad
        formerly = self._each(found, "formerly", lambda names: self._list(names, self._text)) or ()
        self._ordinals(node, highest, rows, dropped)
        return GroupLock(highest=highest, members=tuple(rows), dropped=dropped, formerly=formerly)

    def _ordinals(self, node: Any, highest: int, rows: tuple[Row, ...], dropped: Mapping[int, str]) -> None:
        used = [ordinal for row in rows for ordinal in row.ordinals] + list(dropped)
        for ordinal in sorted({ordinal for ordinal in used if used.count(ordinal) > 1}):
            self._report(node, f"ordinal {ordinal} is given twice")
        if used and max(used) > highest:
            self._report(node, f"ordinal {max(used)} is above `highest: {highest}`")

    def _row(self, node: Any) -> Row:
        names = ("ordinals", *Offer.__slots__)
        found = self._fields(node, names)
        self._need(node, found, "ordinals", "connection", "region", "zone", "type", "image")
        texts = {
            name: self._text(found[name]) for name in ("connection", "region", "type", "why") if name in found
        }
        return Row(
            ordinals=tuple(sorted(self._list(found["ordinals"], self._ordinal))),
            offer=Offer(
                **texts,
                zone=self._scalar(found["zone"]) or "",  # not every cloud has zones
                image=self._image(found["image"]),
                purchase=self._purchase(found["purchase"]) if "purchase" in found else "ondemand",
                hourly_usd=self._money(found.get("hourly_usd")),
                price=self._price(found["price"]) if "price" in found else None,
                made=self._made(found["made"]) if "made" in found else None,
            ),
        )

    def _image(self, node: Any) -> ImageChoice:
        found = self._fields(node, ImageChoice.__slots__)
        self._need(node, found, "alias")
        image_id = found.get("id")
        known = image_id is not None and self._scalar(image_id) is not None
        return ImageChoice(alias=self._text(found["alias"]), id=self._text(image_id) if known else None)

    def _places(self, node: Any) -> Mapping[str, Place]:
        return self._map(node, self._place)

    def _place(self, node: Any) -> Place:
        found = self._fields(node, Place.__slots__)
        self._need(node, found, "name", "id")
        return Place(name=self._text(found["name"]), id=self._text(found["id"]))

    def _price(self, node: Any) -> Price:
        found = self._fields(node, Price.__slots__)
        self._need(node, found, "as_of", "source")
        return Price(as_of=self._text(found["as_of"]), source=self._text(found["source"]))

    def _made(self, node: Any) -> Made:
        found = self._fields(node, Made.__slots__)
        self._need(node, found, *Made.__slots__)
        return Made(**{name: self._text(value) for name, value in found.items()})

    def _dropped(self, node: Any) -> Mapping[int, str]:
        return {self._ordinal(key): self._text(value) for key, value in self._pairs(node)}

    # ------------------------------------------------------------ scalars

    def _scalar(self, node: Any) -> str | None:
        if node.id != "scalar":
            self._fail(node, "a single value is expected here")
        plain = node.style is None or node.style == ""
        return None if plain and node.value in _NULL else cast(str, node.value)

    def _text(self, node: Any) -> str:
        text = self._scalar(node)
        return text if text else self._fail(node, "text is expected here")

    def _whole(self, node: Any) -> int:
        text = self._scalar(node)
        if text is None or not _INTEGER.match(text):
            self._fail(node, "a whole number is expected here")
        return int(cast(str, text))

    def _ordinal(self, node: Any) -> int:
        return self._whole(node) or self._fail(node, "ordinals count from 1")

    def _version(self, node: Any) -> int:
        return 1 if self._whole(node) == 1 else self._fail(node, "this mcis reads version 1")

    def _digest(self, node: Any) -> str:
        text = self._text(node)
        return text if _DIGEST.match(text) else self._fail(node, "`sha256:` and 64 hex digits are expected")

    def _money(self, node: Any | None) -> Decimal | None:
        text = None if node is None else self._scalar(node)
        if text is not None and not _PRICE.match(text):
            self._fail(node, "USD per hour as a decimal, or null, is expected")
        return None if text is None else Decimal(text)

    def _purchase(self, node: Any) -> Any:
        text = self._text(node)
        return text if text in {"ondemand", "spot"} else self._fail(node, "ondemand or spot is expected")

    # ------------------------------------------------------------ collections

    def _pairs(self, node: Any) -> list[tuple[Any, Any]]:
        if node.id == "scalar" and self._scalar(node) is None:
            return []
        if node.id != "mapping":
            self._fail(node, "a map is expected here")
        seen: set[str] = set()
        for key, _ in node.value:
            name = self._text(key)
            if name in seen:
                self._report(key, f"`{name}` is written twice")
            seen.add(name)
        return cast("list[tuple[Any, Any]]", node.value)

    def _fields(self, node: Any, allowed: tuple[str, ...]) -> dict[str, Any]:
        found = {key.value: value for key, value in self._pairs(node)}
        for key, _ in self._pairs(node):
            if key.value not in allowed:
                self._report(key, f"`{key.value}` is not a field of a lock file")
        return found

    def _map(self, node: Any, read: Callable[[Any], T]) -> Mapping[str, T]:
        pairs = ((key.value, self._sometimes(value, read)) for key, value in self._pairs(node))
        return {name: value for name, value in pairs if value is not None}

    def _texts(self, node: Any) -> Mapping[str, str]:
        return self._map(node, self._text)

    def _list(self, node: Any, read: Callable[[Any], T]) -> tuple[T, ...]:
        if node.id != "sequence":
            self._fail(node, "a list is expected here")
        items = (self._sometimes(item, read) for item in node.value)
        return tuple(item for item in items if item is not None)

    def _plain(self, node: Any) -> Any:
        if id(node) not in self._read:
            self._read[id(node)] = _Bad  # until it is read, the node can only be met inside itself
            self._read[id(node)] = self._content(node)
        elif self._read[id(node)] is _Bad:
            self._fail(node, "this value contains itself")
        return self._read[id(node)]

    def _content(self, node: Any) -> Any:
        if node.id == "mapping":
            return {key.value: self._plain(value) for key, value in self._pairs(node)}
        if node.id == "sequence":
            return [self._plain(item) for item in node.value]
        text = self._scalar(node)
        plain = node.style is None or node.style == ""
        return int(text) if text is not None and plain and _INTEGER.match(text) else text

    # ------------------------------------------------------------ problems

    def _each(self, found: Mapping[str, Any], name: str, read: Callable[[Any], T]) -> T | None:
        return self._sometimes(found[name], read) if name in found else None

    def _sometimes(self, node: Any, read: Callable[..., T], *more: Any) -> T | None:
        """The value, or None when it is broken (and reported): the rest is still looked at."""
        if node is None:
            return None
        try:
            return read(node, *more)
        except _Bad:
            return None

    def _need(self, node: Any, found: Mapping[str, Any], *names: str) -> None:
        missing = [name for name in names if name not in found]
        if missing:
            self._fail(node, f"`{missing[0]}` is missing")

    def _fail(self, node: Any, detail: str) -> Any:
        self._report(node, detail)
        raise _Bad

    def _report(self, node: Any, detail: str) -> None:
        span = span_of(self.file, node.start_mark, node.end_mark)
        diagnostic = problem(span, detail)
        if diagnostic not in self.diagnostics:
            self.diagnostics.append(diagnostic)


def span_of(file: str, start: Any, end: Any) -> Span:
    """A stretch of the file from the marks of the YAML library, which count from 0."""
    return Span(
        file=file,
        line=start.line + 1,
        column=start.column + 1,
        index=start.index,
        end_line=end.line + 1,
        end_column=end.column + 1,
        end_index=end.index,
    )


def problem(span: Span | None, detail: str, hint: str = RESTORE) -> Diagnostic:
    """One problem of a lock file."""
    return Diagnostic(
        code=CODE, severity=Severity.ERROR, summary=SUMMARY, detail=detail, hint=hint, span=span
    )
