"""Whether a value keeps to a JSON Schema: yes or no, without a reason.

Importing jsonschema takes longer than everything else `validate` does, and only its errors are
needed: whatever this says yes to is valid, whatever it is not sure of goes to jsonschema. A test
compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from mcis_iac.manifest.schema import resolve

Schema: TypeAlias = Mapping[str, Any]
Check: TypeAlias = Callable[[Any, Any, Schema], bool]

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}

# Words for people and editors; the rest of a schema is either in CHECKS or not understood here.
PROSE = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "examples"})
# Looked at together with `additionalProperties`, where that is there.
ALONG = frozenset({"properties", "patternProperties"})


def accepts(schema: Any, value: Any) -> bool:
    """The value is certainly valid."""
    if isinstance(schema, bool):
        return schema
    whole = resolve(schema) if "$ref" in schema else schema
    for word, wanted in whole.items():
        if word in PROSE or word.startswith("x-") or (word in ALONG and "additionalProperties" in whole):
            continue
        check = CHECKS.get(word)
        if check is None or not check(wanted, value, whole):
            return False
    return True


def _type(wanted: Any, value: Any, _: Schema) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    if isinstance(value, bool):  # which Python takes for an integer
        return "boolean" in names
    return any(isinstance(value, TYPES[name]) for name in names)


def _fields(_: Any, value: Any, schema: Schema) -> bool:
    """Every field by its own schema, by a pattern, or by what holds for all others."""
    if not isinstance(value, dict):
        return True
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    others = schema.get("additionalProperties", True)
    for name, inner in value.items():
        matching = [rule for pattern, rule in patterns.items() if _compiled(pattern).search(name)]
        rules = [*([known[name]] if name in known else []), *matching] or [others]
        if not all(accepts(rule, inner) for rule in rules):
            return False
    return True


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _equal(wanted: Any, value: Any) -> bool:
    """Equal as JSON has it: true is not 1."""
    return isinstance(wanted, bool) is isinstance(value, bool) and bool(wanted == value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


CHECKS: Mapping[str, Check] = {
    "type": _type,
    "properties": _fields,
    "patternProperties": _fields,
    "additionalProperties": _fields,
    "propertyNames": lambda w, v, _: not isinstance(v, dict) or all(accepts(w, name) for name in v),
    "required": lambda w, v, _: not isinstance(v, dict) or all(name in v for name in w),
    "enum": lambda w, v, _: any(_equal(one, v) for one in w),
    "const": lambda w, v, _: _equal(w, v),
    "pattern": lambda w, v, _: not isinstance(v, str) or _compiled(w).search(v) is not None,
    "minimum": lambda w, v, _: not _number(v) or v >= w,
    "maximum": lambda w, v, _: not _number(v) or v <= w,
    "minLength": lambda w, v, _: not isinstance(v, str) or len(v) >= w,
    "maxLength": lambda w, v, _: not isinstance(v, str) or len(v) <= w,
    "minItems": lambda w, v, _: not isinstance(v, list) or len(v) >= w,
    "minProperties": lambda w, v, _: not isinstance(v, dict) or len(v) >= w,
    "items": lambda w, v, _: not isinstance(v, list) or all(accepts(w, item) for item in v),
    "oneOf": lambda w, v, _: sum(accepts(form, v) for form in w) == 1,
}
