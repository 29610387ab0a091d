"""Diagnostics and errors as text: the screens of the contract to the letter, and formats for CI."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcis_iac.errors import Locked
from mcis_iac.model import Diagnostic, Related, Severity, Span
from mcis_iac.report.diagnostics import FORMATS, as_json, error_text, place_of, render

BASE = "stacks/edge/mcis.yaml"
PROD = "stacks/edge/prod.yaml"

EDGE = {
    BASE: """\
version: 1
name: edge
x-by: kim
x-at: seoul

services:
  front:
    kind: load-balencer
groups:
  web:
    cuont: 3
    placement: {cloud: local, region: local-seoul}
    user: mcis






  db:
    placement: {cloud: local, region: local-tokyo}
    user: mcis
    image: debian-12

  db:
    count: 2
"""
}


def at(texts: dict[str, str], file: str, line: int, word: str) -> Span:
    """The place of a word on a line."""
    before = sum(len(row) + 1 for row in texts[file].split("\n")[: line - 1])
    column = texts[file].split("\n")[line - 1].index(word) + 1
    return Span(
        file=file,
        line=line,
        column=column,
        index=before + column - 1,
        end_line=line,
        end_column=column + len(word),
        end_index=before + column - 1 + len(word),
    )


def error(code: str, summary: str, span: Span | None, detail: str = "", **more: object) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.ERROR, summary=summary, span=span, detail=detail, **more)


def three_errors() -> list[Diagnostic]:
    db = at(EDGE, BASE, 25, "db")
    return [
        error(
            "MCIS103",
            "unknown value",
            at(EDGE, BASE, 8, "load-balencer"),
            "did you mean `load-balancer`?",
            notes=("kind is one of: load-balancer, vpn",),
        ),
        error(
            "MCIS101",
            "unknown field",
            at(EDGE, BASE, 11, "cuont"),
            "did you mean `count`?",
            notes=("fields of a group: count, user, disk, disks, image, key, protect, setup, ... 5 more",),
            related=(Related(span=at(EDGE, BASE, 10, "web"), label=""),),
            group="web",
        ),
        error(
            "MCIS104",
            "duplicate key",
            db,
            "defined again; YAML would silently keep only this one",
            hint="rename one of them, or merge them",
            related=(Related(span=at(EDGE, BASE, 20, "db"), label="first defined here"),),
        ),
    ]


NETWORKS = {
    BASE: "\n" * 21 + "    - {ports: [22], from: [anywhere]}\n" + "\n" * 8 + "    cidr: 10.20.128.0/17\n",
    PROD: "\n" * 8 + "    cidr: 10.20.0.0/16\n",
}


def overlap_and_warning() -> list[Diagnostic]:
    return [
        error(
            "MCIS212",
            "networks overlap",
            at(NETWORKS, PROD, 9, "10.20.0.0/16"),
            "overlaps 10.20.128.0/17 of network `main`",
            notes=("a vpn joins all its groups, so every range must be distinct",),
            hint="leave `cidr` out to let mcis choose, or use 10.21.0.0/16",
            related=(
                Related(span=at(NETWORKS, BASE, 31, "10.20.128.0/17"), label="set here (base manifest)"),
            ),
        ),
        Diagnostic(
            code="MCIS231",
            severity=Severity.WARNING,
            summary="open to the whole internet",
            span=at(NETWORKS, BASE, 22, "anywhere"),
            detail="port 22 reachable from anywhere on 3 VMs",
            hint="`from: [me]` is the address that runs mcis; `from: [mcis]` is the other VMs",
        ),
    ]


def no_offer() -> Diagnostic:
    trace = (
        "what removed them, in order:",
        "  within 60 ms of Seoul      left 86",
        "  vcpus >= 16                left 19",
        "  image debian-12            left 19",
        "  max_hourly 0.10            left  0   "
        "<- cheapest of the 19 was 0.41 (gcp asia-northeast3 e2-standard-16)",
    )
    return error(
        "MCIS301",
        "no offer fits",
        at({BASE: "\n" * 13 + "    placement:\n"}, BASE, 14, "placement"),
        "group `web`: 1248 offers considered, 0 left",
        notes=("\n".join(trace),),
        hint="raise max_hourly to 0.41, or ask for 8 vcpus (cheapest 0.09, aws ap-northeast-2)",
    )


# ---------------------------------------------------------------- the full form


def test_three_errors_of_one_file(golden) -> None:
    golden("diagnostics/three-errors.txt", render(three_errors(), EDGE, name=BASE))


def test_a_second_place_in_another_file_and_a_warning(golden) -> None:
    golden("diagnostics/overlap-and-warning.txt", render(overlap_and_warning(), NETWORKS, name="prod"))


def test_a_note_of_several_lines_is_indented(golden) -> None:
    texts = {BASE: "\n" * 13 + "    placement:\n"}
    golden("diagnostics/no-offer.txt", render([no_offer()], texts, name=BASE))


def test_an_error_without_a_place(golden) -> None:
    locked = Locked(
        summary="another operation holds this stack",
        detail="`mcis up` by kim@ci-7 (pid 4121) has held edge.prod for 42 min.",
        hint="wait for it, or if that process is gone: mcis unlock stacks/edge -e prod",
    )
    golden("diagnostics/locked.txt", error_text(locked, color=False))


def test_the_summary_may_speak_of_the_one_file_all_problems_are_in() -> None:
    here, there = (Span(file=file, line=1, column=1) for file in ("mcis.yaml", "prod.yaml"))
    assert place_of([error("MCIS101", "s", here), error("MCIS103", "s", here)]) == "mcis.yaml"
    assert place_of([error("MCIS101", "s", here), error("MCIS103", "s", there)]) == ""
    assert place_of([]) == ""


def test_a_diagnostic_without_a_place_keeps_its_code() -> None:
    text = render([error("MCIS208", "overlay not found", None, "prd.yaml", hint="-e prod?")], {}, name="x")
    assert text == "error[MCIS208]: overlay not found\n  prd.yaml\n\nhint: -e prod?\n\nx: 1 error\n"


def test_colour_adds_codes_and_nothing_else() -> None:
    colored = render(three_errors(), EDGE, color=True, name=BASE)
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(three_errors(), EDGE, name=BASE)
    assert "\x1b[1;31m" in colored


def test_nothing_wrong_is_ok() -> None:
    assert render([], {}, name="x.yaml") == "x.yaml: ok\n"


def caret(line: str, word: str) -> tuple[str, str]:
    texts = {"f": line}
    rows = render([error("MCIS101", "s", at(texts, "f", 1, word), "d")], texts, name="x").splitlines()
    return rows[3], rows[4]


def test_the_caret_stands_below_wide_characters() -> None:
    shown, mark = caret("이름: 값, bad: 1", "bad")
    assert shown == " 1 | 이름: 값, bad: 1"
    assert mark == "   | " + " " * 10 + "^^^ d"


def test_a_tab_takes_one_column() -> None:
    assert caret("a:\tbad", "bad") == (" 1 | a: bad", "   |    ^^^ d")


def test_a_very_long_line_is_cut_around_the_caret() -> None:
    shown, mark = caret("x" * 5000 + "bad" + "y" * 5000, "bad")
    assert len(shown) < 200
    assert shown[mark.index("^") : mark.index("^") + 3] == "bad"


def test_a_second_place_out_of_sight_is_left_out() -> None:
    texts = {"f": f"one: {'x' * 500} two"}
    near = Related(span=at(texts, "f", 1, "one"), label="here")
    text = render([error("MCIS104", "s", at(texts, "f", 1, "two"), "d", related=(near,))], texts, name="x")
    assert max(map(len, text.splitlines())) < 200
    assert "here" not in text


def test_nothing_of_a_file_can_drive_the_terminal() -> None:
    text = render(
        [error("MCIS101", "s", at({"f": "a\x1b[2Jb\u202ec"}, "f", 1, "a"), "\x1b]0;x\x07")], {}, name="\x1b"
    )
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_lines_beyond_99_widen_the_gutter() -> None:
    texts = {"f": "\n" * 122 + "bad"}
    rows = render(
        [error("MCIS101", "s", at(texts, "f", 123, "bad"), "d", notes=("n",))], texts, name="x"
    ).splitlines()
    assert rows[1:6] == ["   --> f:123:1", "    |", "123 | bad", "    | ^^^ d", "    = note: n"]


def test_a_text_that_is_not_at_hand_leaves_the_words() -> None:
    rows = render([error("MCIS101", "s", at({"f": "bad"}, "f", 1, "bad"), "d")], {}, name="x").splitlines()
    assert rows[:4] == ["error[MCIS101]: s", "  --> f:1:1", "   |", "   | d"]


# ---------------------------------------------------------------- forms for machines


@pytest.mark.parametrize("form", ["concise", "json", "github", "gitlab", "sarif"])
def test_a_form_for_machines(golden, form: str) -> None:
    ending = {"concise": "txt", "github": "txt"}.get(form, "json")
    texts = EDGE | {PROD: NETWORKS[PROD]}
    problems = [*three_errors(), *overlap_and_warning(), error("MCIS208", "overlay not found", None, "x")]
    golden(f"diagnostics/{form}.{ending}", render(problems, texts, format=form, name="x"))


@pytest.mark.parametrize("form", ["json", "gitlab", "sarif"])
def test_nothing_wrong_is_valid_json(form: str) -> None:
    assert json.loads(render([], {}, format=form, name="x")) is not None


def test_json_carries_the_whole_diagnostic() -> None:
    found = as_json(three_errors()[2])
    assert found["range"]["start"] == {"line": 25, "column": 3, "index": EDGE[BASE].rindex("db:")}
    assert found["related"][0]["label"] == "first defined here"
    assert found["doc"] == "mcis explain MCIS104"


def test_github_puts_the_most_severe_first() -> None:
    lines = render(overlap_and_warning()[::-1], NETWORKS, format="github", name="x").splitlines()
    assert [line.split()[0] for line in lines] == ["::error", "::warning"]


def test_github_escapes_what_would_end_a_field() -> None:
    odd = error("MCIS101", "a, b: 50%", None, "one\ntwo\r", hint="c::d")
    (line,) = render([odd], {}, format="github", name="x").splitlines()
    assert line == "::error title=MCIS101 a%2C b%3A 50%25::a, b: 50%25: one two%0Ac::d"


def test_sarif_has_what_the_standard_asks_for() -> None:
    log = json.loads(render([*three_errors(), *overlap_and_warning()], EDGE, format="sarif", name="x"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        for location in result["locations"]:
            region = location["physicalLocation"]["region"]
            assert region["startLine"] >= 1
            assert region["endColumn"] > region["startColumn"]


def test_sarif_names_absolute_files_as_uris_and_flags_not_at_all() -> None:
    span = Span(file="/a b/mcis.yaml", line=1, column=1)
    problems = [error("MCIS101", "s", span), error("MCIS101", "s", Span(file="--set", line=1, column=1))]
    one, two = json.loads(render(problems, {}, format="sarif", name="x"))["runs"][0]["results"]
    assert one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///a%20b/mcis.yaml"
    assert "locations" not in two


def test_gitlab_tells_equal_findings_apart_and_keeps_them_when_lines_move() -> None:
    def prints(line: int) -> list[str]:
        spans = [Span(file="f", line=line + n, column=1) for n in range(2)]
        report = json.loads(render([error("MCIS101", "s", s) for s in spans], {}, format="gitlab", name="x"))
        return [finding["fingerprint"] for finding in report]

    assert len(set(prints(1))) == 2
    assert prints(1) == prints(100)


@settings(max_examples=80)
@given(
    st.text(max_size=60), st.integers(1, 9), st.integers(1, 70), st.integers(0, 20), st.sampled_from(FORMATS)
)
@example("red \x1b[31m", 1, 1, 3, "full")
@example("red \x1b[31m", 1, 1, 3, "concise")
def test_any_text_and_place_can_be_rendered(text: str, line: int, column: int, width: int, form: str) -> None:
    span = Span(
        file="f",
        line=line,
        column=column,
        index=column,
        end_line=line,
        end_column=column + width,
        end_index=column,
    )
    problem = error(
        "MCIS101", text, span, text, notes=(text,), hint=text, related=(Related(span=span, label=text),)
    )
    shown = render([problem], {"f": text}, format=form, color=False, name=text)
    assert "\x1b" not in shown
