"""The host keys this checkout trusts for machines that do not tell theirs: the last line of each counts.

A machine gets a key with its first-boot instructions, which others may read; at the first login it makes
one of its own. Until that is known to work both are accepted, so no crash at any point locks us out. A
key belongs to one machine: the next one of the same name has another id, and begins anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mcis_iac.errors import McisError
from mcis_iac.model import Vm


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What a machine is known by. `own` = the key is its own and no longer the one it was sent."""

    id: str
    keys: tuple[str, ...]
    own: bool


class Keyring:
    """The file of one stack."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Mapping[str, Trust]:
        """VM name -> what it is known by; lines that a crash cut off are passed over."""
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return {}
        found = {}
        for line in lines:
            try:
                said = json.loads(line)
                found[said["vm"]] = Trust(id=said["id"], keys=tuple(said["keys"]), own=bool(said["own"]))
            except (ValueError, KeyError, TypeError):
                continue
        return found

    def note(self, vm: Vm, keys: Iterable[str], *, own: bool) -> None:
        """Trust exactly these keys from now on; on disk before the caller goes on."""
        said = {"vm": vm.name, "id": vm.id, "keys": list(keys), "own": own}
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                # A line that a crash cut off must not swallow this one.
                size = os.fstat(handle).st_size
                torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
                os.write(handle, (b"\n" if torn else b"") + json.dumps(said).encode() + b"\n")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as problem:
            raise McisError(
                summary="the host keys cannot be written",
                detail=f"{self._path}: {problem.strerror or problem}",
            ) from problem

    def of(self, vm: Vm) -> Trust | None:
        """What this very machine is known by."""
        trust = self.read().get(vm.name)
        return trust if trust is not None and trust.id == vm.id else None

    def over(self, vms: Iterable[Vm]) -> tuple[Vm, ...]:
        """The VMs with the keys that are trusted here; others keep what the stack says."""
        known = self.read()
        return tuple(_with(vm, known.get(vm.name)) for vm in vms)


def _with(vm: Vm, trust: Trust | None) -> Vm:
    same = trust is not None and trust.id == vm.id
    return replace(vm, host_key="\n".join(trust.keys)) if same and trust is not None else vm
