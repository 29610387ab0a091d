"""Whether a value surely satisfies a schema: the answer for nearly every manifest, without jsonschema.

Importing jsonschema takes a third of the time of `mcis validate`, and only a wrong manifest needs
what it can tell. This knows the keywords our schemas use and nothing more: with any other one
nothing fits, and then jsonschema is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]
Rule: TypeAlias = Callable[[Any, Any, Schema, Schema], bool]  # limit, value, its schema, the whole document

ANNOTATIONS = frozenset(
    {"$schema", "$id", "$defs", "title", "description", "examples", "default", "x-expected"}
)
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def fits(value: Any, schema: Any, document: Schema) -> bool:
    """Whether the value is certainly right; False when it is wrong or that is not known here."""
    if isinstance(schema, bool):
        return schema
    return all(
        keyword in ANNOTATIONS or (keyword in RULES and RULES[keyword](limit, value, schema, document))
        for keyword, limit in schema.items()
    )


def _type(limit: Any, value: Any, *_: Schema) -> bool:
    kinds = [limit] if isinstance(limit, str) else limit
    return any(
        isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
        for kind in kinds
    )


def _reference(limit: Any, value: Any, _: Schema, document: Schema) -> bool:
    target: Any = document
    for step in limit.removeprefix("#/").split("/"):
        target = target[step]
    return fits(value, target, document)


def _equal(limit: Any, value: Any) -> bool:
    return isinstance(value, bool) == isinstance(limit, bool) and bool(value == limit)


def _additional(limit: Any, value: Any, schema: Schema, document: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    return all(
        key in known or any(re.search(pattern, key) for pattern in patterns) or fits(item, limit, document)
        for key, item in value.items()
    )


def _properties(limit: Any, value: Any, _: Schema, document: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    return all(fits(item, limit[key], document) for key, item in value.items() if key in limit)


def _pattern_properties(limit: Any, value: Any, _: Schema, document: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    return all(
        fits(item, wanted, document)
        for pattern, wanted in limit.items()
        for key, item in value.items()
        if re.search(pattern, key)
    )


RULES: Mapping[str, Rule] = {
    "$ref": _reference,
    "type": _type,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "propertyNames": lambda limit, value, _, document: (
        not isinstance(value, dict) or all(fits(key, limit, document) for key in value)
    ),
    "required": lambda limit, value, *_: not isinstance(value, dict) or all(key in value for key in limit),
    "items": lambda limit, value, _, document: (
        not isinstance(value, list) or all(fits(item, limit, document) for item in value)
    ),
    "oneOf": lambda limit, value, _, document: sum(fits(value, form, document) for form in limit) == 1,
    "enum": lambda limit, value, *_: any(_equal(one, value) for one in limit),
    "const": lambda limit, value, *_: _equal(limit, value),
    "pattern": lambda limit, value, *_: not isinstance(value, str) or bool(re.search(limit, value)),
    "minimum": lambda limit, value, *_: not isinstance(value, int | float) or not value < limit,
    "maximum": lambda limit, value, *_: not isinstance(value, int | float) or not value > limit,
    "minLength": lambda limit, value, *_: not isinstance(value, str) or len(value) >= limit,
    "maxLength": lambda limit, value, *_: not isinstance(value, str) or len(value) <= limit,
    "minItems": lambda limit, value, *_: not isinstance(value, list) or len(value) >= limit,
    "minProperties": lambda limit, value, *_: not isinstance(value, dict) or len(value) >= limit,
    "uniqueItems": lambda limit, value, *_: (
        not limit
        or not isinstance(value, list)
        or (all(isinstance(item, str) for item in value) and len(set(value)) == len(value))
    ),
}
