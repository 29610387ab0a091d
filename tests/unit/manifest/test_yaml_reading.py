"""YAML text -> a tree: YAML 1.2 types, positions in characters, and an end to every bad text."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from manifests import SMALL

from mcis_iac.manifest.nodes import BREAK, plain, variants
from mcis_iac.manifest.source import MAX_BYTES, decode, parse

NOT_YAML = "\x7f\x85\u2028\u2029\ufeff\ufffe\uffff"
WORDS = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters=NOT_YAML), max_size=8
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in parse(text, "f").diagnostics]


def value(text: str) -> object:
    source = parse(f"x: {text}", "f")
    assert source.root is not None
    return source.root.get("x").value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("22:22", "22:22"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-7", -7),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        (".", "."),
        ("-.inf", -math.inf),
        ("~", None),
        ("", None),
        ("null", None),
        ("TRUE", True),
        ("false", False),
        ("2001-12-14", "2001-12-14"),
        ("=", "="),
        ('"3"', "3"),
        ("'no'", "no"),
        ("!!str 3", "3"),
        ("!!int '3'", 3),
        ("!!float 3", 3.0),
        ("!!bool 'true'", True),
        ("! 3", "3"),
    ],
)
def test_scalars_have_the_types_of_yaml_1_2(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_a_number_of_thousands_of_digits_is_read() -> None:
    assert value("9" * 5000) == math.inf


@given(VALUES)
def test_json_is_read_as_what_it_says(data: object) -> None:
    source = parse(json.dumps(data, ensure_ascii=False), "f")
    assert not source.diagnostics
    assert plain(source.root) == data


@given(
    st.dictionaries(WORDS.filter(bool), SCALARS.filter(lambda s: s is not None), min_size=1, max_size=6),
    WORDS,
)
def test_a_span_is_the_scalar_it_names(data: dict[str, object], comment: str) -> None:
    lines = [f"# {comment}"] + [
        f"{json.dumps(k, ensure_ascii=False)}:  {json.dumps(v, ensure_ascii=False)} # ключ 🦊"
        for k, v in data.items()
    ]
    for newline in ("\n", "\r\n"):
        text = newline.join(lines)
        root = parse(text, "f").root
        for key, expected in data.items():
            entry = root.entry(key)
            for span, written in ((entry.key_span, key), (entry.node.span, expected)):
                assert text[span.index : span.end_index] == json.dumps(written, ensure_ascii=False)
                assert BREAK.split(text)[span.line - 1][span.column - 1 :].startswith(
                    text[span.index : span.end_index]
                )


def test_anchors_and_tags_are_not_part_of_a_scalar() -> None:
    text = 'a: &x "знач"\nb: &y !!int 3\n'
    root = parse(text, "f").root
    spans = [entry.node.span for entry in root.entries()]
    assert [text[span.index : span.end_index] for span in spans] == ['"знач"', "3"]


def test_a_byte_order_mark_moves_no_position() -> None:
    text, wrong = decode(b"\xef\xbb\xbfname: x\n", "f")
    assert wrong is None
    assert parse(text, "f").root.entry("name").key_span.column == 1


def test_an_alias_remembers_where_it_stands() -> None:
    root = parse("a: &x [1]\nb: *x\n", "f").root
    assert root.get("b").alias.line == 2
    assert root.get("b").span.line == 1


def test_merge_keys_bring_fields_that_own_ones_override() -> None:
    root = parse("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 5}\n", "f").root
    assert plain(root.get("z")) == {"a": 5, "b": 2, "c": 4}
    assert root.entry("z", "c").merged
    assert not root.entry("z", "a").merged


def test_a_quoted_merge_key_is_a_key_like_any_other() -> None:
    assert plain(parse('{"<<": 1}', "f").root) == {"<<": 1}


def test_a_duplicate_key_keeps_both_bodies() -> None:
    source = parse("a: 1\nb: 0\na: 2\n", "f")
    (found,) = source.diagnostics
    assert (found.code, found.span.line, found.related[0].span.line) == ("MCIS104", 3, 1)
    assert [plain(variant)["a"] for variant in variants(source.root)] == [1, 2]


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: [1\n", "MCIS106", "2:1"),
        ("a: 'x\n", "MCIS106", "2:1"),
        ("a:\n\tb: 1\n", "MCIS106", "2:1"),
        ("a: b: c\n", "MCIS106", "1:5"),
        ("a: \x00\n", "MCIS107", "1:4"),
        ("a: \x1b[31m\n", "MCIS107", "1:4"),
        ("a: \ud800\n", "MCIS107", "1:4"),
        ("a: 1\n--- \nb: 2\n", "MCIS108", "2:1"),
        ("[" * 5000, "MCIS110", "1:102"),
        ("<<: *nobody\n", "MCIS109", "1:5"),
        ("a: !!set {b}\n", "MCIS111", "1:4"),
        ("<<: 1\n", "MCIS112", "1:1"),
        ("<<: [{a: 1}, 2]\n", "MCIS112", "1:1"),
        ("? [a]\n: b\n", "MCIS116", "1:3"),
        ("a: {{ name }}\n", "MCIS116", "1:5"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_place(text: str, code: str, place: str) -> None:
    source = parse(text, "f")
    assert source.root is None
    first = source.diagnostics[0]
    assert (first.code, str(first.span)) == (code, f"f:{place}")


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: *nobody\n", "MCIS109", "1:4"),
        ("a: &a [*a]\n", "MCIS109", "1:8"),
        ("a: &a {b: {c: *a}}\n", "MCIS109", "1:15"),
        ("a: !thing b\n", "MCIS111", "1:4"),
        ("a: !!int b\n", "MCIS111", "1:4"),
    ],
)
def test_around_a_value_that_cannot_be_read_everything_can(text: str, code: str, place: str) -> None:
    source = parse(f"{text}b: 1\n", "f")
    assert [(each.code, str(each.span)) for each in source.diagnostics] == [(code, f"f:{place}")]
    assert source.root.get("b").value == 1


def test_aliases_of_aliases_are_counted_by_what_they_stand_for() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    assert codes("\n".join(rows)) == ["MCIS110"]  # without the limit this never ends


def test_aliases_cannot_make_a_tree_deeper_than_the_limit() -> None:
    rows = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [[[[[*a{i - 1}]]]]]" for i in range(1, 60)]
    assert codes("\n".join(rows)) == ["MCIS110"]


def test_a_file_beyond_the_limit_is_not_parsed() -> None:
    _, wrong = decode(b"#" * (MAX_BYTES + 1), "f")
    assert wrong.code == "MCIS110"


def test_bytes_that_are_no_text_are_named_by_position() -> None:
    _, wrong = decode("имя: ".encode() + b"\xff\xfe\n", "f")
    assert (wrong.code, str(wrong.span)) == ("MCIS107", "f:1:6")


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_tree_or_a_diagnostic(data: bytes) -> None:
    text, wrong = decode(data, "f")
    source = parse(text, "f")
    assert wrong or source.root is not None or source.diagnostics


SIGNS = [
    "b: ",
    ": ",
    "- ",
    "? ",
    "&x ",
    "*x",
    "<<: ",
    "!!int ",
    "!x ",
    "\n",
    "\n  ",
    "---\n",
    "...\n",
    "%YAML 1.3\n",
]
SOUP = st.lists(st.sampled_from([*SIGNS, *"a0~[]{},'\"|>#@`\té\x07\u2028"]), max_size=40).map("".join)


@given(SOUP)
@example("&x *x")
@example("? &x\n: *x")
@example("%TAG ! x\n--- !a\n")
def test_any_mix_of_yaml_signs_ends_in_a_tree_or_a_diagnostic(text: str) -> None:
    source = parse(text, "f")
    assert source.root is not None or source.diagnostics
    for diagnostic in source.diagnostics:
        assert 0 <= diagnostic.span.index <= diagnostic.span.end_index <= len(text)


@given(st.integers(0, len(SMALL)), st.text(max_size=3), st.integers(0, 5))
def test_a_mutated_manifest_ends_in_a_tree_or_a_diagnostic(at: int, new: str, drop: int) -> None:
    source = parse(SMALL[:at] + new + SMALL[at + drop :], "f")
    assert source.root is not None or source.diagnostics
