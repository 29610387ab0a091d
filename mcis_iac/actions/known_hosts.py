"""The OpenSSH known hosts file of a stack: what the user's own ssh, scp and rsync check against."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mcis_iac.actions.files import write_private
from mcis_iac.errors import McisError
from mcis_iac.model import Vm

SSH_PORT = 22


def pattern(vm: Vm) -> str:
    """How OpenSSH names the VM: its address, with the port when that is not 22."""
    return vm.address if vm.ssh_port == SSH_PORT else f"[{vm.address}]:{vm.ssh_port}"


def key_of(vm: Vm) -> str | None:
    """The host key without its comment; None while unknown."""
    return " ".join(vm.host_key.split()[:2]) if vm.host_key else None


def text(vms: Iterable[Vm]) -> str:
    """One line per VM with a known key, in the order given."""
    return "".join(f"{pattern(vm)} {key}\n" for vm in vms if (key := key_of(vm)))


def write(path: Path, vms: Iterable[Vm]) -> None:
    """Replace the file atomically."""
    try:
        write_private(path, text(vms))
    except OSError as problem:
        raise McisError(
            summary="the known hosts file cannot be written", detail=f"{path}: {problem.strerror or problem}"
        ) from problem


def read(path: Path) -> dict[str, str]:
    """The file's host pattern -> "type key"; empty when there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    entries = (line.split() for line in lines if line.strip() and not line.startswith("#"))
    return {host: " ".join(key[:2]) for host, *key in entries}
