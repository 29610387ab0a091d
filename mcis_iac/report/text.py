"""Text for terminals: colour that can be switched off, width in columns, and no control characters.

Everything a user, a cloud or a remote machine wrote goes through `clean` before it reaches a screen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

INKS = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
    "cyan": "36",
    "dim": "2",
    "bold": "1",
}
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def wants_color(flag: str, environ: Mapping[str, str], *, tty: bool) -> bool:
    """Whether to colour: the flag, then NO_COLOR, FORCE_COLOR, TERM=dumb, at last the terminal."""
    if flag != "auto":
        return flag == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return tty and environ.get("TERM") != "dumb"


def paint(text: str, ink: str, *, color: bool) -> str:
    """The text in that ink, or as it is."""
    return f"\x1b[{INKS[ink]}m{text}\x1b[0m" if color and ink and text else text


def clean(text: str) -> str:
    """The text without escape sequences and control characters, on one line."""
    flat = _ESCAPES.sub("", text).replace("\t", " ").replace("\n", " ").replace("\r", "")
    return _CONTROL.sub("", flat)


def width_of(text: str) -> int:
    """How many columns the text takes: wide East Asian characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def without_place(key: str, place: str) -> str:
    """A resource's key without its place, which is shown beside it: `subnet/main/a`."""
    parts, named = key.split("/"), place.split("/")
    for at in range(len(parts) - len(named), 0, -1):
        if parts[at : at + len(named)] == named:
            return "/".join(parts[:at] + parts[at + len(named) :])
    return key


def plural(count: int, noun: str) -> str:
    """`1 VM`, `2 VMs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def seconds(value: float) -> str:
    """`0.3s`, `2m03s`."""
    if value < 60:  # noqa: PLR2004
        return f"{value:.1f}s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}m{rest:02d}s"


def folded(names: Iterable[str]) -> str:
    """VM names in short: `web-1 web-2 web-4 db-1` is `web[1-2,4],db-1`; the groups in their order."""
    groups: dict[str, list[int]] = {}
    for name in names:
        group, _, ordinal = name.rpartition("-")
        groups.setdefault(group, []).append(int(ordinal))
    return ",".join(_range(group, sorted(ordinals)) for group, ordinals in groups.items())


def _range(group: str, ordinals: list[int]) -> str:
    if len(ordinals) == 1:
        return f"{group}-{ordinals[0]}"
    runs: list[list[int]] = []
    for ordinal in ordinals:
        if runs and ordinal == runs[-1][-1] + 1:
            runs[-1].append(ordinal)
        else:
            runs.append([ordinal])
    parts = (f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"{group}[{','.join(parts)}]"
