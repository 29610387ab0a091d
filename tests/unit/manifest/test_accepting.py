"""The quick yes of the schema pass agrees with jsonschema."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from manifests import EVERYTHING, HEAD, HERE, SMALL, TREES

from mcis_iac.manifest import schema
from mcis_iac.manifest.accepts import CHECKS, PROSE, accepts
from mcis_iac.manifest.nodes import plain
from mcis_iac.manifest.source import parse


def value(text: str) -> object:
    return plain(parse(text, "f").root)


def valid(data: object) -> bool:
    return bool(schema.validator().is_valid(data))


@pytest.mark.parametrize("text", [SMALL, EVERYTHING, f"{HEAD}groups: {{web: {{{HERE}}}}}\nx-a: {{b: [1]}}\n"])
def test_a_valid_manifest_is_accepted_at_once(text: str) -> None:
    assert accepts(schema.document(), value(text))


@given(st.data())
def test_a_manifest_with_one_value_replaced_is_judged_as_jsonschema_does(data: st.DataObject) -> None:
    whole = value(EVERYTHING)
    node, key = whole, None
    while isinstance(node, dict | list) and node:
        keys = sorted(node) if isinstance(node, dict) else range(len(node))
        parent, key = node, data.draw(st.sampled_from(list(keys)))
        node = parent[key]
        if data.draw(st.integers(0, 3)) == 0:
            break
    parent[key] = data.draw(
        TREES | st.sampled_from([1, True, 1.0, "1", "tcp", "1GiB", [], {}, 10_000, 10_001])
    )
    assert accepts(schema.document(), whole) == valid(whole)


@given(TREES)
@example({"version": True, "name": "x", "groups": {"a": {}}})
@example({"version": 1, "name": "x", "groups": {"a": {"count": 1.0}}})
@example({"version": 1, "name": "x", "groups": {"a": {"public_ip": 1}}})
def test_whatever_is_accepted_is_valid(data: object) -> None:
    whole = {"version": 1, "name": "x", **data} if isinstance(data, dict) else data
    assert valid(whole) or not accepts(schema.document(), whole)


def test_every_word_of_the_schema_is_understood() -> None:
    def visit(node: object) -> set[str]:
        if not isinstance(node, dict):
            return set()
        words = {word for word in node if not word.startswith("x-")}
        for inner in (*node.get("properties", {}).values(), *node.get("$defs", {}).values()):
            words |= visit(inner)
        for inner in (node.get("items"), node.get("additionalProperties"), node.get("propertyNames")):
            words |= visit(inner)
        for inner in node.get("oneOf", ()):
            words |= visit(inner)
        return words

    assert visit(schema.document()) <= {*CHECKS, *PROSE, "$ref"}


def test_a_word_that_is_not_understood_is_left_to_jsonschema() -> None:
    assert not accepts({"multipleOf": 2}, 4)
