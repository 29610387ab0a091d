"""One value against one annotation of a typed package. Yields where it does not fit and why.

Stricter than the packages in one thing: where they list the values of a text, any other text passes
there but not here. `words.json` has the lists they lack, and the lists of theirs that are too short.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Any

from mcis_iac.program.graph import Join, Ref, Secret, Value
from mcis_iac.program.typed import shapes

ANY: tuple[str, ...] = ("*",)
SHOWN = 8
NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where in the inputs (dotted; list positions are numbers) and what is wrong there."""

    path: str
    problem: str


class Words:
    """The values a text may have, by token and path without list positions."""

    def __init__(self, token: str) -> None:
        self.known = _words().get(token, {})

    def at(self, path: str) -> tuple[str, ...] | None:
        """The list of ours for that input; `ANY` when every text is fine."""
        return self.known.get(".".join(part for part in path.split(".") if not part.isdigit()))


@cache
def _words() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    data = json.loads((files(__package__) / "words.json").read_text(encoding="utf-8"))
    return {
        token: {path: tuple(words) for path, words in paths.items()} for token, paths in data["words"].items()
    }


def check_inputs(args: type, given: Mapping[str, Value], words: Words, at: str = "") -> Iterator[Misfit]:
    """The inputs of a resource, or of something nested in it, against their class."""
    known = shapes.inputs(args)
    for name, value in given.items():
        if name not in known:
            yield Misfit(_below(at, name), _unknown(name, known))
        elif value is not None:
            yield from check(known[name], value, words, _below(at, name))
    for name in shapes.required(args):
        if given.get(name) is None:
            yield Misfit(_below(at, name), "is required and not there")


def check(annotation: Any, value: Value, words: Words, at: str) -> Iterator[Misfit]:
    """A value against what it may be. A reference fits anywhere, as its value comes later."""
    if isinstance(value, Secret):
        value = value.value
    if isinstance(value, Ref):
        return
    choices = shapes.alternatives(annotation)
    if Any in choices:
        return
    if isinstance(value, Join):
        if str not in choices:
            yield Misfit(at, f"is text, not {_called(choices)}")
        return
    yield from (
        _text(choices, value, words, at) if isinstance(value, str) else _other(choices, value, words, at)
    )


def _text(choices: Sequence[Any], value: str, words: Words, at: str) -> Iterator[Misfit]:
    enums = [choice for choice in choices if isinstance(choice, type) and issubclass(choice, Enum)]
    if str not in choices and not enums:
        yield Misfit(at, f"is text, not {_called(choices)}")
        return
    listed = tuple(str(member.value) for enum in enums for member in enum)
    allowed = words.at(at) or listed or ANY
    if allowed != ANY and value not in allowed:
        yield Misfit(at, f"{value!r} is not one of {_listed(allowed, value)}")


def _other(choices: Sequence[Any], value: Value, words: Words, at: str) -> Iterator[Misfit]:
    """Anything that is not text, against the choice it fits best."""
    best: list[Misfit] | None = None
    for choice in choices:
        found = _against(choice, value, words, at)
        if found is not None and (best is None or len(found) < len(best)):
            best = found
    if best is None:
        yield Misfit(at, f"is {_kind(value)}, not {_called(choices)}")
    else:
        yield from best


def _against(choice: Any, value: Value, words: Words, at: str) -> list[Misfit] | None:
    """The misfits inside; None when the value is not even of that kind."""
    origin, parts = typing.get_origin(choice) or choice, typing.get_args(choice)
    if isinstance(value, Mapping):
        if shapes.is_input(choice):
            return list(check_inputs(choice, value, words, at))
        if origin is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
            inner = parts[1] if parts else Any
            return [
                each for name, one in value.items() for each in check(inner, one, words, _below(at, name))
            ]
        return None
    if isinstance(value, list | tuple):
        if not (isinstance(origin, type) and issubclass(origin, Sequence)) or origin is str:
            return None
        return _items(parts[0] if parts else Any, value, words, at)
    return [] if _scalar(choice, value) else None


def _items(annotation: Any, values: Sequence[Value], words: Words, at: str) -> list[Misfit]:
    found = [Misfit(_below(at, str(n)), "is nothing") for n, one in enumerate(values) if one is None]
    for number, one in enumerate(values):
        if one is not None:
            found += check(annotation, one, words, _below(at, str(number)))
    return found


def _scalar(choice: Any, value: Any) -> bool:
    if choice is bool or isinstance(value, bool):
        return choice is bool and isinstance(value, bool)
    if choice is int:
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return choice is float and isinstance(value, int | float)


# ---------------------------------------------------------------- words


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    head, *rest = name.split("_")
    camel = head + "".join(part.title() for part in rest)
    if camel in known:
        return f"is not an input; it is spelled {camel}"
    near = get_close_matches(name, known, n=1)
    return f"is not an input; did you mean {near[0]}?" if near else "is not an input"


def _kind(value: Value) -> str:
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list | tuple):
        return "a list"
    return NAMES.get(type(value), type(value).__name__)


def _called(choices: Sequence[Any]) -> str:
    return " or ".join(dict.fromkeys(map(_name, choices)))


def _name(choice: Any) -> str:
    origin = typing.get_origin(choice) or choice
    if origin in NAMES:
        return NAMES[origin]
    if isinstance(origin, type) and issubclass(origin, Enum):
        return NAMES[str]
    return "a list" if isinstance(origin, type) and issubclass(origin, Sequence) else "a map"


def _listed(allowed: Sequence[str], word: str) -> str:
    near = get_close_matches(word, allowed, n=SHOWN, cutoff=0.0) if len(allowed) > SHOWN else list(allowed)
    return ", ".join(near) + (", ..." if len(allowed) > SHOWN else "")
