"""What the typed packages say of a resource's inputs, as plain data, and what is wrong with some.

A shape is read from the generated classes once and kept in a file: importing a typed package costs
seconds, and every run of the engine starts the plugins anew.
"""

from __future__ import annotations

import json
import os
import typing
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from mcis_iac.local_cloud.plugin.values import UNKNOWN
from mcis_iac.program.typed import shapes as typed

# {"root": name, "objects": {name: {"properties": {...}, "required": [...]}}, "outputs": [...]}
Shape = dict[str, Any]
PROVIDERS = typed.PROVIDERS
LONG = 40


class Shapes:
    """Shapes by token, from a folder that several processes may share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Shape | None] = {}

    def problems(self, token: str, value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """(path, what is wrong) of inputs; a token that the package does not have is one problem."""
        shape = self._of(token)
        if shape is None:
            yield "", f"there is no resource type {token}"
            return
        yield from _object(shape, shape["root"], value, "")

    def outputs(self, token: str) -> frozenset[str]:
        """The names of a resource's outputs."""
        shape = self._of(token)
        return frozenset(shape["outputs"]) if shape else frozenset()

    def _of(self, token: str) -> Shape | None:
        if token not in self._known:
            path = self._folder / (token.replace("/", "+").replace(":", "=") + ".json")
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                draft = path.with_name(f"{path.name}.{os.getpid()}")
                draft.write_text(json.dumps(_extract(token)), encoding="utf-8")
                draft.replace(path)
            self._known[token] = json.loads(path.read_text(encoding="utf-8"))
        return self._known[token]


# ---------------------------------------------------------------- from the classes


def _extract(token: str) -> Shape | None:
    found = typed.shape(token)
    if found is None:
        return None
    objects: dict[str, Any] = {}
    root = _define(found.args, objects)
    return {"root": root, "objects": objects, "outputs": sorted(found.outputs)}


def _define(kind: type, objects: dict[str, Any]) -> str:
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name not in objects:
        objects[name] = {}  # a type may contain itself
        hints = typed.inputs(kind)
        objects[name] = {
            "properties": {key: _shape(hint, objects) for key, hint in hints.items()},
            "required": sorted(typed.required(kind)),
        }
    return name


def _shape(hint: Any, objects: dict[str, Any]) -> Shape:
    """One annotation: any of several, a list, a map, an object, an enum or a plain type."""
    shapes = [_simple(each, objects) for each in typed.alternatives(hint)]
    return shapes[0] if len(shapes) == 1 else {"any": shapes}


def _simple(hint: Any, objects: dict[str, Any]) -> Shape:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is not None and issubclass(origin, Mapping):
        return {"map": _shape(inner[1], objects)}
    if origin is not None and issubclass(origin, Sequence):
        return {"list": _shape(inner[0], objects)}
    if typed.is_input(hint):
        return {"object": _define(hint, objects)}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    names = {str: "text", bool: "bool", int: "whole number", float: "number"}
    return {"plain": names[hint]} if hint in names else {}


# ---------------------------------------------------------------- judging values


def _problems(whole: Shape, shape: Shape, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value is UNKNOWN or value is None or not shape:
        return
    if "any" in shape:
        best = min((list(_problems(whole, one, value, path)) for one in _strictly(shape["any"])), key=len)
        yield from best
    elif "object" in shape:
        if isinstance(value, dict):
            yield from _object(whole, shape["object"], value, path)
        else:
            yield path, "must be an object"
    elif "list" in shape:
        yield from _list(whole, shape["list"], value, path)
    elif "map" in shape:
        yield from _map(whole, shape["map"], value, path)
    elif "enum" in shape:
        if value not in shape["enum"]:
            yield path, f"must be one of {', '.join(map(str, shape['enum']))}"
    elif not _is(shape["plain"], value):
        yield path, f"must be a {shape['plain']}, not {value!r}"


def _strictly(shapes: Sequence[Shape]) -> Sequence[Shape]:
    """Named values without the escape "or any text"; a long list of names is never complete, though."""
    named = [one for one in shapes if len(one.get("enum", ())) in range(1, LONG)]
    return named or shapes


def _object(whole: Shape, name: str, value: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    known = whole["objects"][name]
    for key, inner in value.items():
        below = f"{path}.{key}" if path else key
        if key in known["properties"]:
            yield from _problems(whole, known["properties"][key], inner, below)
        else:
            yield below, "there is no such property"
    for key in known["required"]:
        if value.get(key) is None:
            yield (f"{path}.{key}" if path else key), "is missing"


def _list(whole: Shape, shape: Shape, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, list):
        yield path, "must be a list"
        return
    for number, item in enumerate(value):
        yield from _problems(whole, shape, item, f"{path}[{number}]")


def _map(whole: Shape, shape: Shape, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield path, "must be a map"
        return
    for key, item in value.items():
        yield from _problems(whole, shape, item, f"{path}.{key}")


def _is(kind: str, value: Any) -> bool:
    """Whether a plain value has a type; a truth value is no number."""
    match kind:
        case "text":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case "whole number":
            return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool)
