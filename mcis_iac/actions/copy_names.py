"""Names of files on the way between machines: which are allowed, and how a shell reads them."""

from __future__ import annotations

import shlex


def inside(name: str) -> str | None:
    """A path from an archive without `.` and doubled slashes, "" for the top; None when it leads out."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    return None if name.startswith("/") or ".." in parts else "/".join(parts)


def leads_out(link: str, target: str) -> bool:
    """Whether a symbolic link at that path of a tree points, or might point, outside of it.

    Steps up count only at the beginning: after the name of another link they start from elsewhere.
    """
    steps = [part for part in target.split("/") if part not in {"", "."}]
    up = next((at for at, part in enumerate(steps) if part != ".."), len(steps))
    return target.startswith("/") or ".." in steps[up:] or up > link.count("/")


def quoted(name: str) -> str:
    """The name as a word of a shell, whatever is in it."""
    return shlex.quote(name) if name.isascii() else "'" + name.replace("'", "'\"'\"'") + "'"


def encoded(text: str) -> bytes:
    """As the file system has it: names that are no text came as surrogates."""
    return text.encode("utf-8", "surrogateescape")
