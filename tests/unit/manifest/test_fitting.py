"""The quick answer of `fits` is that of jsonschema, for any value and for the schema as it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.manifest import schema
from mcis_iac.manifest.fits import ANNOTATIONS, RULES, fits

FAMILIAR = """version name groups web placement cloud local region count firewalls ports from keys agent host
    dir public_key public_key_file images networks cidr 10.0.0.0/8 disks mount size 10GiB labels setup files
    x-a all anywhere /a"""
WORDS = st.sampled_from(FAMILIAR.split())
TREES = st.recursive(
    WORDS | st.integers(-1, 70000) | st.booleans() | st.none() | st.floats() | st.just(1.0),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(schema.document()["$defs"])), TREES)
def test_a_part_of_a_manifest_fits_exactly_when_jsonschema_has_nothing_to_say(part: str, tree: Any) -> None:
    document = schema.document()
    wanted = document["$defs"][part]
    assert fits(tree, wanted, document) == schema.validator().evolve(schema=wanted).is_valid(tree)


@given(st.dictionaries(WORDS, TREES, max_size=4))
def test_a_manifest_fits_exactly_when_jsonschema_has_nothing_to_say(tree: dict[str, Any]) -> None:
    whole = {"version": 1, "name": "x", "groups": {"web": {}}, **tree}
    assert fits(whole, schema.document(), schema.document()) == schema.validator().is_valid(whole)


def keywords(node: Any) -> set[str]:
    """Every keyword of a schema and of those inside it."""
    if not isinstance(node, dict):
        return set()
    found = set(node)
    for keyword, value in node.items():
        if keyword in {"properties", "patternProperties", "$defs"}:
            inner = list(value.values())
        else:
            inner = value if keyword == "oneOf" else [value] if keyword in {"items", "propertyNames"} else []
            inner = [value] if keyword == "additionalProperties" else inner
        found = found.union(*map(keywords, inner))
    return found


def test_every_keyword_of_the_schema_is_known() -> None:
    assert keywords(schema.document()) <= ANNOTATIONS | set(RULES)


@pytest.mark.parametrize("unknown", [{"format": "date"}, {"type": "string", "not": {}}])
def test_nothing_fits_a_schema_with_a_keyword_that_is_not_known(unknown: dict[str, Any]) -> None:
    assert not fits("text", unknown, unknown)
