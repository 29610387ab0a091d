"""Long texts (what machines do at their first boot) as files with `@{words}` to be filled in.

A private host key never gets into a file: it becomes a word whose value is a config secret.
"""

from __future__ import annotations

import base64
import re
from binascii import Error
from collections.abc import Mapping
from dataclasses import dataclass

from mcis_iac.program.graph import Join, Ref, Secret, Value

MARK = "@{"
HOST_KEY = "host_key"
SHORT = 60
LONG_WORD = 8  # shorter ones may stand in a text by chance
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Text:
    """A text taken apart: the template, the references in it, its secret and how it is wrapped."""

    template: str
    refs: tuple[Ref, ...] = ()
    secret: str | None = None
    encoded: bool = False

    @property
    def suffix(self) -> str:
        """What a file of it is called."""
        if self.template.startswith("#cloud-config"):
            return ".yaml"
        return ".sh" if self.template.startswith("#!") else ".txt"


def taken_apart(value: Value) -> Text | None:
    """A long text; None for anything that is better written where it is used."""
    hidden = isinstance(value, Secret)
    inner = value.value if isinstance(value, Secret) else value
    parts = inner.parts if isinstance(inner, Join) else (inner,)
    pieces: list[str] = []
    refs: list[Ref] = []
    for part in parts:
        hidden = hidden or isinstance(part, Secret)
        plain = part.value if isinstance(part, Secret) else part
        if isinstance(plain, Ref):
            pieces.append(f"{MARK}ref_{len(refs)}}}")
            refs.append(plain)
        elif isinstance(plain, str) and MARK not in plain:
            pieces.append(plain)
        else:
            return None
    text = "".join(pieces)
    decoded = None if refs else _decoded(text)
    return _without_key(decoded or text, tuple(refs), hidden=hidden, encoded=decoded is not None)


def _without_key(text: str, refs: tuple[Ref, ...], *, hidden: bool, encoded: bool) -> Text | None:
    if "\n" not in text or (len(text) <= SHORT and not hidden):
        return None
    keys = {_dedented(text, found) for found in _KEY.finditer(text)}
    if len(keys) != 1:
        # A secret of another kind is kept as a whole.
        return None if hidden or keys else Text(text, refs, encoded=encoded)
    return Text(_KEY.sub(f"{MARK}{HOST_KEY}}}", text), refs, keys.pop(), encoded)


def _dedented(text: str, found: re.Match[str]) -> str:
    """The key without the indentation of the line it begins in, which filling it in gives back."""
    return found[0].replace("\n" + indentation(text, found.start()), "\n")


def indentation(text: str, position: int) -> str:
    """The blanks at the beginning of that position's line."""
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line if not line.strip() else ""


def _decoded(text: str) -> str | None:
    if len(text) <= SHORT or "\n" in text:
        return None
    try:
        plain = base64.b64decode(text, validate=True).decode()
    except (Error, ValueError):
        return None
    return plain if plain.startswith("#") and MARK not in plain else None


def with_words(template: str, words: Mapping[str, str]) -> str:
    """The template with those values turned into words."""
    for name, value in words.items():
        found = bounded(value) if len(value) < LONG_WORD or name == "vm" else re.compile(re.escape(value))
        template = found.sub(f"{MARK}{name}}}", template)
    return template


def bounded(word: str) -> re.Pattern[str]:
    """A word that is not a part of a longer one."""
    return re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])|(?<=-){re.escape(word)}(?![\w-])")
