"""What is sent to VMs: a file or a tree as one stream that a plain shell and tar unpack there.

The files travel under numbers, and a script at the end says where each belongs: no name has to survive
an archive. The far side keeps them apart until all checksums are right, then moves each into its place.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mcis_iac.actions.copy_names import encoded, leads_out, quoted
from mcis_iac.errors import UsageError

CHUNK = 256 * 1024
BLOCK = 512
SUMS, PLACES = "sums", "places"

# `$top` is where the source's own name belongs. What is there as a link is followed only if it was named.
RECEIVE = """\
fail() {{ printf '%s\\n' "$*" >&2; exit 1; }}
dst={dst} base={base}
case $dst in '~') dst=$HOME;; '~/'*) dst=$HOME/${{dst#'~/'}};; esac
case $dst in /*) ;; *) dst=$PWD/$dst;; esac
case $dst in */) [ -d "$dst" ] || mkdir -p -- "$dst" || exit 1;; esac
if [ -d "$dst" ]; then top=${{dst%/}}/$base; else top=$dst; fi
if [ -L "$top" ]; then top=$(readlink -f -- "$top") || fail "$top: a link that leads nowhere"; fi
home=${{top%/*}}/
[ -d "$home" ] || fail "$home: no such folder"
umask 077
stage=$(mktemp -d -- "$home.mcis-cp.XXXXXX") || exit 1
trap 'rm -rf -- "$stage"' EXIT
trap 'exit 129' HUP INT TERM PIPE
tar -xof - -C "$stage" || exit 1
cd -- "$stage" || exit 1
quick() {{  # openssl uses what the processor has for it
  command -v openssl >/dev/null || return
  [ "$(cut -c67- sums | xargs openssl dgst -sha256 -r | tr '*' ' ')" = "$(cat sums)" ]
}}
if [ -s sums ] && ! quick 2>/dev/null && ! sha256sum -c --status sums; then
  sha256sum -c sums 2>/dev/null | sed -n 's/^\\([0-9]*\\): FAILED.*/differs \\1/p' >&2
  exit 1
fi
d() {{
  if [ -n "$1" ] && [ -L "$top$1" ]; then fail "$top$1: a link where a folder belongs"; fi
  [ -d "$top$1" ] || mkdir -- "$top$1" || exit 1
}}
f() {{ chmod "$2" "$1" && mv -fT -- "$1" "$top$3" || exit 1; }}
l() {{ ln -s -- "$1" link && mv -fT -- link "$top$2" || exit 1; }}
m() {{ chmod "$1" -- "$top$2" || exit 1; }}
. ./places
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing in the tree; `name` is its path below the source, "" for the source itself."""

    name: str
    mode: int
    kind: str  # file, folder or link
    size: int = 0
    target: str = ""


@dataclass(slots=True, kw_only=True)
class Parcel:
    """A source with all that belongs to it. `skipped` are names with the reason they stay behind."""

    source: Path
    entries: tuple[Entry, ...]
    skipped: tuple[str, ...] = ()
    sums: list[str] = field(default_factory=list)

    @property
    def files(self) -> tuple[Entry, ...]:
        """The files, in the order of their numbers."""
        return tuple(entry for entry in self.entries if entry.kind == "file")

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)

    def name_of(self, number: int) -> str:
        """What a file is called here."""
        return str(self._path(self.files[number]))

    def seal(self) -> None:
        """Compute the checksums; takes as long as reading everything, so do it in a thread.

        UsageError for what cannot be read.
        """
        try:
            self.sums = [_checksum(self._path(entry)) for entry in self.files]
        except OSError as problem:
            raise _unreadable(problem, self.source) from problem

    def receive(self, target: str) -> str:
        """The shell text that takes the stream on a VM and puts everything in place below `target`."""
        return RECEIVE.format(dst=quoted(target or "."), base=quoted(self.source.resolve().name))

    async def chunks(self, sent: Callable[[int], None]) -> AsyncIterator[bytes]:
        """The stream, after `seal`; `sent` is told how many bytes of files went out."""
        for number, entry in enumerate(self.files):
            yield _header(str(number), entry.size)
            for chunk in _contents(self._path(entry), entry.size):
                yield chunk
                sent(len(chunk))
            yield bytes(-entry.size % BLOCK)
        lines = "".join(f"{sum}  {number}\n" for number, sum in enumerate(self.sums))
        for name, text in ((SUMS, lines), (PLACES, self._places())):
            body = encoded(text)
            yield _header(name, len(body)) + body + bytes(-len(body) % BLOCK)
        yield bytes(2 * BLOCK)

    def _path(self, entry: Entry) -> Path:
        return self.source / entry.name if entry.name else self.source

    def _places(self) -> str:
        """Folders first, their modes last: one that may not be written would take nothing any more."""
        number, lines, modes = 0, [], []
        for entry in self.entries:
            where = quoted(f"/{entry.name}" if entry.name else "")
            if entry.kind == "file":
                lines.append(f"f {number} {entry.mode:o} {where}\n")
                number += 1
            elif entry.kind == "link":
                lines.append(f"l {quoted(entry.target)} {where}\n")
            else:
                lines.append(f"d {where}\n")
                modes.append(f"m {entry.mode:o} {where}\n")
        return "".join((*lines, *reversed(modes)))


def pack(source: str, *, recursive: bool) -> Parcel:
    """Look at everything that is to be sent; UsageError for what is not there or cannot be read."""
    path = Path(source).expanduser()
    skipped: list[str] = []
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode) and not recursive:
            raise UsageError(summary="this is a folder", detail=source, hint="add --recursive")
        if not os.access(path, os.R_OK):
            raise PermissionError(13, "permission denied")
        entries = tuple(_tree(path, "", about, skipped))
    except OSError as problem:
        raise _unreadable(problem, path) from problem
    return Parcel(source=path, entries=entries, skipped=tuple(skipped))


def _unreadable(problem: OSError, source: Path) -> UsageError:
    return UsageError(
        summary="cannot read what is to be copied",
        detail=f"{problem.filename or source}: {(problem.strerror or str(problem)).lower()}",
    )


def _tree(path: Path, name: str, about: os.stat_result, skipped: list[str]) -> Iterator[Entry]:
    mode = stat.S_IMODE(about.st_mode)
    if stat.S_ISREG(about.st_mode):
        yield Entry(name=name, mode=mode, kind="file", size=about.st_size)
    elif stat.S_ISLNK(about.st_mode):
        target = os.readlink(path)  # noqa: PTH115 - as it is written, not as a path
        if leads_out(name, target):
            skipped.append(f"{name}: a link that leads out of the tree")
        else:
            yield Entry(name=name, mode=mode, kind="link", target=target)
    elif stat.S_ISDIR(about.st_mode):
        yield Entry(name=name, mode=mode, kind="folder")
        for below in sorted(path.iterdir()):
            inner = f"{name}/{below.name}" if name else below.name
            yield from _tree(below, inner, below.lstat(), skipped)
    else:
        skipped.append(f"{name or path.name}: neither a file nor a folder")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


def _contents(path: Path, size: int) -> Iterator[bytes]:
    """Exactly so many bytes; a file that has become shorter is filled up, and its checksum tells."""
    with path.open("rb") as file:
        left = size
        while left > 0:
            chunk = file.read(min(CHUNK, left)) or bytes(min(CHUNK, left))
            left -= len(chunk)
            yield chunk
