"""Property values: from the wire to plain Python and back.

Plain is what JSON knows, with whole numbers as int, plus UNKNOWN for what the engine does not know
before another resource exists. The plugin declares that it does not take secrets: the engine sends
the bare values and marks the answers itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, TypeAlias

from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value


class Unknown(Enum):
    """The type of UNKNOWN, an enum so that there is one and only one."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN
Plain: TypeAlias = "bool | int | float | str | Unknown | list[Plain] | dict[str, Plain] | None"
Properties: TypeAlias = "dict[str, Plain]"

# The protocol's marks, one per type of the missing value; Python programs only send the first.
TEXT_MARK = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
MARKS = frozenset(
    {
        TEXT_MARK,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
# Key that makes a map a signed value; with this signature it wraps a secret.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"


def read(struct: Struct) -> Properties:
    """The properties of a message; what is null or internal to the engine (`__x`) is left out."""
    found = {key: _plain(value) for key, value in struct.fields.items() if not key.startswith("__")}
    return {key: value for key, value in found.items() if value is not None}


def write(properties: Mapping[str, Plain]) -> Struct:
    """A message from properties; None becomes an explicit null, which is a known value."""
    struct = Struct()
    for key, value in properties.items():
        _fill(struct.fields[key], value)
    return struct


def knows(value: Plain) -> bool:
    """Whether nothing inside is UNKNOWN."""
    return all(leaf is not UNKNOWN for leaf in _leaves(value))


def _leaves(value: Plain) -> Iterator[Plain]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _plain(value: Any) -> Plain:
    match value.WhichOneof("kind"):
        case "string_value":
            text: str = value.string_value
            return UNKNOWN if text in MARKS else text
        case "number_value":
            number: float = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return bool(value.bool_value)
        case "list_value":
            return [_plain(item) for item in value.list_value.values]
        case "struct_value":
            return _plain_map(value.struct_value.fields)
    return None


def _plain_map(fields: Any) -> Plain:
    if SIGNATURE in fields and fields[SIGNATURE].string_value == SECRET:
        return _plain(fields["value"])
    return {key: _plain(item) for key, item in fields.items()}


def _fill(target: Value, value: Plain) -> None:
    if value is None:
        target.null_value = NULL_VALUE
    elif value is UNKNOWN:
        target.string_value = TEXT_MARK
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, list):
        target.list_value.SetInParent()
        for item in value:
            _fill(target.list_value.values.add(), item)
    elif isinstance(value, dict):
        target.struct_value.SetInParent()
        for key, item in value.items():
            _fill(target.struct_value.fields[key], item)
