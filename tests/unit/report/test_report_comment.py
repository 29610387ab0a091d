"""The comment on a pull request."""

from __future__ import annotations

import re
from dataclasses import replace

from fakes.pipeline import a_preview, mixed_preview, vm_change
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.model import Change, Op, PropertyChange
from mcis_iac.report.markdown import BUDGET, preview_comment

MARKER = "<!-- mcis-preview v1 ns=default mcis=edge env=prod -->"


def test_the_value_of_an_override_is_for_nobody_else() -> None:
    asked = replace(a_preview(), words="-e prod --set 'groups.web.setup.run=[login s3cret]'")
    text = preview_comment(asked)
    assert "apply: `mcis up -e prod --set groups.web.setup.run=...`" in text
    assert "s3cret" not in text


def test_the_comment_as_reviewed(golden):
    golden("screens/comment.md", preview_comment(mixed_preview(), commit="1a2b3c4d5e"))


def test_a_comment_without_changes(golden):
    golden("screens/comment-nothing.md", preview_comment(a_preview()))


def test_a_text_of_many_lines_is_shown_by_the_lines_that_differ():
    old = "\n".join(f"line {n}" for n in range(20))
    new = old.replace("line 7", "line seven")
    change = vm_change("web-1", Op.UPDATE, properties=(PropertyChange(path="userData", old=old, new=new),))
    text = preview_comment(a_preview(change))
    assert "\n-     line 7\n+     line seven\n" in text
    assert "line 15" not in text


def updates(count: int, size: int) -> list[Change]:
    return [
        Change(
            key=f"net/{number}",
            token="t",
            op=Op.UPDATE,
            properties=(PropertyChange(path="p", old="a" * size, new="b" * size),),
        )
        for number in range(count)
    ]


def test_too_long_drops_the_full_diff_first_and_keeps_the_table():
    text = preview_comment(a_preview(*updates(60, 2000)))
    assert len(text) <= BUDGET
    assert "Full diff" not in text
    assert "**Regions**" in text
    assert "`net/59`" in text


def test_much_too_long_ends_the_table_with_what_is_missing():
    text = preview_comment(a_preview(*updates(2000, 50)))
    assert len(text) <= BUDGET
    rows = len(re.findall(r"^\| ~ \|", text, re.MULTILINE))
    assert f"... and {2000 - rows} more" in text
    assert text.startswith(MARKER)
    assert text.rstrip().endswith("</sub>")


@given(st.text(alphabet="`~|<>@*_ab\n\x1b\u202e", max_size=60))
def test_what_comes_from_outside_cannot_leave_its_place(text):
    change = vm_change("web-1", Op.UPDATE, properties=(PropertyChange(path="a", old="x", new=text),))
    comment = preview_comment(a_preview(change, sources={"web-1": text}, notices=(text,)))
    table = [line for line in comment.splitlines() if line.startswith("| ~ |")]
    assert len(table) == 1
    assert len(re.findall(r"(?<!\\)\|", table[0])) == 6
    fences = re.findall(r"^(`{3,})(?:diff)?$", comment, re.MULTILINE)
    assert len(fences) == 2
    assert fences[0] == fences[1]
    assert "\x1b" not in comment
    inside = comment.split(fences[0])[1]
    assert not re.search(r"<(?!/?(details|summary|sub|!--))", comment.replace(inside, "")) or "<" not in text
