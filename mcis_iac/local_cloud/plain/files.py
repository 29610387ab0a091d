"""A plain machine on disk: a folder that stands for its root, key files beside it, volumes as links."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from mcis_iac.local_cloud.types import LocalCloudError, Machine

FOLDERS = ("etc", "home", "opt", "root", "srv", "tmp", "usr/local/bin", "var/lib/mcis", "var/log")
PLAN = "plan.json"
HOST_KEY = "hostkey"
LOGIN_KEY = "authorized_keys"
MOUNTS = "mounts.json"


def root(directory: Path) -> Path:
    """The folder that machine calls MCIS_ROOT."""
    return directory / "root"


def home(directory: Path, user: str) -> Path:
    return root(directory) / "home" / user


def prepare(machine: Machine) -> None:
    """Everything before the first boot; again after a broken try."""
    for name in (*FOLDERS, f"home/{machine.user}"):
        (root(machine.directory) / name).mkdir(parents=True, exist_ok=True)
    (root(machine.directory) / "etc/hostname").write_text(f"{machine.name}\n")
    _write(machine.directory / HOST_KEY, machine.host_private_key)
    _write(machine.directory / LOGIN_KEY, f"{machine.public_key}\n")
    _write(machine.directory / PLAN, json.dumps(asdict(machine.boot)))
    mount(machine)


def _write(path: Path, text: str) -> None:
    """A file only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def mount(machine: Machine) -> None:
    """Make the links of volumes what they should be."""
    wanted = {target: source for source, target in machine.mounts}
    record = machine.directory / MOUNTS
    present = json.loads(record.read_text()) if record.exists() else []
    for target in present:
        link = root(machine.directory) / target.lstrip("/")
        if target not in wanted and link.is_symlink():
            link.unlink()
    for target, source in wanted.items():
        _link(root(machine.directory) / target.lstrip("/"), source, target)
    record.write_text(json.dumps(sorted(wanted)))


def _link(link: Path, source: Path, target: str) -> None:
    if link.is_symlink():
        link.unlink()
    elif link.is_dir():
        try:
            link.rmdir()
        except OSError as error:
            message = f"there are files at the mount point {target} already"
            raise LocalCloudError(code="conflict", message=message) from error
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(source)
