"""One stream of one VM: lines as they end, memory within its bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.actions.output import LONGEST_LINE, Stream


def streamed(chunks: list[bytes], keep: int = 1000) -> tuple[list[str], str]:
    lines: list[str] = []
    stream = Stream("stdout", keep, lambda _, line: lines.append(line))
    for chunk in chunks:
        stream.feed(chunk)
    stream.end()
    return lines, stream.text()


def test_lines_come_whole_however_they_were_cut() -> None:
    lines, text = streamed([b"a", b"b\nc\n\n", "é".encode()[:1], "é".encode()[1:], b"!"])
    assert lines == ["ab", "c", "", "é!"]
    assert text == "ab\nc\n\né!"


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert streamed([b"\xff\xfe\n"])[0] == ["\ufffd\ufffd"]


def test_a_windows_line_end_is_none_of_the_line() -> None:
    assert streamed([b"a\r\nb\r\n"])[0] == ["a", "b"]


def test_a_line_without_end_is_handed_out_in_pieces() -> None:
    lines, _ = streamed([b"x" * (LONGEST_LINE * 2 + 5)])
    assert [len(line) for line in lines] == [LONGEST_LINE, LONGEST_LINE, 5]


@given(st.lists(st.binary(max_size=30)), st.integers(min_value=1, max_value=40))
def test_the_end_is_kept_and_the_rest_counted(chunks: list[bytes], keep: int) -> None:
    whole = b"".join(chunks)
    _, text = streamed(chunks, keep)
    kept = whole[-keep:].decode("utf-8", "replace")
    left_out = len(whole) - keep
    assert text == (f"[the first {left_out} bytes are left out]\n{kept}" if left_out > 0 else kept)
