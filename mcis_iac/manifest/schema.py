"""The manifest's JSON Schema, loaded when first asked for, and ways to read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

from mcis_iac import bundled

Schema: TypeAlias = "dict[str, Any]"


@cache
def document(name: str = "mcis") -> Schema:
    """A bundled schema (`schemas/v1/<name>.schema.json`). Do not change what it returns."""
    path = bundled.root("schemas") / "v1" / f"{name}.schema.json"
    loaded: Schema = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@cache
def validator() -> Any:
    """A validator of the manifest's schema (jsonschema is imported here). 3.0 is not a whole number to it."""
    import jsonschema

    def whole(_: object, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    base = jsonschema.Draft202012Validator
    checker = base.TYPE_CHECKER.redefine("integer", whole)
    return jsonschema.validators.extend(base, type_checker=checker)(document())


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Schema:
    """The schema with its reference followed; its own words win over those of the target."""
    root = document() if root is None else root
    own = dict(schema)
    while "$ref" in own:
        target: Any = root
        for step in own.pop("$ref").removeprefix("#/").split("/"):
            target = target[step]
        own = {**target, **own}
    return own


def branches(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> tuple[Schema, ...]:
    """The alternatives of a schema, or itself when it has none."""
    whole = resolve(schema, root)
    forms = whole.get("oneOf") or whole.get("anyOf") or ()
    return tuple(resolve(form, root) for form in forms) or (whole,)


def fields(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Iterator[tuple[str, Schema]]:
    """The fixed fields of a map, those of all alternatives, each once."""
    seen = set()
    for branch in (resolve(schema, root), *branches(schema, root)):
        for name, field in branch.get("properties", {}).items():
            if name not in seen:
                seen.add(name)
                yield name, field


def under(schema: Mapping[str, Any], key: str, root: Mapping[str, Any] | None = None) -> Schema | None:
    """The schema of what stands at that key of a map; None when the map has no such field."""
    known = dict(fields(schema, root))
    if key in known:
        return resolve(known[key], root)
    free = resolve(schema, root).get("additionalProperties")
    return resolve(free, root) if isinstance(free, dict) else None
