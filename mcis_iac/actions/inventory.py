"""The VMs that exist: from the stack's output, in a file of the checkout, and selected by the user.

The file is what `exec`, `ssh` and `status` read without starting the engine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, fields, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from mcis_iac.actions import known_hosts
from mcis_iac.actions.files import write_private
from mcis_iac.actions.ranges import fold_names
from mcis_iac.errors import McisError, NotFoundError, OperationError
from mcis_iac.model import Failure, Inventory, Vm, VmFailure

OUTPUT = "inventory"
VERSION = 1


def from_outputs(outputs: Mapping[str, Any]) -> tuple[Vm, ...]:
    """The VMs of the stack output `inventory`, sorted by group and ordinal.

    An entry has the fields of `model.Vm` under their own names; `name` may be left out, it is the
    key. Entries without an id belong to VMs that were never made and are not VMs. Unknown fields
    are ignored. Raises OperationError for an entry that lacks something else.
    """
    entries = outputs.get(OUTPUT) or {}
    try:
        vms = [_vm({"name": name, **entry}) for name, entry in entries.items() if entry and entry.get("id")]
    except (AttributeError, KeyError, TypeError, ValueError, InvalidOperation) as problem:
        raise OperationError(
            summary="the stack's inventory is not readable", detail=_particulars(problem)
        ) from problem
    return _sorted(vms)


def read(path: Path) -> Inventory:
    """The inventory in that file; an empty one when there is no file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Inventory()
    except (OSError, UnicodeDecodeError) as problem:
        raise _damaged(path, problem) from problem
    try:
        return _inventory(json.loads(text))
    except (AttributeError, KeyError, TypeError, ValueError, InvalidOperation) as problem:
        raise _damaged(path, problem) from problem


def write(path: Path, inventory: Inventory) -> None:
    """Replace the file atomically (0600). Decimals become strings."""
    value = {"version": VERSION, **asdict(inventory)}
    text = json.dumps(value, indent=1, default=str, ensure_ascii=False)
    try:
        write_private(path, text + "\n")
    except OSError as problem:
        raise McisError(
            summary="the inventory cannot be written", detail=f"{path}: {problem.strerror or problem}"
        ) from problem


def select(inventory: Inventory, groups: Sequence[str] = (), vms: Sequence[str] = ()) -> tuple[Vm, ...]:
    """The VMs of those groups and of those names together; all of them when both are empty.

    Raises NotFoundError for a group or VM that does not exist, naming the one that was meant. A
    group whose VMs all failed to be created exists and selects nothing.
    """
    if not groups and not vms:
        return inventory.vms
    known_groups = {vm.group for vm in inventory.vms} | {vm.group for vm in inventory.failed}
    known_vms = {vm.name: None for vm in inventory.vms}
    for group in groups:
        if group not in known_groups:
            raise _unknown(group, sorted(known_groups), kind="group")
    for name in vms:
        if name not in known_vms:
            raise _unknown_vm(name, inventory)
    return tuple(vm for vm in inventory.vms if vm.group in groups or vm.name in vms)


def renamed(inventory: Inventory, groups: Mapping[str, str]) -> Inventory:
    """The inventory with groups under other names: old -> new; their VMs keep their ordinals."""

    def now(each: Any) -> Any:
        if each.group not in groups:
            return each
        group = groups[each.group]
        return replace(each, group=group, name=f"{group}{each.name.removeprefix(each.group)}")

    if not groups:
        return inventory
    vms = _sorted(map(now, inventory.vms))
    return replace(inventory, vms=vms, failed=tuple(map(now, inventory.failed)))


def _vm(entry: Mapping[str, Any]) -> Vm:
    values = {field.name: entry[field.name] for field in fields(Vm) if _given(field.name, entry)}
    values["ordinal"] = int(values["ordinal"])
    values["ssh_port"] = int(values.get("ssh_port") or known_hosts.SSH_PORT)
    if values.get("hourly_usd") is not None:
        values["hourly_usd"] = Decimal(str(values["hourly_usd"]))
    values["public_ip"] = values.get("public_ip") or None
    values["host_key"] = values.get("host_key") or None
    return Vm(**values)


def _given(name: str, entry: Mapping[str, Any]) -> bool:
    """Whether to take the field; KeyError when it is missing and nothing stands in for it."""
    optional = Vm.__dataclass_fields__[name].default is not MISSING or name in {"public_ip", "host_key"}
    if name in entry and (entry[name] is not None or optional):
        return True
    if optional:
        return False
    raise KeyError(name)


def _inventory(value: Mapping[str, Any]) -> Inventory:
    if value["version"] != VERSION:
        message = f"version {value['version']} of the file is not known here"
        raise ValueError(message)
    return Inventory(
        vms=tuple(_vm(entry) for entry in value["vms"]),
        failed=tuple(_failed(entry) for entry in value["failed"]),
        as_of=str(value["as_of"]),
        operation=str(value["operation"]),
        by=str(value["by"]),
        duration_s=float(value["duration_s"]),
    )


def _failed(entry: Mapping[str, Any]) -> VmFailure:
    return VmFailure(**{**entry, "failure": Failure(**entry["failure"])})


def _sorted(vms: Iterable[Vm]) -> tuple[Vm, ...]:
    return tuple(sorted(vms, key=lambda vm: (vm.group, vm.ordinal)))


def _particulars(problem: Exception) -> str:
    return f"no field {problem}" if isinstance(problem, KeyError) else str(problem) or type(problem).__name__


def _damaged(path: Path, problem: Exception) -> OperationError:
    return OperationError(
        summary="the inventory file is damaged",
        detail=f"{path}: {_particulars(problem)}",
        hint="write it anew from the stack: mcis refresh",
    )


def _unknown_vm(name: str, inventory: Inventory) -> NotFoundError:
    for failed in inventory.failed:
        if failed.name == name:
            return NotFoundError(
                summary="this VM does not exist: it failed to be created",
                detail=f"{name}: {failed.failure.message}",
                hint="try again: mcis up",
            )
    return _unknown(name, [vm.name for vm in inventory.vms], kind="VM")


def _unknown(name: str, known: Sequence[str], *, kind: str) -> NotFoundError:
    near = closest(name, known)
    have = fold_names(known) or "none at all"
    return NotFoundError(
        summary=f"no such {kind}",
        detail=f"`{name}`; there is {have}",
        hint=f"did you mean `{near}`?" if near else "",
    )


def closest(name: str, known: Iterable[str]) -> str | None:
    """The one known name that was probably meant: two typos away at most (one in a short word)."""
    limit = 1 if len(name) < 5 else 2  # noqa: PLR2004
    ranked = sorted((distance(name, other), other) for other in known)
    near = [entry for entry in ranked if entry[0] <= limit]
    if not near or (len(near) > 1 and near[0][0] == near[1][0]):
        return None
    return near[0][1]


def distance(one: str, other: str) -> int:
    """How many characters to change, insert, delete or swap with their neighbour."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, left in enumerate(one, 1):
        here = [row]
        for column, right in enumerate(other, 1):
            cost = min(here[-1] + 1, above[column] + 1, above[column - 1] + (left != right))
            if row > 1 and column > 1 and left == other[column - 2] and one[row - 2] == right:
                cost = min(cost, before[column - 2] + 1)
            here.append(cost)
        before, above = above, here
    return above[-1]
