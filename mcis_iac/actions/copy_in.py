"""What comes from a VM: a tar stream, taken apart as it arrives and put in place when it was whole.

Nothing in it is trusted. Files are kept under numbers beside their place until the checksum of the
stream is right; names and links that lead out of the tree are refused or left out.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mcis_iac.actions.copy_names import inside, leads_out, quoted

BLOCK = 512
LONGEST_NAME = 64 * 1024

# tee copies the stream to the checksum while it goes out: a log that grows meanwhile has one all the same.
SEND = """\
fail() {{ printf '%s\\n' "$*" >&2; exit 1; }}
src={src}
case $src in '~') src=$HOME;; '~/'*) src=$HOME/${{src#'~/'}};; esac
case $src in /*) ;; *) src=$PWD/$src;; esac
[ -e "$src" ] || fail "$src: no such file or folder"
[ -r "$src" ] || fail "$src: permission denied"
follow=
if [ -d "$src" ]; then
  [ -n "{recursive}" ] || fail "$src: a folder; add --recursive"
  cd -- "$src" || exit 1
  what=.
else
  cd -- "${{src%/*}}/" || exit 1
  what=./${{src##*/}} follow=h
fi
exec 3>&1 4>&2
{{ {{ tar --format=gnu -c${{follow}}f - "$what"; echo "mcis-exit $?" >&4; }} | tee /dev/fd/5 >&3; }} 5>&1 |
  sha256sum >&4
"""


class Refused(Exception):
    """The stream is not what was asked for; the text says why."""


@dataclass(slots=True, kw_only=True)
class _Entry:
    name: str
    mode: int
    number: int = -1
    target: str = ""
    size: int = 0


class Arrival:
    """Takes the stream of one VM: a sink for its stdout. `place` at the end, `discard` in any case."""

    def __init__(self, top: Path, *, received: Callable[[int], None] = lambda _: None) -> None:
        self.skipped: list[str] = []
        self.failure: Exception | None = None
        self._top = top
        self._received = received
        self._stage: Path | None = None
        self._digest = hashlib.sha256()
        self._entries: list[_Entry] = []
        self._pending = b""
        self._left = 0  # of the current member, its padding included
        self._data = 0  # of that, bytes of the file
        self._file: BinaryIO | None = None
        self._text: bytearray | None = None  # a member that says something about the next one
        self._next: dict[str, str] = {}
        self._number = 0
        self._over = False

    @property
    def files(self) -> int:
        """How many files have come."""
        return self._number

    @property
    def size(self) -> int:
        """Bytes of these files."""
        return sum(entry.size for entry in self._entries)

    def feed(self, data: bytes) -> None:
        """Take the next bytes; what goes wrong is kept in `failure`."""
        self._digest.update(data)
        if self.failure is not None or self._over:
            return
        try:
            self._take(data)
        except (OSError, Refused, tarfile.TarError, ValueError) as problem:
            self.failure = problem
            self._close()

    def end(self) -> None:
        """Nothing follows."""
        self._close()

    def place(self, checksum: str) -> None:
        """Put everything where it belongs; Refused when the stream was not whole, OSError as they come."""
        if self.failure is not None:
            raise self.failure
        if not self._over or checksum != self._digest.hexdigest():
            message = "what arrived is not what was sent (the checksum differs)"
            raise Refused(message)
        for entry in self._entries:
            self._place(entry)
        for entry in reversed(self._entries):
            if entry.number < 0 and not entry.target:
                self._at(entry.name).chmod(entry.mode)

    def discard(self) -> None:
        """Remove what was not put in place."""
        self._close()
        if self._stage is not None:
            shutil.rmtree(self._stage, ignore_errors=True)

    # ------------------------------------------------------------ the stream

    def _take(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self._over:
            if self._left:
                view = view[self._body(view[: self._left]) :]
                continue
            block = self._pending + bytes(view[: BLOCK - len(self._pending)])
            view = view[BLOCK - len(self._pending) :]
            self._pending = b"" if len(block) == BLOCK else block
            if len(block) == BLOCK:
                self._header(block)

    def _body(self, part: memoryview) -> int:
        wanted = part[: self._data]
        if self._file is not None:
            self._file.write(wanted)
            self._received(len(wanted))
        elif self._text is not None:
            self._text += wanted
        self._data -= len(wanted)
        self._left -= len(part)
        if not self._left:
            self._close()
            self._understand()
        return len(part)

    def _header(self, block: bytes) -> None:
        if not any(block):
            self._over = True
            return
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        self._data, self._left = info.size, info.size + -info.size % BLOCK
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            if info.size > LONGEST_NAME:
                message = "a name that is too long"
                raise Refused(message)
            self._text = bytearray()
            self._next["kind"] = "name" if info.type == tarfile.GNUTYPE_LONGNAME else "target"
            return
        self._member(info)

    def _understand(self) -> None:
        if self._text is not None:
            said = bytes(self._text).rstrip(b"\0").decode("utf-8", "surrogateescape")
            self._next[self._next.pop("kind")] = said
            self._text = None

    def _member(self, info: tarfile.TarInfo) -> None:
        name = inside(self._next.pop("name", info.name))
        target = self._next.pop("target", info.linkname)
        if name is None:
            message = f"a name that leads out of the tree: {info.name}"
            raise Refused(message)
        mode = info.mode & 0o777
        if info.isreg():
            self._entries.append(_Entry(name=name, mode=mode, number=self._number, size=info.size))
            self._file = (self._staged() / str(self._number)).open("xb")
            self._number += 1
            if not info.size:
                self._close()
        elif info.isdir():
            self._left = self._data = 0
            self._entries.append(_Entry(name=name, mode=mode | 0o700))
        elif info.issym() and not leads_out(name, target):
            self._entries.append(_Entry(name=name, mode=mode, target=target))
        elif info.islnk():
            self._again(name, mode, inside(target))
        else:
            why = "a link that leads out of the tree" if info.issym() else "neither a file nor a folder"
            self.skipped.append(f"{name}: {why}")

    def _again(self, name: str, mode: int, first: str | None) -> None:
        """A file that has come already, under another name."""
        known = next((e for e in self._entries if e.number >= 0 and e.name == first), None)
        if known is None:
            message = f"{name}: another name of a file that is not there"
            raise Refused(message)
        stage = self._staged()
        shutil.copyfile(stage / str(known.number), stage / str(self._number))
        self._entries.append(_Entry(name=name, mode=mode, number=self._number, size=known.size))
        self._number += 1

    def _staged(self) -> Path:
        if self._stage is None:
            self._stage = Path(tempfile.mkdtemp(prefix=".mcis-cp.", dir=self._top.parent))
        return self._stage

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    # ------------------------------------------------------------ its place

    def _at(self, name: str) -> Path:
        return self._top / name if name else self._top

    def _place(self, entry: _Entry) -> None:
        name = self._own_name(entry)
        path = self._at(name)
        for above in [*path.parents][: name.count("/")]:
            self._folder(above)
        if entry.number < 0 and not entry.target:
            self._folder(path)
            return
        staged = self._staged() / (str(entry.number) if entry.number >= 0 else "link")
        if entry.number >= 0:
            staged.chmod(entry.mode)
        else:
            staged.symlink_to(entry.target)
        os.replace(staged, path)  # noqa: PTH105 - Path.replace names the wrong file in its errors

    def _folder(self, path: Path) -> None:
        if path.is_symlink() and path != self._top:
            message = f"{path}: a link where a folder belongs"
            raise Refused(message)
        path.mkdir(exist_ok=True)

    def _own_name(self, entry: _Entry) -> str:
        """A file that was asked for by itself is the top."""
        alone = not any(each.number < 0 and not each.target for each in self._entries)
        return "" if alone else entry.name


def send(source: str, *, recursive: bool) -> str:
    """The shell text that sends a file or a folder from a VM, and its checksum over stderr."""
    return SEND.format(src=quoted(source), recursive="yes" if recursive else "")
