"""Addresses that changed behind the engine's back: its state has those of before a resume."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mcis_iac.engine import record
from mcis_iac.engine.home import StackHome
from mcis_iac.model import Vm

MOVED = "addresses"


def moved(home: StackHome, moves: Mapping[str, Mapping[str, Any]]) -> None:
    """Note per VM name its `id`, and its public address as it `was` and is `now`."""
    record.append(home, MOVED, {"vms": {name: dict(move) for name, move in moves.items()}})


def current(home: StackHome, vms: Iterable[Vm]) -> tuple[Vm, ...]:
    """VMs as the state has them, with the addresses they have now; a refresh has written all earlier ones."""
    moves: list[Mapping[str, Any]] = []
    for line in record.read(home, MOVED, "operation"):
        if line["kind"] == MOVED:
            moves.append(line.get("vms") or {})
        elif line.get("verb") == "refresh":
            moves.clear()
    found = {vm.name: vm for vm in vms}
    for move in moves:
        for name, each in move.items():
            vm = found.get(name)
            if vm is not None and (vm.id, vm.public_ip) == (each.get("id"), each.get("was")):
                found[name] = replace(vm, public_ip=each.get("now"))
    return tuple(found.values())
