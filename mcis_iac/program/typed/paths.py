"""Ways into outputs and inputs: `networkInterfaces.0.networkIp`, `tags["a"]`."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mcis_iac.program.typed import shapes

_STEP = re.compile(r"""\[(?:"((?:[^"\\]|\\.)*)"|(\d+|\*))\]|([^.\[\]]+)""")


def steps(path: str) -> list[str]:
    """The steps of a property path as Pulumi writes them."""
    return [quoted or index or name for quoted, index, name in _STEP.findall(path)]


def leads(known: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Whether the steps lead somewhere, beginning among those properties."""
    if not path:
        return True
    return path[0] in known and _walk(known[path[0]], path[1:])


def _walk(annotation: Any, path: Sequence[str]) -> bool:
    return not path or any(_into(choice, path) for choice in shapes.alternatives(annotation))


def _into(choice: Any, path: Sequence[str]) -> bool:
    if choice is Any:
        return True
    nested = shapes.fields(choice)
    if nested is not None:
        return leads(nested, path)
    return any(_walk(inner, path[1:]) for inner in _elements(choice, path[0]))


def _elements(choice: Any, step: str) -> Iterator[Any]:
    origin, parts = typing.get_origin(choice) or choice, typing.get_args(choice)
    if not isinstance(origin, type) or origin is str:
        return
    if issubclass(origin, Mapping):
        yield parts[1] if parts else Any
    elif issubclass(origin, Sequence) and (step.isdigit() or step == "*"):
        yield parts[0] if parts else Any
