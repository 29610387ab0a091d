"""Carrying out a change of power: targets first, then the clouds, then what is known of addresses.

The caller holds the stack and has decided about every VM.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions import keys, known_hosts, run
from mcis_iac.actions.power import Batch, Boots, Ended, Pace, drive
from mcis_iac.actions.targets import DEADLINE_S, Target
from mcis_iac.actions.transitions import Control
from mcis_iac.clouds import registry
from mcis_iac.engine.events import Event
from mcis_iac.errors import McisError
from mcis_iac.flows import addresses, hostkeys, pending
from mcis_iac.flows.footing import Met
from mcis_iac.flows.ground import Standing
from mcis_iac.model import NOTHING, Subject, Vm

ASK_S = 10.0  # for a boot id


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to do to which VMs; `serial` of them at a time (None = all at once)."""

    here: Standing
    control: Control
    met: Sequence[Met]
    serial: int | None = None

    @property
    def deadline_s(self) -> float:
        """How long each may take."""
        return self.here.request.timeout_s or DEADLINE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """How each ended, by name; of those that were begun, who is missing is on the way.

    `stopped`: by the user.
    """

    ended: Mapping[str, Ended]
    begun: frozenset[str] = frozenset()
    stopped: bool = False


def carry_out(order: Order, pace: Pace | None = None) -> Carried:
    """Do it; after a failure no further VMs of a series are begun."""
    run_id = uuid.uuid4().hex[:12]
    found: dict[str, Ended] = {}
    begun: set[str] = set()
    stopped = False
    for wave in _waves(order):
        begun |= {each.vm.name for each in wave}
        told, stopped = _wave(order, run_id, wave, pace or Pace(deadline_s=order.deadline_s))
        found |= told
        if stopped or any(each.failure for each in told.values()):
            break
    _keep(order, found.values())
    return Carried(ended=found, begun=frozenset(begun), stopped=stopped)


def _waves(order: Order) -> Iterator[Sequence[Met]]:
    size = order.serial or len(order.met) or 1
    for start in range(0, len(order.met), size):
        yield order.met[start : start + size]


def _wave(order: Order, run_id: str, wave: Sequence[Met], pace: Pace) -> tuple[dict[str, Ended], bool]:
    found: dict[str, Ended] = {}

    def tell(ended: Ended) -> None:
        found[ended.vm.name] = ended
        _tell(order, ended)

    boots, booted = _boot_ids(order, wave)
    began = {each.vm.name: each.seen.booted_at for each in wave if each.seen}
    targets = pending.begin(
        order.here.home,
        order.control,
        run_id,
        [each.vm for each in wave],
        booted=began if order.control is Control.REBOOT else NOTHING,
        deadline_s=order.deadline_s,
    )
    for each in wave:
        order.here.request.listen(_event(order, "op_start", each.vm))
    try:
        went = drive(order.control, list(_batches(order, wave, targets, boots, booted)), pace, tell)
    finally:
        pending.end(order.here.home, run_id, found)
    return found, not went


def _batches(
    order: Order, wave: Sequence[Met], targets: Mapping[str, Target], boots: Boots, booted: Mapping[str, str]
) -> Iterator[Batch]:
    """One per connection and region."""
    places: dict[tuple[str, str], list[Vm]] = {}
    for each in wave:
        places.setdefault((each.vm.connection, each.vm.region), []).append(each.vm)
    for (name, _), vms in places.items():
        connection = order.here.connections[name]
        yield Batch(
            connection=connection,
            module=registry.lifecycle(connection.cloud),
            vms=vms,
            targets=targets,
            boots=boots,
            booted={vm.name: booted[vm.name] for vm in vms if vm.name in booted},
        )


# ---------------------------------------------------------------- whether it is another boot


def _boot_ids(order: Order, wave: Sequence[Met]) -> tuple[Boots, Mapping[str, str]]:
    """How to read boot ids over SSH, and those of now, of machines whose clouds do not tell their start."""
    unclear = [each.vm for each in wave if each.seen is not None and each.seen.booted_at is None]
    if order.control is not Control.REBOOT or not unclear:
        return (lambda _: {}), {}
    mcis = order.here.mcis
    groups, declared = (mcis.groups, mcis.keys) if mcis else (NOTHING, NOTHING)
    try:
        login = keys.login((vm.group for vm in unclear), groups, declared, order.here.home.private_key)
    except McisError:  # nobody can log in: the cloud has to tell
        return (lambda _: {}), {}

    def read(vms: Sequence[Vm]) -> Mapping[str, str]:
        home = order.here.home
        known = hostkeys.trusted(home, inventories.read(home.inventory).vms)  # some may be jump hosts
        ask, vms = ["cat", "/proc/sys/kernel/random/boot_id"], hostkeys.trusted(home, vms)
        try:
            told = run.execute(vms, ask, login=login, timeout_s=ASK_S, known=known)
        except McisError:
            return {}
        return {each.vm: each.stdout.strip() for each in told if each.ok and each.stdout.strip()}

    return read, read(unclear)


# ---------------------------------------------------------------- what is told and kept


def _tell(order: Order, ended: Ended) -> None:
    fields: dict[str, Any] = {"elapsed_s": round(ended.elapsed_s, 3)}
    kind = "op_complete"
    if ended.failure is not None:
        kind = "op_failed"
        fields["error"] = {
            "code": ended.failure.code,
            "severity": "error",
            "summary": ended.failure.message,
            "stage": ended.failure.stage,
        }
    order.here.request.listen(_event(order, kind, ended.vm, **fields))


def _event(order: Order, kind: str, vm: Vm, **fields: Any) -> Event:
    subject = Subject(group=vm.group, vm=vm.name, connection=vm.connection, cloud=vm.cloud, region=vm.region)
    told = {"op": order.control.value, "name": vm.name, **fields}
    return Event(kind=kind, mcis=order.here.name, env=order.here.env, subject=subject, fields=told)


def _keep(order: Order, ended: Iterable[Ended]) -> None:
    """Addresses may be others after a start: inventory and known hosts follow, the record says from what."""
    if order.control is Control.SUSPEND:
        return
    now = {each.vm.name: each.seen.public_ip for each in ended if each.seen and not each.failure}
    known = inventories.read(order.here.home.inventory)
    moved = {
        vm.name: {"id": vm.id, "was": vm.public_ip, "now": now[vm.name]}
        for vm in known.vms
        if vm.name in now and vm.public_ip != now[vm.name]
    }
    if not moved:
        return
    vms = tuple(replace(vm, public_ip=now[vm.name]) if vm.name in moved else vm for vm in known.vms)
    inventories.write(order.here.home.inventory, replace(known, vms=vms))
    known_hosts.write(order.here.home.known_hosts, vms)
    addresses.moved(order.here.home, moved)
