"""The command line of the system's own ssh for one VM, with nothing of the user's configuration."""

from __future__ import annotations

import shlex
import shutil
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mcis_iac.actions import known_hosts
from mcis_iac.actions.jumps import Jumps, inner_address
from mcis_iac.actions.keys import Agent, Login, LoginKey
from mcis_iac.errors import OperationError
from mcis_iac.model import Vm

KEY_EXCHANGE = "curve25519-sha256"


CONNECT_TIMEOUT_S = 5.0


def command_line(
    vm: Vm, login: Login, known_hosts_file: Path, command: Sequence[str] = (), *, through: Sequence[Vm] = ()
) -> list[str]:
    """The argv that logs in to `vm`, the program's full path first.

    Without a command it is an interactive login; one argument is shell text, several are words.
    `through` are jump hosts in the order they are passed; each is checked and opened like the VM itself.
    Raises OperationError when there is no ssh or when the host key of one of them is not known.
    """
    program = shutil.which("ssh")
    if program is None:
        raise OperationError(
            summary="there is no ssh on this machine",
            detail="no `ssh` in PATH",
            hint="install the OpenSSH client, or use mcis exec, which needs none",
        )
    text = command[0] if len(command) == 1 else shlex.join(command)
    line = [program, *_settings(vm, login, known_hosts_file)]
    address = vm.address
    if through:
        address = inner_address(vm, through[-1])
        gate = _gate(program, login, known_hosts_file, through, f"{_bracketed(address)}:{vm.ssh_port}")
        line += ["-o", f"ProxyCommand={gate}"]
    return [*line, "-p", str(vm.ssh_port), f"{vm.user}@{address}", *(("--", text) if command else ())]


def way(vm: Vm, jumps: Jumps) -> tuple[Vm, ...]:
    """The jump hosts on the way to the VM, in the order they are passed; of several one that answers."""
    found: list[Vm] = []
    group = jumps.group(vm)
    while group is not None:
        hosts = jumps.hosts(group)
        if not hosts:
            raise OperationError(
                summary="the jump host does not exist",
                detail=f"{vm.name} is reached via {group}, which has no VM",
                hint="mcis up makes it",
            )
        behind = jumps.group(hosts[0])
        host = hosts[0] if behind or len(hosts) == 1 else _answering(hosts)
        found.insert(0, host)
        group = behind
    return tuple(found)


def _answering(hosts: Sequence[Vm]) -> Vm:
    """The first that takes a connection; the first of all when none does, for ssh to say why."""
    for host in hosts:
        with suppress(OSError), socket.create_connection((host.address, host.ssh_port), CONNECT_TIMEOUT_S):
            return host
    return hosts[0]


def _gate(program: str, login: Login, known_hosts_file: Path, through: Sequence[Vm], target: str) -> str:
    """The command that opens a connection to `target` from the last of them, as a ProxyCommand."""
    *before, host = through
    line = [program, *_settings(host, login, known_hosts_file)]
    address = host.address
    if before:
        address = inner_address(host, before[-1])
        inner = _gate(program, login, known_hosts_file, before, f"{_bracketed(address)}:{host.ssh_port}")
        line += ["-o", f"ProxyCommand={inner}"]
    line += ["-p", str(host.ssh_port), "-W", target, f"{host.user}@{address}"]
    return shlex.join(line).replace("%", "%%")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _settings(vm: Vm, login: Login, known_hosts_file: Path) -> list[str]:
    keys = known_hosts.keys_of(vm)
    if not keys:
        raise OperationError(
            summary="the VM's host key is not known",
            detail=vm.name,
            hint="read it from the stack (mcis refresh) or from another checkout (mcis known-hosts --read)",
        )
    options = {
        **_identity(login.key_for(vm)),
        "UserKnownHostsFile": _quoted(known_hosts_file),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        # Addresses of different networks may be the same; names are not.
        "HostKeyAlias": vm.name,
        "HostKeyAlgorithms": ",".join(dict.fromkeys(key.split()[0] for key in keys)),
        "KexAlgorithms": KEY_EXCHANGE,
        "PreferredAuthentications": "publickey",
    }
    return [
        "-F",
        "/dev/null",
        *(part for name, value in options.items() for part in ("-o", f"{name}={value}")),
    ]


def _identity(key: LoginKey) -> dict[str, str]:
    if isinstance(key, Agent):
        return {"IdentityAgent": _quoted(Path(key.socket))}
    return {"IdentityFile": _quoted(key), "IdentitiesOnly": "yes", "IdentityAgent": "none"}


def _quoted(path: Path) -> str:
    """As ssh reads file names in options: words are split at spaces and % begins a token."""
    return '"{}"'.format(str(path.expanduser()).replace("%", "%%"))
