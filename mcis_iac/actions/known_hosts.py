"""The OpenSSH known hosts file of a stack: what the user's own ssh, scp and rsync check against.

Each line names a VM by its address and by its name: ssh asks for the latter with `HostKeyAlias`, where
an address alone would not tell two machines in different networks apart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcis_iac.actions.files import write_private
from mcis_iac.errors import McisError, UsageError
from mcis_iac.model import Vm

SSH_PORT = 22
KINDS = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
HASHED = "|1|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of such a file: patterns of hosts, and the key ("type base64") they have."""

    hosts: tuple[str, ...]
    key: str

    def names(self, host: str) -> bool:
        """Whether the line is about that host: an address, `[address]:port` or a VM's name."""
        return any(_same(pattern, host) for pattern in self.hosts)


def pattern(vm: Vm) -> str:
    """How OpenSSH names the VM: its address, with the port when that is not 22."""
    return vm.address if vm.ssh_port == SSH_PORT else f"[{vm.address}]:{vm.ssh_port}"


def keys_of(vm: Vm) -> tuple[str, ...]:
    """All host keys that are accepted, without comments: two of them while one takes the other's place."""
    lines = (vm.host_key or "").splitlines()
    return tuple(" ".join(line.split()[:2]) for line in lines if line.strip())


def text(vms: Iterable[Vm]) -> str:
    """A line per VM and key, in the order given; VMs without a known key are left out."""
    return "".join(f"{pattern(vm)},{vm.name} {key}\n" for vm in vms for key in keys_of(vm))


def write(path: Path, vms: Iterable[Vm]) -> None:
    """Replace the file atomically."""
    try:
        write_private(path, text(vms))
    except OSError as problem:
        raise McisError(
            summary="the known hosts file cannot be written", detail=f"{path}: {problem.strerror or problem}"
        ) from problem


def parse(content: str, file: str) -> tuple[Line, ...]:
    """The lines of any OpenSSH known hosts file, hashed names included; certificates are passed over.

    Raises UsageError for a line that is none, and for keys that are marked as revoked.
    """
    found = []
    for number, line in enumerate(content.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#") or words[0] == "@cert-authority":
            continue
        if words[0] == "@revoked":
            raise _refused(file, number, "a revoked key; remove it from the machine first")
        if len(words) < 3 or not is_key(words[1], words[2]):  # noqa: PLR2004
            raise _refused(file, number, "expected: HOST[,HOST...] KEY-TYPE KEY")
        found.append(Line(hosts=tuple(words[0].split(",")), key=f"{words[1]} {words[2]}"))
    return tuple(found)


def keys_for(vms: Iterable[Vm], lines: Sequence[Line]) -> Mapping[str, tuple[str, ...]]:
    """VM name -> the keys the lines have for it: by its name where one of them says that, else by address."""
    found = {}
    for vm in vms:
        for host in (vm.name, pattern(vm)):
            keys = tuple(dict.fromkeys(line.key for line in lines if line.names(host)))
            if keys:
                found[vm.name] = keys
                break
    return found


def _same(pattern: str, host: str) -> bool:
    if not pattern.startswith(HASHED):
        return pattern == host
    salt, _, digest = pattern.removeprefix(HASHED).partition("|")
    try:
        mixed = hmac.digest(base64.b64decode(salt), host.encode(), hashlib.sha1)
        return hmac.compare_digest(mixed, base64.b64decode(digest))
    except ValueError:
        return False


def is_key(kind: str, blob: str) -> bool:
    """Whether these two words are a public key of a kind we take."""
    try:
        body = base64.b64decode(blob, validate=True)
    except ValueError:
        return False
    size = int.from_bytes(body[:4], "big")
    return kind in KINDS and body[4 : 4 + size] == kind.encode() and len(body) > 4 + size


def _refused(file: str, line: int, why: str) -> UsageError:
    return UsageError(summary="not a known hosts file", detail=f"{file}:{line}: {why}")
