"""From a character of a scalar's value to its place in the file the scalar was written in."""

from __future__ import annotations

from collections.abc import Mapping

from mcis_iac.manifest.nodes import Lines, Node
from mcis_iac.model import Span

ESCAPED = {"x": 2, "u": 4, "U": 8}  # digits after the letter in double quotes


def place(node: Node, offset: int, texts: Mapping[str, str]) -> Span:
    """Where the character is; the whole scalar when its file's text is not at hand or was folded."""
    text, value = texts.get(node.span.file), node.value
    if text is None or not isinstance(value, str):
        return node.span
    raw = text[node.span.index : node.span.end_index]
    found = _in_block(raw, value, offset) if raw[:1] in {"|", ">"} else _in_line(raw, value, offset)
    if found is None:
        return node.span
    start = node.span.index + found
    end = min(max(start + 1, start + len(_word(value[offset:]))), node.span.end_index)
    return Lines.of(text, node.span.file).span(min(start, end), end)


def _word(rest: str) -> str:
    """What to mark: a run of letters, else one character."""
    length = next((at for at, sign in enumerate(rest) if not (sign.isalnum() or sign == "_")), len(rest))
    return rest[: max(1, length)]


def _in_block(raw: str, value: str, offset: int) -> int | None:
    """A literal block has the lines of its value below its head, each after the same indentation."""
    line_start = value.rfind("\n", 0, offset) + 1
    number = value.count("\n", 0, offset) + 1
    lines = raw.split("\n")
    written = value[line_start:].partition("\n")[0]
    if raw[0] != "|" or number >= len(lines) or not lines[number].rstrip("\r").endswith(written):
        return None
    before = sum(len(line) + 1 for line in lines[:number])
    return before + lines[number].rfind(written) + offset - line_start


def _in_line(raw: str, value: str, offset: int) -> int | None:
    """Quoted or plain, on one line or folded: walk along both."""
    quote = raw[0] if raw[:1] in {"'", '"'} else ""
    at = len(quote)
    for sign in value[:offset]:
        if at >= len(raw):
            return None
        if quote == '"' and raw[at] == "\\":
            at += 2 + ESCAPED.get(raw[at + 1 : at + 2], 0)
        elif quote == "'" and raw.startswith("''", at):
            at += 2
        elif raw[at] == sign:
            at += 1
        elif sign in " \n" and raw[at].isspace():  # a folded line, with the indentation of the next
            while at < len(raw) and raw[at].isspace():
                at += 1
        else:
            return None
    return at
