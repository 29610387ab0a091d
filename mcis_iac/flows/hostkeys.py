"""Whose host key is trusted in this checkout, and when machines get one of their own.

Clouds that do not tell the keys of their machines have them sent: only the checkout that made such a
machine may trust that key, and only until the first login. Everybody else reads the keys from a file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions import known_hosts
from mcis_iac.actions.keyring import Keyring
from mcis_iac.actions.keys import Login
from mcis_iac.actions.ranges import fold_names
from mcis_iac.clouds import registry
from mcis_iac.engine.home import StackHome
from mcis_iac.errors import NotFoundError, UsageError
from mcis_iac.flows.ground import standing
from mcis_iac.model import Vm
from mcis_iac.pipeline import Request

if TYPE_CHECKING:
    from mcis_iac.actions.ssh import Client

FILE = "host_keys.jsonl"


def ring(home: StackHome) -> Keyring:
    """What this checkout knows."""
    return Keyring(home.folder / FILE)


def sent(vm: Vm) -> bool:
    """Whether the machine was sent its first key, so that others may have read it."""
    return registry.graph(vm.cloud).INJECTS_HOST_KEYS


def made(home: StackHome, vm: Vm) -> Vm:
    """This checkout has just made the VM: it may trust the key it sent. The VM with the keys to accept."""
    keys = ring(home)
    if sent(vm) and keys.of(vm) is None:
        keys.note(vm, known_hosts.keys_of(vm), own=False)
    return keys.over([vm])[0]


def trusted(home: StackHome, vms: Iterable[Vm]) -> tuple[Vm, ...]:
    """The VMs with the host keys to accept here: none for a machine that another checkout made."""
    keys = ring(home)
    known = keys.read()
    return tuple(
        vm
        if (vm.name in known and known[vm.name].id == vm.id) or not sent(vm)
        else replace(vm, host_key=None)
        for vm in keys.over(vms)
    )


def due(home: StackHome, vms: Iterable[Vm]) -> tuple[Vm, ...]:
    """Those that still have the key they were sent."""
    known = ring(home).read()
    return tuple(
        vm
        for vm in vms
        if sent(vm) and (trust := known.get(vm.name)) is not None and trust.id == vm.id and not trust.own
    )


def first_login(home: StackHome, vms: Sequence[Vm], known: Sequence[Vm], login: Login) -> tuple[Vm, ...]:
    """`known` with own keys for those of `vms` that had none yet; where that fails, the old one stays."""
    waiting = due(home, vms)
    if waiting:
        asyncio.run(_rotated(home, waiting, known, login))
    return trusted(home, known)


async def _rotated(home: StackHome, vms: Sequence[Vm], known: Sequence[Vm], login: Login) -> None:
    from mcis_iac.actions.ssh import Client

    client, settle = Client(login, known=known), settling(home)
    try:
        await asyncio.gather(*(settle(client, vm) for vm in vms))
    finally:
        await client.close()


def settling(home: StackHome) -> Callable[[Client, Vm], Awaitable[Vm]]:
    """Gives a machine that can be logged in to a host key of its own, if it has none: the VM with it."""
    keys = ring(home)

    async def settle(client: Client, vm: Vm) -> Vm:
        from mcis_iac.actions.rotation import rotate
        from mcis_iac.actions.ssh import HostError

        if not due(home, [vm]):
            return vm
        with suppress(HostError):
            return await rotate(client, vm, lambda vm, accepted, own: keys.note(vm, accepted, own=own))
        return keys.over([vm])[0]

    return settle


# ---------------------------------------------------------------- the file for others


def text(request: Request) -> str:
    """The known hosts of the stack, as OpenSSH reads them."""
    here = standing(request)
    known = inventories.read(here.home.inventory)
    if not known.vms:
        raise NotFoundError(
            summary="this MCIS has no VMs here",
            detail=f"the last known inventory of {here.stack} is empty",
            hint=f"mcis up {request.words}, or mcis refresh where another checkout made it",
        )
    return known_hosts.text(trusted(here.home, known.vms))


def read(request: Request, path: str) -> Mapping[str, str]:
    """Trust the keys in that file for the VMs it names; per VM whether its key is new, known or another.

    NotFoundError when it names none of them.
    """
    here = standing(request)
    known = inventories.read(here.home.inventory)
    try:
        content = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(summary="cannot read the known hosts", detail=f"{path}: {problem}") from problem
    found = known_hosts.keys_for(known.vms, known_hosts.parse(content, path))
    if not found:
        raise NotFoundError(
            summary="no host key of these VMs",
            detail=f"{path} names none of {fold_names(vm.name for vm in known.vms) or 'them'}",
            hint="write it in the checkout that made them: mcis known-hosts > FILE",
        )
    keys, told = ring(here.home), {}
    for vm, before in zip(known.vms, trusted(here.home, known.vms), strict=True):
        if vm.name in found:
            had = known_hosts.keys_of(before)
            told[vm.name] = "new" if not had else "known" if had == found[vm.name] else "changed"
            keys.note(vm, found[vm.name], own=True)
    current = replace(known, vms=keys.over(known.vms))
    inventories.write(here.home.inventory, current)
    known_hosts.write(here.home.known_hosts, trusted(here.home, current.vms))
    return told
