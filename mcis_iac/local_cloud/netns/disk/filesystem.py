"""A machine's disk before its first boot: what hides the host, accounts, keys, names, the boot plan."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from mcis_iac.local_cloud.netns.disk import accounts
from mcis_iac.local_cloud.netns.disk.hiding import cached_survey
from mcis_iac.local_cloud.netns.disk.layer import Entry, complete, write
from mcis_iac.local_cloud.types import LocalCloudError, Machine

SSHD = "usr/sbin/sshd"
_LOCALHOST = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
_SHELLS = ("bin/bash", "bin/sh")


def image_root(image: str) -> Path:
    """The folder an image shows: "host" is `/`, "dir:/path" that folder."""
    kind, _, path = image.partition(":")
    root = Path("/") if kind == "host" else Path(path)
    if kind not in {"host", "dir"} or not root.is_absolute() or not root.is_dir():
        raise LocalCloudError(
            code="invalid", message=f"image {image!r} is neither `host` nor `dir:` and a folder"
        )
    if not (root / SSHD).is_file():
        raise LocalCloudError(
            code="invalid", message=f"image {image!r} has no /{SSHD}: install openssh-server in it"
        )
    return root


def prepare(machine: Machine, cloud: Path) -> None:
    """Write the machine's upper layer anew; what an earlier attempt left is removed."""
    image = image_root(machine.image)
    folder = machine.directory
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # the guest's root is nobody here, and passes through to `root/`
    for name in ("work", "root"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(mode=0o755)
        (folder / name).chmod(0o755)
    hidden = cached_survey(image, cloud) if machine.image == "host" else ()
    write(folder / "upper", complete([*hidden, *layout(machine, image)], image))
    boot = machine.boot
    plan = {"bootcmd": boot.bootcmd, "files": boot.files, "packages": boot.packages, "runcmd": boot.runcmd}
    _write_secret(folder / "boot.json", json.dumps(plan))


def layout(machine: Machine, image: Path) -> Iterator[Entry]:
    """What the machine has beyond its image."""
    passwd, group = _read(image / "etc/passwd"), _read(image / "etc/group")
    uid = 0 if machine.user == "root" else accounts.free_id(passwd, group)
    yield from _account_files(machine, image, passwd, group, uid)
    yield from _names(machine)
    yield from _ssh(machine, image)
    home = "root" if machine.user == "root" else f"home/{machine.user}"
    if machine.user != "root":
        yield from _skeleton(image, "root", 0, 0o700)
    yield from _skeleton(image, home, uid, 0o750)
    yield Entry(path=f"{home}/.ssh", kind="dir", mode=0o700, uid=uid, gid=uid)
    keys = machine.public_key.strip() + "\n"
    yield Entry(path=f"{home}/.ssh/authorized_keys", kind="file", mode=0o600, uid=uid, gid=uid, content=keys)


def _account_files(machine: Machine, image: Path, passwd: str, group: str, uid: int) -> Iterator[Entry]:
    shell = next((f"/{name}" for name in _SHELLS if os.path.lexists(image / name)), "/bin/sh")
    users = accounts.passwd_text(passwd, machine.user, uid, shell)
    names = [row[0] for row in accounts.rows(users)]
    shadow = accounts.group_id(group, "shadow")
    yield _file("etc/passwd", users)
    yield _file("etc/group", accounts.group_text(group, machine.user, uid, names))
    yield _file("etc/shadow", accounts.shadow_text(users), mode=0o640, gid=shadow)
    if (image / "usr/bin/sudo").exists():
        yield _file("etc/sudoers", accounts.SUDOERS, mode=0o440)
        yield Entry(path="etc/sudoers.d", kind="opaque", mode=0o750)
        yield _file("etc/sudoers.d/90-mcis", accounts.sudoers_line(machine.user), mode=0o440)


def _names(machine: Machine) -> Iterator[Entry]:
    yield _file("etc/hostname", f"{machine.name}\n")
    hosts = f"{_LOCALHOST}{machine.private_ip} {machine.name}\n"
    yield _file("etc/hosts", hosts)
    yield _file("etc/machine-id", os.urandom(16).hex() + "\n", mode=0o444)
    # An empty list means 127.0.0.1, where nothing listens: look-ups fail at once instead of after 10 s.
    yield _file("etc/resolv.conf", "# no name server is reachable from here\n")
    yield _file("usr/local/bin/systemctl", accounts.SYSTEMCTL, mode=0o755)


def _ssh(machine: Machine, image: Path) -> Iterator[Entry]:
    sshd = image / SSHD
    config = accounts.sshd_config(
        port=machine.ssh_port,
        user=machine.user,
        address=machine.private_ip,
        penalties=_has_penalties(sshd, sshd.stat().st_mtime),
    )
    yield _file("etc/ssh/sshd_config", config)
    yield _file("etc/ssh/ssh_host_ed25519_key", machine.host_private_key, mode=0o600)
    yield _file("etc/ssh/ssh_host_ed25519_key.pub", machine.host_public_key.strip() + "\n")


def sshd_command(image: Path) -> list[str]:
    """What a machine's pid 1 becomes.

    Without -r sshd loads itself and its settings anew for every connection, which is a third of the
    time of a login. From 9.8 on it is two programs and cannot do without.
    """
    sshd = image / SSHD
    alone = [] if _has_penalties(sshd, sshd.stat().st_mtime) else ["-r"]
    return [f"/{SSHD}", "-D", "-e", *alone]


@lru_cache(maxsize=8)
def _has_penalties(sshd: Path, changed: float) -> bool:  # noqa: ARG001 - part of the key
    """OpenSSH from 9.8 on; earlier ones refuse to start over a setting they do not know."""
    return b"persourcepenalties" in sshd.read_bytes()


def _skeleton(image: Path, home: str, uid: int, mode: int) -> Iterator[Entry]:
    """A home as `useradd` makes it; opaque, because the image's one belongs to somebody else."""
    yield Entry(path=home, kind="opaque", mode=mode, uid=uid, gid=uid)
    skeleton = image / "etc/skel"
    if not skeleton.is_dir():
        return
    for child in sorted(skeleton.iterdir()):
        if child.is_file() and not child.is_symlink():
            bits = stat.S_IMODE(child.stat().st_mode)
            text = _read(child)
            yield Entry(path=f"{home}/{child.name}", kind="file", mode=bits, uid=uid, gid=uid, content=text)


def _file(path: str, content: str, *, mode: int = 0o644, gid: int = 0) -> Entry:
    return Entry(path=path, kind="file", mode=mode, gid=gid, content=content)


def _read(path: Path) -> str:
    """Text of an image's file; a link is not followed, it could lead to the host's file."""
    try:
        return "" if path.is_symlink() else path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
