"""What an input may look like: the checks, the equality and the schema of one property's type.

A shape lists what is wrong with a value as (path, reason), path being "" for the value itself. It
also gives values a normal form, so that what means the same (a list in another order, a default
written out) is no change. UNKNOWN passes every check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mcis_iac.local_cloud.plugin.values import UNKNOWN, Plain

Problem = tuple[str, str]


class Shape(Protocol):
    def problems(self, value: Plain) -> Iterator[Problem]: ...
    def normal(self, value: Plain) -> Any: ...
    def schema(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A string that is not empty; `refuse` names what else is wrong with it, or says "".

    `tidy` takes away what has no meaning, as the cloud does.
    """

    refuse: Callable[[str], str] | None = None
    tidy: Callable[[str], str] = str

    def problems(self, value: Plain) -> Iterator[Problem]:
        if value is UNKNOWN:
            return
        if not isinstance(value, str):
            yield "", f"must be a string, not {kind_of(value)}"
        elif not value:
            yield "", "must not be empty"
        elif self.refuse and (reason := self.refuse(value)):
            yield "", reason

    def normal(self, value: Plain) -> Any:
        return self.tidy(value) if isinstance(value, str) else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer between two bounds."""

    least: int
    most: int

    def problems(self, value: Plain) -> Iterator[Problem]:
        if value is UNKNOWN:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            yield "", f"must be a whole number, not {kind_of(value)}"
        elif not self.least <= value <= self.most:
            yield "", f"must be between {self.least} and {self.most}, not {value}"

    def normal(self, value: Plain) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer"}


@dataclass(frozen=True, slots=True)
class Flag:
    def problems(self, value: Plain) -> Iterator[Problem]:
        if value is not UNKNOWN and not isinstance(value, bool):
            yield "", f"must be true or false, not {kind_of(value)}"

    def normal(self, value: Plain) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Tags:
    """A map of strings; the empty string is a fine value of a tag."""

    def problems(self, value: Plain) -> Iterator[Problem]:
        if value is UNKNOWN:
            return
        if not isinstance(value, dict):
            yield "", f"must be a map of strings, not {kind_of(value)}"
            return
        for key, item in value.items():
            if item is not UNKNOWN and not isinstance(item, str):
                yield f'["{key}"]', f"must be a string, not {kind_of(item)}"

    def normal(self, value: Plain) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": "string"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One property. `default` is what leaving it out means; `chosen` = the cloud decides then, and
    the output of the same name tells what it decided. `replaces` = a change needs a new resource."""

    shape: Shape
    required: bool = False
    replaces: bool = False
    chosen: bool = False
    default: Plain = None


@dataclass(frozen=True, slots=True)
class Record:
    """A map with known keys. `whole` finds what is wrong between the keys, once each is right."""

    fields: Mapping[str, Field]
    whole: Callable[[Mapping[str, Plain]], Iterable[Problem]] | None = None

    def problems(self, value: Plain) -> Iterator[Problem]:
        if value is UNKNOWN:
            return
        if not isinstance(value, dict):
            yield "", f"must be a map, not {kind_of(value)}"
            return
        found = list(self._of_keys(value))
        yield from found
        if self.whole and not found:
            yield from self.whole(value)

    def _of_keys(self, value: Mapping[str, Plain]) -> Iterator[Problem]:
        for key in sorted(value):  # a message has its keys in no order
            if key not in self.fields:
                yield key, f"is not known here; known are {', '.join(self.fields)}"
        for key, wanted in self.fields.items():
            item = value.get(key)
            if item is not None:
                yield from ((join(key, path), reason) for path, reason in wanted.shape.problems(item))
            elif wanted.required:
                yield key, "is required"

    def normal(self, value: Plain) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: normal(wanted, value.get(key)) for key, wanted in self.fields.items()}

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}}


@dataclass(frozen=True, slots=True)
class Several:
    """A list whose order means nothing."""

    of: Shape
    unique: str = field(default="", kw_only=True)

    def problems(self, value: Plain) -> Iterator[Problem]:
        if value is UNKNOWN:
            return
        if not isinstance(value, list):
            yield "", f"must be a list, not {kind_of(value)}"
            return
        for position, item in enumerate(value):
            for path, reason in self.of.problems(item):
                yield join(f"[{position}]", path), reason
        yield from self._twice(value)

    def _twice(self, value: list[Plain]) -> Iterator[Problem]:
        seen: list[Plain] = []
        for position, item in enumerate(value):
            name = item.get(self.unique) if isinstance(item, dict) else item
            if name is not UNKNOWN and name in seen and (self.unique or not isinstance(item, dict)):
                yield join(f"[{position}]", self.unique), f"{name!r} is there already"
            seen.append(name)

    def normal(self, value: Plain) -> Any:
        if not isinstance(value, list):
            return value
        return sorted((self.of.normal(item) for item in value), key=repr)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.of.schema()}


def normal(wanted: Field, value: Plain) -> Any:
    """The normal form of a property's value; what is left out counts as its default."""
    return wanted.shape.normal(wanted.default if value is None else value)


def join(head: str, tail: str) -> str:
    """Two parts of a property path."""
    return head + tail if not tail or tail.startswith("[") else f"{head}.{tail}"


def kind_of(value: Plain) -> str:
    """What a person calls the type of a value."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names.get(type(value), "a map")
