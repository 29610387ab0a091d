"""How each VM was when its cloud was last asked, so that a cloud that is silent for a while hides nothing.

A file of the checkout beside the inventory; what it says is worth something for a few minutes only.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcis_iac.actions.files import write_private
from mcis_iac.model import Status, Vm

KEPT_S = 300.0
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a VM was and when (RFC 3339, UTC); `id` tells whether it still is the same machine."""

    id: str
    status: Status
    at: str

    def age_s(self, now: datetime) -> float:
        """Seconds since."""
        seen = datetime.fromisoformat(self.at)
        return (now - (seen if seen.tzinfo else seen.replace(tzinfo=UTC))).total_seconds()

    def counts(self, vm: Vm, now: datetime) -> bool:
        """Whether it is of this machine and recent enough to stand for what nobody can be asked."""
        return self.id == vm.id and 0 <= self.age_s(now) <= KEPT_S


def read(path: Path) -> dict[str, Sighting]:
    """By VM name; nothing when there is no such file, or none that can be read: it is only a memory."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return {name: _sighting(entry) for name, entry in value["vms"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _sighting(entry: Mapping[str, Any]) -> Sighting:
    found = Sighting(id=str(entry["id"]), status=Status(entry["status"]), at=str(entry["at"]))
    datetime.fromisoformat(found.at)
    return found


def write(path: Path, known: Mapping[str, Sighting], vms: Iterable[str]) -> None:
    """Keep those of the VMs named; where nothing can be written, nothing is remembered."""
    kept = {
        name: {"id": known[name].id, "status": known[name].status.value, "at": known[name].at}
        for name in vms
        if name in known
    }
    with contextlib.suppress(OSError):
        write_private(path, json.dumps({"version": VERSION, "vms": kept}, ensure_ascii=False) + "\n")
