"""Acting on VMs that exist, over SSH: exec and ssh. The engine is not started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions import keys, known_hosts, openssh, run
from mcis_iac.errors import NotFoundError, UsageError
from mcis_iac.flows.ground import Standing, standing
from mcis_iac.model import NOTHING, HostResult, Vm
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
    stdin: bytes = b"",
) -> tuple[HostResult, ...]:
    """Run a command (or a local script file) on every selected VM; one result each, in their order."""
    here = standing(request)
    vms = _selected(here, selection)
    return run.execute(
        vms,
        command,
        login=_login(here, vms),
        on_output=on_output,
        timeout_s=timeout_s,
        serial=serial,
        sudo=sudo,
        script=_text_of(script) if script else None,
        setenv=setenv,
        stdin=stdin,
        parallel=request.parallel,
    )


def ssh_command(request: Request, vm: str, command: Sequence[str]) -> list[str]:
    """The system's ssh with the right key, host key and user, ready to exec."""
    here = standing(request)
    vms = _selected(here, Selection(vms=(vm,)))
    known_hosts.write(here.home.known_hosts, inventories.read(here.home.inventory).vms)
    return openssh.command_line(vms[0], _login(here, vms), here.home.known_hosts, command)


def _selected(here: Standing, selection: Selection) -> tuple[Vm, ...]:
    known = inventories.read(here.home.inventory)
    if not known.vms:
        raise NotFoundError(
            summary="this MCIS has no VMs here",
            detail=f"the last known inventory of {here.stack} is empty",
            hint=f"mcis up {here.request.words}".rstrip(),
        )
    return inventories.select(known, selection.groups, selection.vms)


def _login(here: Standing, vms: Sequence[Vm]) -> keys.Login:
    groups = here.mcis.groups if here.mcis else NOTHING
    declared = here.mcis.keys if here.mcis else NOTHING
    return keys.login((vm.group for vm in vms), groups, declared, here.home.private_key)


def _text_of(script: str) -> str:
    try:
        return Path(script).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(summary="cannot read the script", detail=f"{script}: {error}") from error
