"""Python source as a small tree, printed the way a formatter would: one line, or one item per line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

WIDTH = 100
STEP = "    "
_LAYOUT = {ord(letter): "" for letter in "\n\t\r"}


@dataclass(frozen=True, slots=True)
class Raw:
    """Code that is never broken."""

    text: str


@dataclass(frozen=True, slots=True)
class Many:
    """Something in brackets; each item has the text before it (`name=`, `"key": `, `*`)."""

    opening: str
    items: tuple[tuple[str, Expr], ...]
    closing: str
    comma: str = ","


Expr: TypeAlias = "Raw | Many"


def call(function: str, *positional: Expr, **named: Expr) -> Many:
    """`function(a, name=b)`."""
    return calling(function, [("", each) for each in positional], named.items())


def calling(function: str, positional: Iterable[tuple[str, Expr]], named: Iterable[tuple[str, Expr]]) -> Many:
    """The same for names that are data."""
    items = (*positional, *((f"{name}=", each) for name, each in named))
    return Many(f"{function}(", items, ")")


def mapping(items: Iterable[tuple[str, Expr]]) -> Many:
    """A dict of texts to expressions."""
    return Many("{", tuple((f"{quoted(name)}: ", each) for name, each in items), "}")


def listing(items: Iterable[Expr]) -> Many:
    """A list."""
    return Many("[", tuple(("", each) for each in items), "]")


def each_of(body: Expr, variable: str, source: Expr) -> Many:
    """A list comprehension."""
    return Many("[", (("", body), (f"for {variable} in ", source)), "]", comma="")


def quoted(text: str) -> str:
    """A text as a literal in double quotes."""
    shown = json.dumps(text, ensure_ascii=False)
    # JSON escapes what lies beyond 16 bits and lone halves in a way that Python reads differently.
    plain = "\\u" not in shown and text.translate(_LAYOUT).isprintable()
    return shown if plain and not ('"' in text and "'" not in text) else repr(text)


def formatted(parts: Sequence[tuple[str, bool]]) -> Raw:
    """An f-string of literal texts and (True) names; a lone name is just that, no name makes a literal."""
    parts = [part for part in parts if part[0]]
    if len(parts) == 1 and parts[0][1]:
        return Raw(parts[0][0])
    if not any(is_name for _, is_name in parts):
        return Raw(quoted("".join(text for text, _ in parts)))
    inner = "".join(
        f"{{{text}}}" if is_name else text.replace("{", "{{").replace("}", "}}") for text, is_name in parts
    )
    return Raw(f"f{quoted(inner)}")


def flat(expr: Expr) -> str:
    """On one line."""
    if isinstance(expr, Raw):
        return expr.text
    return f"{expr.opening}{flat_items(expr)}{expr.closing}"


def flat_items(expr: Many) -> str:
    """What is in the brackets, on one line."""
    return f"{expr.comma} ".join(before + flat(each) for before, each in expr.items)


def printed(expr: Expr, *, indent: str = "", before: str = "", after: str = "") -> str:
    """The lines of an expression that starts after `before`, at that indentation."""
    line = f"{indent}{before}{flat(expr)}{after}"
    if isinstance(expr, Raw) or not expr.items or len(line) <= WIDTH:
        return line
    inner = f"{indent}{STEP}{flat_items(expr)}"
    if not expr.comma and len(inner) <= WIDTH:
        return "\n".join([f"{indent}{before}{expr.opening}", inner, f"{indent}{expr.closing}{after}"])
    inside = [printed(each, indent=indent + STEP, before=name, after=expr.comma) for name, each in expr.items]
    return "\n".join([f"{indent}{before}{expr.opening}", *inside, f"{indent}{expr.closing}{after}"])
