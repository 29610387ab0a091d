"""YAML 1.2 core types: what an unquoted scalar means.

Not YAML 1.1: `no` and `on` are text, `22:22` is text, `010` is ten.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Scalar: TypeAlias = "str | int | float | bool | None"

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
BOOLS = {
    word: value
    for name, value in (("true", True), ("false", False))
    for word in (name, name.title(), name.upper())
}
INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)")
NAN = frozenset({".nan", ".NaN", ".NAN"})
LONGEST_INT = 100  # Python refuses to convert thousands of digits; nothing here has that many

TAG = "tag:yaml.org,2002:"


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar."""
    if text in NULLS:
        return None
    if text in BOOLS:
        return BOOLS[text]
    if INT.fullmatch(text) and len(text) <= LONGEST_INT:
        return _integer(text)
    if FLOAT.fullmatch(text):
        return float(text)
    if match := INFINITE.fullmatch(text):
        return float(f"{match[1]}inf")
    return float("nan") if text in NAN else text


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text[2:] if base != 10 else text, base)  # noqa: PLR2004


def tagged(text: str, tag: str) -> Scalar:
    """The value of a scalar with an explicit tag; ValueError when it is not of that type."""
    if tag in {TAG + "str", "!"}:
        return text
    value = resolve(text)
    kinds: dict[str, type | tuple[type, ...]] = {
        TAG + "int": int,
        TAG + "float": (int, float),
        TAG + "bool": bool,
        TAG + "null": type(None),
    }
    if tag not in kinds:
        raise ValueError(tag)
    if not isinstance(value, kinds[tag]) or (isinstance(value, bool) and tag != TAG + "bool"):
        raise ValueError(tag)
    return float(value) if tag == TAG + "float" and value is not None else value
