"""`mcis explain`: the long story of a code, or the reference of a field, both from their source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

from mcis_iac.errors import NotFoundError
from mcis_iac.manifest import schema
from mcis_iac.manifest.codes import CODES
from mcis_iac.manifest.guess import article, nearest

WIDTH = 96
ANY = "NAME"
CODE = re.compile(r"(?:MCIS)?([0-9]{3})", re.IGNORECASE)
KINDS = {
    "object": "map",
    "array": "list",
    "string": "text",
    "integer": "whole number",
    "boolean": "true | false",
}


def explain(topic: str) -> str:
    """The text about a code (`MCIS204`) or a field (`groups.web.disk`); `manifest` is the whole.

    Raises NotFoundError with the nearest topic.
    """
    code = CODE.fullmatch(topic)
    return _code(f"MCIS{code[1]}") if code else _field(topic)


def _code(name: str) -> str:
    known = CODES.get(name)
    if known is None:
        raise _not_found(name, nearest(name, CODES))
    return f"{known.severity}[{name}]: {known.summary}\n\n{known.story}"


def _not_found(topic: str, guess: str | None) -> NotFoundError:
    hint = f"did you mean {guess}?" if guess else "mcis explain manifest lists all sections"
    return NotFoundError(
        summary="nothing to explain", detail=f"there is no code and no field `{topic}`.", hint=hint
    )


# ---------------------------------------------------------------- fields


def _field(topic: str) -> str:
    if topic in {"manifest", "."}:
        return _reference("manifest", schema.document(), required=False)
    steps = topic.split(".")
    current, required = schema.document(), False
    for step in steps:
        inside = _inside(current)
        found = schema.under(inside, step) if step else None
        if step.isdecimal() and current.get("type") == "array":
            continue  # the number of an item says nothing about its fields
        if found is None:
            raise _not_found(topic, _meant(steps))
        required = any(step in form.get("required", ()) for form in schema.branches(inside))
        current = found
    return _reference(topic, current, required=required)


def _inside(current: schema.Schema) -> schema.Schema:
    """What a list holds stands for the list: `groups.web.disks.size`."""
    while current.get("type") == "array" and "items" in current:
        current = schema.resolve(current["items"])
    return current


def _meant(steps: list[str]) -> str | None:
    """The field that was surely meant: every step corrected, or else a field of the last one's name."""
    current = schema.document()
    corrected: list[str] = []
    for step in steps:
        inside = _inside(current)
        word = step if step and schema.under(inside, step) else nearest(step, dict(schema.fields(inside)))
        found = schema.under(inside, word) if word else None
        if word is None or found is None:
            return _by_name(steps[-1])
        corrected.append(word)
        current = found
    return ".".join(corrected)


def _by_name(word: str) -> str | None:
    """The shortest way to a field of that name, those of a group first."""
    ways = [way for way in _ways(schema.document(), ()) if way[0] != "defaults"]
    name = nearest(word, {way[-1] for way in ways})
    found = [way for way in ways if way[-1] == name]
    return ".".join(min((len(way), way) for way in found)[1]) if found else None


def _ways(current: schema.Schema, way: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every field there is, as the way to it."""
    inside = _inside(schema.resolve(current))
    for name, field in schema.fields(inside):
        yield (*way, name)
        yield from _ways(field, (*way, name))
    free = inside.get("additionalProperties")
    if isinstance(free, dict):
        yield from _ways(free, (*way, ANY))


def _reference(topic: str, field: schema.Schema, *, required: bool) -> str:
    lines = [f"{topic}: {_kind(field)}{', required' if required else ''}{_default(field)}", ""]
    lines += [f"  {line}" for line in wrap(field.get("description", ""), WIDTH)]
    inside = _inside(field)
    forms = schema.branches(inside)
    for form in forms:
        rows = list(_rows(form))
        if rows:
            title = f"fields of {article(form.get('title', 'map'))}" if len(forms) > 1 else "fields"
            lines += ["", title, *_table(rows)]
    free = inside.get("additionalProperties")
    if isinstance(free, dict) and inside.get("type") == "object":
        inner = schema.resolve(free)
        lines += [
            "",
            f"{ANY}: {_kind(inner)}",
            *(f"  {line}" for line in wrap(inner.get("description", ""), WIDTH)),
        ]
        rows = list(_rows(_inside(inner)))
        if len(schema.branches(_inside(inner))) > 1:
            lines += ["", f"mcis explain {topic}.{ANY} lists the fields of every kind"]
        elif rows:
            lines += ["", f"fields of {topic}.{ANY}", *_table(rows)]
    examples = field.get("examples") or inside.get("examples") or ()
    if examples:
        lines += ["", "example", *(f"  {line}" for line in str(examples[0]).splitlines())]
    return "\n".join(lines)


def _kind(field: Mapping[str, Any]) -> str:
    """What the field takes, in a few words."""
    if "const" in field:
        return _word(field["const"])
    if "enum" in field:
        return " | ".join(_word(word) for word in field["enum"])
    if "oneOf" in field or "anyOf" in field:
        return "map"
    types = field.get("type", "string")
    names = [types] if isinstance(types, str) else list(types)
    words = " or ".join(KINDS[name] for name in names)
    if types == "array":
        items = schema.resolve(field.get("items", {}))
        words = f"list of {items['title']}s" if "title" in items else f"list of {_plural(_kind(items))}"
    expected = field.get("x-expected", "")
    return f"{words} ({expected})" if expected and field.get("title") == "size" else words


def _plural(kind: str) -> str:
    return kind.replace("number", "numbers")


def _default(field: Mapping[str, Any]) -> str:
    return f", default {_word(field['default'])}" if field.get("default", "") != "" else ""


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rows(form: schema.Schema) -> Iterator[tuple[str, str, str]]:
    required = form.get("required", ())
    for name, raw in form.get("properties", {}).items():
        field = schema.resolve(raw)
        kind = f"{_kind(field)}{', required' if name in required else ''}{_default(field)}"
        yield name, kind, field.get("description", "")


def _table(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    """Name and kind on one line, the description below it."""
    width = max(len(name) for name, _, _ in rows)
    for name, kind, description in rows:
        yield f"  {name:<{width}}  {kind}"
        yield from (f"  {'':<{width}}    {line}" for line in wrap(description, WIDTH - width - 4))
