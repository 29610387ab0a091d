"""Acting on VMs that exist, over SSH: exec and ssh. The engine is not started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions import keys, known_hosts, openssh, run
from mcis_iac.actions.jumps import Jumps
from mcis_iac.errors import NotFoundError, UsageError
from mcis_iac.flows import hostkeys
from mcis_iac.flows.ground import Standing, standing
from mcis_iac.model import NOTHING, HostResult, Inventory, Vm
from mcis_iac.pipeline import OnOutput, Request, Selection


def execute(
    request: Request,
    selection: Selection,
    command: Sequence[str],
    *,
    on_output: OnOutput,
    timeout_s: float | None = None,
    serial: int | None = None,
    sudo: bool = False,
    script: str | None = None,
    setenv: Mapping[str, str] = NOTHING,
    stdin: int | None = None,
) -> tuple[HostResult, ...]:
    """Run a command (or a local script file) on every selected VM; one result each, in their order."""
    here = standing(request)
    known = all_known(here)
    vms = inventories.select(known, selection.groups, selection.vms)
    opened = login(here, vms)
    known = replace(known, vms=hostkeys.first_login(here.home, vms, known.vms, opened))
    return run.execute(
        inventories.select(known, selection.groups, selection.vms),
        command,
        login=opened,
        on_output=on_output,
        timeout_s=timeout_s,
        serial=serial,
        sudo=sudo,
        script=_text_of(script) if script else None,
        setenv=setenv,
        stdin=b"" if stdin is None else stdin,
        parallel=request.parallel,
        known=known.vms,
    )


def ssh_command(request: Request, vm: str, command: Sequence[str]) -> list[str]:
    """The system's ssh with the right key, host key and user, ready to exec."""
    here = standing(request)
    known = all_known(here)
    (chosen,) = inventories.select(known, (), (vm,))
    opened = login(here, [chosen])
    way = list(openssh.way(chosen, Jumps(opened.via, known.vms)))
    current = hostkeys.first_login(here.home, [*way, chosen], known.vms, opened)
    *way, chosen = hostkeys.trusted(here.home, [*way, chosen])
    known_hosts.write(here.home.known_hosts, current)
    return openssh.command_line(chosen, opened, here.home.known_hosts, command, through=way)


def all_known(here: Standing) -> Inventory:
    """Every VM of the MCIS, with the host keys to accept; NotFoundError when there is none."""
    known = inventories.read(here.home.inventory)
    if not known.vms:
        raise NotFoundError(
            summary="this MCIS has no VMs here",
            detail=f"the last known inventory of {here.stack} is empty",
            hint=f"mcis up {here.request.words}".rstrip(),
        )
    return replace(known, vms=hostkeys.trusted(here.home, known.vms))


def login(here: Standing, vms: Sequence[Vm]) -> keys.Login:
    """Which keys open these VMs, and by which way they are reached."""
    groups = here.mcis.groups if here.mcis else NOTHING
    declared = here.mcis.keys if here.mcis else NOTHING
    return keys.login((vm.group for vm in vms), groups, declared, here.home.private_key)


def _text_of(script: str) -> str:
    try:
        return Path(script).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(summary="cannot read the script", detail=f"{script}: {error}") from error
