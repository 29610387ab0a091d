"""Overlays and --set: maps merge, lists and scalars replace, null removes, every value keeps its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifests import HEAD, HERE, SMALL, codes, loaded, marked, only

from mcis_iac.manifest.nodes import plain
from mcis_iac.manifest.overlay import merge, parse_sets
from mcis_iac.manifest.source import parse

KEYS = st.sampled_from(["a", "b", "c", "d"])
VALUES = st.recursive(
    st.none() | st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)
MAPS = st.dictionaries(KEYS, VALUES, max_size=4)


def tree(data: object, file: str):
    return parse(json.dumps(data), file).root


def expected(base: object, over: object) -> object:
    """The rule, said once more over plain values."""
    if not isinstance(over, dict):
        return over
    merged = dict(base) if isinstance(base, dict) else {}
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = expected(merged.get(key), value)
    return merged


def without_nulls(data: object) -> object:
    return {k: without_nulls(v) for k, v in data.items() if v is not None} if isinstance(data, dict) else data


@given(MAPS, MAPS)
def test_merging_follows_the_rule(base: dict[str, object], over: dict[str, object]) -> None:
    base = without_nulls(base)
    assert plain(merge(tree(base, "base"), tree(over, "over"))) == expected(base, over)


@given(MAPS)
def test_an_empty_overlay_changes_nothing(base: dict[str, object]) -> None:
    base = without_nulls(base)
    assert plain(merge(tree(base, "base"), tree({}, "over"))) == base


@given(MAPS, MAPS)
def test_every_value_keeps_the_file_it_was_written_in(
    base: dict[str, object], over: dict[str, object]
) -> None:
    def leaves(node, way=()):
        for entry in node.entries():
            if entry.node.is_map:
                yield from leaves(entry.node, (*way, entry.key))
            else:
                yield (*way, entry.key), entry.node

    base = without_nulls(base)
    one, two = tree(base, "base"), tree(over, "over")
    for way, node in leaves(merge(one, two)):
        source = two if node.span.file == "over" else one
        assert plain(source.get(*way)) == plain(node)


def test_an_overlay_replaces_a_list() -> None:
    text = SMALL + "    firewall: [a, b]\nfirewalls: {a: [], b: []}\n"
    found = loaded(text, overlay="groups: {web: {firewall: [b]}}\n")
    assert found.mcis.groups["web"].firewalls == ("b",)


def test_null_removes_a_group() -> None:
    text = SMALL + f"  db: {{{HERE}}}\n"
    assert list(loaded(text, overlay="groups: {db: null}\n").mcis.groups) == ["web"]


def test_an_overlay_that_names_a_connection_replaces_the_cloud() -> None:
    overlay = "connections: {lab: {cloud: local}}\ngroups: {web: {placement: {connection: lab}}}\n"
    pin = loaded(SMALL, overlay=overlay).mcis.groups["web"].placement
    assert (pin.connection, pin.region) == ("lab", "local-seoul")


def test_a_group_may_be_called_like_a_field_that_excludes_another() -> None:
    text = f"{HEAD}groups:\n  cloud: {{{HERE}}}\n"
    found = loaded(text, overlay=f"groups:\n  connection: {{{HERE}}}\n")
    assert list(found.mcis.groups) == ["cloud", "connection"]


def test_a_problem_of_the_overlay_is_shown_in_the_overlay() -> None:
    found = only(loaded(SMALL, overlay="groups:\n  web: {count: many}\n"), "MCIS105".removeprefix("MCIS"))
    assert str(found.span) == "prod.yaml:2:16"


def test_a_syntax_error_stops_only_its_own_file() -> None:
    found = loaded(SMALL.replace("count", "cuont"), overlay="groups: [\n")
    assert [(d.code, d.span.file) for d in found.diagnostics] == [
        ("MCIS101", "mcis.yaml"),
        ("MCIS106", "prod.yaml"),
    ]


def test_an_overlay_is_checked_while_the_manifest_cannot_be_read() -> None:
    found = loaded("groups: [\n", overlay="groups: {web: {cuont: 1}}\n")
    assert [(d.code, d.span.file) for d in found.diagnostics] == [
        ("MCIS106", "mcis.yaml"),
        ("MCIS101", "prod.yaml"),
    ]


def test_overlays_that_are_no_map_end_in_a_diagnostic() -> None:
    assert "105" in codes(loaded(SMALL, overlay="[1, 2]\n"))
    assert loaded(SMALL, overlay="").mcis is not None


# ---------------------------------------------------------------- --set


def test_set_is_the_last_overlay() -> None:
    found = loaded(SMALL, overlay="groups: {web: {count: 4}}\n", sets=["groups.web.count=5"])
    assert found.mcis.groups["web"].count == 5
    assert str(found.mcis.span("groups.web.count")) == "--set:1:18"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5),
        ("no", "no"),
        ("true", True),
        ("'5'", "5"),
        ("[a, b]", ["a", "b"]),
        ("{a: 1}", {"a": 1}),
        ("a: b", "a: b"),
        ("*star", "*star"),
        ("# c", "# c"),
        ("x=y", "x=y"),
        ("", None),
    ],
)
def test_a_set_value_is_a_scalar_or_in_brackets(value: str, expected: object) -> None:
    source = parse_sets([f"a.b={value}"])
    assert plain(source.root) == {"a": {"b": expected}}


def test_null_removes_by_set_too() -> None:
    assert loaded(SMALL, sets=["groups.web.count=null"]).mcis.groups["web"].count == 1


def test_a_later_set_wins() -> None:
    found = loaded(SMALL, sets=["groups.web.count=5", "groups.web.count=6"])
    assert found.mcis.groups["web"].count == 6
    assert found.mcis.span("groups.web.count").line == 2


def test_a_problem_of_a_set_points_into_that_flag() -> None:
    found = loaded(SMALL, sets=["labels.a=b", "groups.web.cuont=5"])
    diagnostic = only(found, "101")
    assert (str(diagnostic.span), marked(found, diagnostic)) == ("--set:2:12", "cuont")


@pytest.mark.parametrize(
    "flag", ["groups.web.count", "=5", "groups..count=5", "", ".=1", "a." * 5000 + "b=1"]
)
def test_a_set_that_is_no_setting_is_refused(flag: str) -> None:
    assert codes(loaded(SMALL, sets=[flag])) == ["118"]


@pytest.mark.parametrize(
    "flag", ["a=[1", "a={x: 1", "a='x", "a=[*x]", "a=\x00", "a=\udcff", "\x1b=1", "a=[!x y]"]
)
def test_a_set_value_that_cannot_be_read_ends_in_a_diagnostic(flag: str) -> None:
    found = loaded(SMALL, sets=[flag])
    assert found.mcis is None
    assert found.diagnostics[0].span.file == "--set"


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_set_ends_in_a_manifest_or_a_diagnostic(path: str, value: str) -> None:
    found = loaded(SMALL, sets=[f"{path}={value}"])
    assert found.mcis is not None or found.diagnostics
