"""The first boot of a plain machine: the same steps, log and marker as on any other backend.

Steps run one after the other as ordinary processes in the machine's folder; the first that fails
ends them. /etc/rc.local of the folder runs at every start, after the first boot.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mcis_iac.local_cloud.plain import files
from mcis_iac.local_cloud.plain.guest import Guest

MARKER = "var/lib/mcis/first-boot.json"
LOG = "var/log/cloud-init-output.log"
RC_LOCAL = "etc/rc.local"
RC_LOCAL_LOG = "var/log/rc.local.log"
EXECUTABLE = 0o100


class StepFailed(Exception):
    """One step went wrong; the later ones are not run."""

    def __init__(self, step: str, exit_status: int) -> None:
        super().__init__(step)
        self.step = step
        self.exit_status = exit_status


def load(guest: Guest) -> Mapping[str, Any] | None:
    """The plan of a machine that was never up; None = its first boot is past."""
    path = guest.directory / files.PLAN
    return dict(json.loads(path.read_text())) if guest.first and path.exists() else None


async def before_ssh(guest: Guest, plan: Mapping[str, Any]) -> bool:
    """bootcmd and files, before anybody can log in; False = failed, and marked so."""
    try:
        await _commands(guest, "bootcmd", plan["bootcmd"])
        for path, content, mode, _ in plan["files"]:
            _write(guest, path, content, mode)
    except StepFailed as failure:
        mark(guest, "failed", failure.step, failure.exit_status)
        return False
    return True


async def beside_ssh(guest: Guest, plan: Mapping[str, Any] | None) -> None:
    """The rest of the first boot, if there is one, then /etc/rc.local."""
    if plan is not None:
        try:
            _packages(plan["packages"])
            await _commands(guest, "runcmd", plan["runcmd"])
            mark(guest, "done", None, 0)
        except StepFailed as failure:
            mark(guest, "failed", failure.step, failure.exit_status)
        (guest.directory / files.PLAN).unlink(missing_ok=True)  # user data may hold secrets
    elif not (guest.root / MARKER).exists():
        mark(guest, "failed", "interrupted: the machine was stopped during its first boot", None)
    await _rc_local(guest)


def mark(guest: Guest, result: str, step: str | None, exit_status: int | None) -> None:
    """Written aside and renamed: a reader never sees half of it."""
    path = guest.root / MARKER
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"result": result, "step": step, "exit_status": exit_status}) + "\n")
    fresh.rename(path)


def _write(guest: Guest, path: str, content: str, mode: int) -> None:
    """The owner is always the account that runs the machine."""
    target = guest.root / path.lstrip("/")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        target.chmod(mode & 0o777)
    except OSError as error:
        raise StepFailed(step=f"write_files {path}: {error}", exit_status=1) from error


def _packages(names: Sequence[str]) -> None:
    """Nothing can be installed without root; a program the host has is as good."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        step = f"packages: cannot be installed without root, and not on this host: {' '.join(missing)}"
        raise StepFailed(step=step, exit_status=1)


async def _commands(guest: Guest, stage: str, commands: Sequence[str]) -> None:
    for number, command in enumerate(commands, 1):
        status = await _call(guest, ["/bin/sh", "-c", command], guest.root / LOG)
        if status:
            raise StepFailed(step=f"{stage} {number}: {command}", exit_status=status)


async def _call(guest: Guest, command: Sequence[str], log: Path) -> int:
    """Run and wait; 128 + signal for a killed one, as a shell says it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = await guest.start(
            *command, cwd=guest.root, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        status = await child.wait()
    finally:
        guest.ended(child)
    return status if status >= 0 else 128 - status


async def _rc_local(guest: Guest) -> None:
    script = guest.root / RC_LOCAL
    if not script.exists():
        return
    try:
        if script.stat().st_mode & EXECUTABLE:
            await _call(guest, [str(script)], guest.root / RC_LOCAL_LOG)
    except OSError as error:
        with (guest.directory / "console.log").open("a") as console:
            console.write(f"/{RC_LOCAL}: {error.strerror}\n")
