"""What of the host's file system a guest does not get to see, as entries for its upper layer.

By allow-list: of the top level only programs, libraries and settings stay, and of settings and
state (/etc, /var) only what every user of the host may read. Reads the host, writes nothing but
the cache of its findings.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import time
from collections.abc import Container, Iterator
from functools import lru_cache
from pathlib import Path

from mcis_iac.local_cloud.netns.disk.layer import Entry

VISIBLE = re.compile(r"bin|sbin|lib\w*|usr|etc|var")
EMPTY = {
    "boot": 0o755,
    "dev": 0o755,
    "home": 0o755,
    "media": 0o755,
    "mnt": 0o755,
    "opt": 0o755,
    "proc": 0o555,
    "root": 0o700,
    "run": 0o755,
    "srv": 0o755,
    "sys": 0o555,
    "tmp": 0o1777,
}
# Emptied whoever may read them: logs, queues and leftovers of the host.
EMPTIED = ("var/log", "var/mail", "var/spool", "var/tmp", "etc/ssh/sshd_config.d")
# Programs expect the folders in these to exist.
KEEP_FOLDERS = ("var/log", "var/spool")
# Gone: other machines' and containers' disks, and what would act in the guest as it does on the host.
REMOVED = (
    *("etc/fstab", "etc/nologin", "etc/rc.local", "var/backups", "var/crash"),
    *("var/lib/containerd", "var/lib/containers", "var/lib/docker", "var/lib/kubelet", "var/lib/libvirt"),
    *("var/lib/lxc", "var/lib/lxd", "var/lib/machines", "var/lib/mcis-iac", "var/lib/rancher"),
)
_READ = stat.S_IROTH
_ENTER = stat.S_IROTH | stat.S_IXOTH
_MAX_AGE_S = 600.0
_PARENT_DEPTH = 4  # ("/", "var", "lib", "x"): high enough to hide nothing but local clouds


def survey(root: Path, cloud: Path) -> list[Entry]:
    """Everything to hide below `root`, parents first. `cloud` is the local cloud's own folder."""
    found = {entry.path: entry for entry in _top(root)}
    for path in (*REMOVED, *_own(root, cloud), *_host_keys(root)):
        if os.path.lexists(root / path):
            found[path] = Entry(path=path, kind="whiteout")
    for path in EMPTIED:
        found.update((entry.path, entry) for entry in _emptied(root, path))
    for top in ("etc", "var"):
        found.update((entry.path, entry) for entry in _unreadable(root, top, frozenset(found)))
    # Below an emptied folder a white-out would show as a name.
    return [
        found[path] for path in sorted(found) if found[path].kind != "whiteout" or not _covered(path, found)
    ]


def _covered(path: str, found: Container[str]) -> bool:
    return any(str(parent) in found for parent in Path(path).parents)


def cached_survey(root: Path, cloud: Path) -> tuple[Entry, ...]:
    """The survey of the last minutes: it costs 0.1 s and a batch asks once per machine."""
    cache = cloud / "hidden.json"
    try:
        written = cache.stat().st_mtime
        if time.time() - written < _MAX_AGE_S:
            return _load(cache, written)
    except (OSError, ValueError, TypeError):
        pass  # missing, half-written or of another version: look again
    found = survey(root, cloud)
    aside = cache.with_suffix(f".{os.getpid()}")
    aside.write_text(json.dumps([entry.row() for entry in found]))
    aside.replace(cache)
    return tuple(found)


@lru_cache(maxsize=4)
def _load(cache: Path, written: float) -> tuple[Entry, ...]:  # noqa: ARG001 - part of the key
    return tuple(Entry(**row) for row in json.loads(cache.read_text()))


def _top(root: Path) -> Iterator[Entry]:
    for name in (child.name for child in root.iterdir()):
        if not VISIBLE.fullmatch(name) and name not in EMPTY:
            yield Entry(path=name, kind="whiteout")
    for name, mode in EMPTY.items():
        yield Entry(path=name, kind="opaque", mode=mode)


def _unreadable(root: Path, top: str, hidden: frozenset[str]) -> Iterator[Entry]:
    """Files as white-outs; folders emptied, because services look for them."""
    pending = [top]
    while pending:
        for path, status in _children(root, pending.pop()):
            if path in hidden or stat.S_ISLNK(status.st_mode):
                continue
            if not stat.S_ISDIR(status.st_mode):
                if not status.st_mode & _READ:
                    yield Entry(path=path, kind="whiteout")
            elif status.st_mode & _ENTER == _ENTER:
                pending.append(path)
            else:
                yield _opaque(path, status)


def _children(root: Path, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """What is in a folder now; the host goes on working while we look."""
    try:
        with os.scandir(root / folder) as children:
            for child in children:
                with contextlib.suppress(OSError):
                    yield f"{folder}/{child.name}", child.stat(follow_symlinks=False)
    except OSError:
        return


def _emptied(root: Path, path: str) -> Iterator[Entry]:
    folder = root / path
    if folder.is_symlink() or not folder.is_dir():
        return
    yield _opaque(path, folder.stat())
    if path in KEEP_FOLDERS:
        for child in os.scandir(folder):
            if child.is_dir(follow_symlinks=False):
                yield _opaque(f"{path}/{child.name}", child.stat())


def _own(root: Path, cloud: Path) -> list[str]:
    """Where this cloud and its sisters keep their disks and keys."""
    parent = cloud.parent
    hidden = parent if len(parent.parts) >= _PARENT_DEPTH else cloud
    return [str(hidden.relative_to(root))] if hidden.is_relative_to(root) else []


def _host_keys(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in (root / "etc/ssh").glob("ssh_host_*")]


def _opaque(path: str, status: os.stat_result) -> Entry:
    mode = stat.S_IMODE(status.st_mode)
    return Entry(path=path, kind="opaque", mode=mode, uid=status.st_uid, gid=status.st_gid)
