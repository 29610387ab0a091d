"""Columns, widths and short forms of text."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.model import PropertyChange
from mcis_iac.report.changes import difference
from mcis_iac.report.status import age
from mcis_iac.report.tables import Cell, table
from mcis_iac.report.text import clean, folded, seconds, width_of, without_place
from mcis_iac.report.values import as_yaml


def test_columns_are_aligned_and_lines_have_no_trailing_spaces():
    assert table([("a", "bb", "c"), ("aaa", "b", "")], header=("X", "Y", "Z")) == [
        "X    Y   Z",
        "a    bb  c",
        "aaa  b",
    ]


def test_numbers_are_aligned_to_the_right():
    assert table([("a", "1"), ("b", "100")], right=frozenset({1})) == ["a    1", "b  100"]


def test_wide_characters_take_two_columns():
    assert table([("서울", "x"), ("abcd", "y")]) == ["서울  x", "abcd  y"]


def test_a_pipe_gets_lines_of_any_length():
    assert table([("a", "word " * 100)])[0].count("word") == 100


def test_user_text_is_never_markup():
    assert table([("[line 27]", "[/x]")]) == ["[line 27]  [/x]"]


def test_colour_does_not_move_columns():
    assert table([(Cell("a", "red"), "x"), ("bbb", "y")], color=True) == ["\x1b[31ma\x1b[0m    x", "bbb  y"]


@given(st.lists(st.text(max_size=20), min_size=3, max_size=3), st.integers(30, 120))
def test_wrapping_loses_no_word(cells, width):
    text = " ".join(" ".join(table([cells], width=width)).split())
    assert text == " ".join(" ".join(map(clean, cells)).split())


def test_names_are_folded_into_ranges_by_group():
    assert folded(["web-1", "web-2", "web-5", "web-4", "db-1"]) == "web[1-2,4-5],db-1"
    assert folded(["a-b-3"]) == "a-b-3"
    assert folded([]) == ""


def test_a_place_is_taken_out_of_a_key_once():
    assert without_place("subnet/main/local/local-seoul/a", "local/local-seoul") == "subnet/main/a"
    assert without_place("boot/local-web/local", "local") == "boot/local-web"
    assert without_place("web-1", "local/local-seoul") == "web-1"
    assert without_place("local", "local") == "local"
    assert without_place("x", "") == "x"


def test_times_are_short():
    assert [seconds(value) for value in (0.04, 59.9, 60, 125.4)] == ["0.0s", "59.9s", "1m00s", "2m05s"]
    now = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    born = (
        "2026-11-20T10:00:00Z",
        "2026-11-22T10:55:00Z",
        "2026-11-22T13:48:00",
        "2026-11-22T13:59:20Z",
        None,
    )
    assert [age(moment, now) for moment in born] == ["2d4h", "3h05m", "12m", "40s", "-"]
    assert age("2026-11-22T14:00:09Z", now) == "0s"  # a clock that is behind


def test_a_difference_says_what_came_and_went():
    assert difference(PropertyChange(path="p", old=["a"], new=["a", "b"])) == "+b"
    assert difference(PropertyChange(path="p", old=["a", "b"], new=["b", "a"])) == "order"
    assert difference(PropertyChange(path="p", old="x\ny\n", new="x\nz\n")) == "+z -y"
    assert difference(PropertyChange(path="p", old=list(range(9)), new=[])) == "+0 -9 items"
    assert difference(PropertyChange(path="p", old=1, new=None)) == "1 -> none"
    assert difference(PropertyChange(path="p", old=None, new={"a": 1})) == '+{"a": 1}'
    assert len(difference(PropertyChange(path="p", old="a" * 500, new="b"))) < 80


def test_width_counts_combining_characters_as_nothing():
    assert width_of("e\u0301") == 1


def test_yaml_keeps_text_text():
    assert as_yaml({"a": "no", "b": ["1", 1]}) == "a: 'no'\nb:\n- '1'\n- 1"
    assert as_yaml("plain") == "plain"
