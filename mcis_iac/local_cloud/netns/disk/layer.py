# ruff: noqa: PTH101, PTH102 - byte paths: a hundred entries per machine
"""The upper layer of a machine's file system as values, and the writer that makes it real."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

OPAQUE = b"user.overlay.opaque"  # `user.`: the overlay is mounted inside a user namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One path of the layer, relative to its root.

    `dir` shows through to the image's folder, `opaque` hides what the image has there, `whiteout`
    makes a path vanish.
    """

    path: str
    kind: Literal["dir", "opaque", "whiteout", "file"]
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    content: str = ""

    def row(self) -> Mapping[str, Any]:
        return asdict(self)


def complete(entries: Iterable[Entry], image: Path) -> list[Entry]:
    """The entries, parents first: the last one of a path wins, missing parents look as in the image.

    A white-out with something below it becomes an opaque folder: the image's content stays hidden.
    """
    found = {entry.path: entry for entry in entries}
    for path in list(found):
        parent = path.rpartition("/")[0]
        while parent:
            if parent not in found:
                found[parent] = _like_image(parent, image)
            elif found[parent].kind == "whiteout":
                found[parent] = Entry(path=parent, kind="opaque")
            parent = parent.rpartition("/")[0]
    return [found[path] for path in sorted(found)]


def _like_image(path: str, image: Path) -> Entry:
    try:
        status = (image / path).lstat()
    except OSError:
        return Entry(path=path, kind="dir")
    if not stat.S_ISDIR(status.st_mode):
        return Entry(path=path, kind="dir")
    mode = stat.S_IMODE(status.st_mode)
    return Entry(path=path, kind="dir", mode=mode, uid=status.st_uid, gid=status.st_gid)


def write(upper: Path, entries: Iterable[Entry]) -> None:
    """Make `upper` hold exactly these entries (in the order of `complete`)."""
    shutil.rmtree(upper, ignore_errors=True)
    upper.mkdir(parents=True)
    upper.chmod(0o755)
    base = os.fsencode(upper) + b"/"
    whiteout = b""
    for entry in entries:
        path = base + os.fsencode(entry.path)
        if entry.kind != "whiteout":
            _write_one(path, entry)
        elif whiteout:
            os.link(whiteout, path)  # one inode for all of them, and faster
        else:
            os.mknod(path, stat.S_IFCHR, 0)
            whiteout = path


def _write_one(path: bytes, entry: Entry) -> None:
    if entry.kind == "file":
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        try:
            os.write(handle, entry.content.encode())
        finally:
            os.close(handle)
    else:
        os.mkdir(path)
        if entry.kind == "opaque":
            os.setxattr(path, OPAQUE, b"y")
    if entry.uid or entry.gid:
        os.chown(path, entry.uid, entry.gid)
    os.chmod(path, entry.mode)  # after chown, and past the umask
