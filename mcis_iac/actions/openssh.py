"""The command line of the system's own ssh for one VM, with nothing of the user's configuration."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from mcis_iac.actions import known_hosts
from mcis_iac.actions.keys import Agent, Login, LoginKey
from mcis_iac.errors import OperationError
from mcis_iac.model import Vm

KEY_EXCHANGE = "curve25519-sha256"


def command_line(vm: Vm, login: Login, known_hosts_file: Path, command: Sequence[str] = ()) -> list[str]:
    """The argv that logs in to `vm`, the program's full path first.

    Without a command it is an interactive login; one argument is shell text, several are words.
    Raises OperationError when there is no ssh or when the VM's host key is not known.
    """
    program = shutil.which("ssh")
    if program is None:
        raise OperationError(
            summary="there is no ssh on this machine",
            detail="no `ssh` in PATH",
            hint="install the OpenSSH client, or use mcis exec, which needs none",
        )
    host_key = known_hosts.key_of(vm)
    if host_key is None:
        raise OperationError(
            summary="the VM's host key is not known",
            detail=vm.name,
            hint="read it from the stack: mcis refresh",
        )
    options = {
        **_identity(login.key_for(vm)),
        "UserKnownHostsFile": _quoted(known_hosts_file),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "HostKeyAlgorithms": host_key.split()[0],
        "KexAlgorithms": KEY_EXCHANGE,
        "PreferredAuthentications": "publickey",
    }
    settings = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    text = command[0] if len(command) == 1 else shlex.join(command)
    return [
        *(program, "-F", "/dev/null", *settings),
        *("-p", str(vm.ssh_port), f"{vm.user}@{vm.address}"),
        *(("--", text) if command else ()),
    ]


def _identity(key: LoginKey) -> dict[str, str]:
    if isinstance(key, Agent):
        return {"IdentityAgent": _quoted(Path(key.socket))}
    return {"IdentityFile": _quoted(key), "IdentitiesOnly": "yes", "IdentityAgent": "none"}


def _quoted(path: Path) -> str:
    """As ssh reads file names in options: words are split at spaces and % begins a token."""
    return '"{}"'.format(str(path.expanduser()).replace("%", "%%"))
