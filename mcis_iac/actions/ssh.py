"""SSH connections to many VMs: the one place that uses asyncssh and translates its errors.

Every connection checks the host key from the inventory, held in memory; nothing of the user's own ssh
configuration, agent or certificates takes part unless a key says so. Import this module only
when a connection is about to be made: asyncssh costs 150 ms.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from mcis_iac.actions import known_hosts
from mcis_iac.actions.commands import Connection, Ended
from mcis_iac.actions.hosterrors import HostError, LoginRefused, Unreachable, WrongHostKey
from mcis_iac.actions.jumps import Jumps, inner_address, no_way_in
from mcis_iac.actions.keys import AGENT_VARIABLE, Agent, Login, LoginKey
from mcis_iac.actions.lean import asyncssh
from mcis_iac.errors import CredentialsError
from mcis_iac.model import Vm

__all__ = [
    "Client",
    "Connection",
    "Ended",
    "HostError",
    "LoginRefused",
    "Unreachable",
    "WrongHostKey",
    "raise_file_limit",
]

HANDSHAKES = 64
CONNECT_TIMEOUT_S = 5.0
LOGIN_TIMEOUT_S = 15.0
KEEPALIVE_S = 3.0
KEEPALIVE_COUNT = 2

# OpenSSH computes on curve25519 in plain C, several milliseconds per login; on this one with OpenSSL.
KEY_EXCHANGES = ("ecdh-sha2-nistp256", "curve25519-sha256", "curve25519-sha256@libssh.org")

# AES-GCM is one library call per packet, asyncssh's first choice (chacha20) five times the work.
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes128-ctr",
)

WRONG_KEY = (
    "host key mismatch: this is not the machine in the inventory, and nothing was sent to it. If it "
    "was replaced on purpose, run mcis refresh; if another checkout knows it, take its keys over with "
    "mcis known-hosts --read; otherwise somebody may be in between"
)
NO_KEY = (
    "no host key is known here, and nothing was sent: read it from the stack (mcis refresh), or from "
    "the checkout that made the VM: there mcis known-hosts > FILE, here mcis known-hosts --read FILE"
)

Trusted: TypeAlias = list[asyncssh.SSHKey]

# At INFO it would log every connection and every channel.
asyncssh.set_log_level(logging.ERROR)


class Client:
    """Connections with shared, pre-parsed options; belongs to one event loop."""

    def __init__(self, login: Login, *, handshakes: int = HANDSHAKES, known: Iterable[Vm] = ()) -> None:
        self._login = login
        self._jumps = Jumps(login.via, known)
        self._hosts: dict[str, asyncio.Task[tuple[Vm, asyncssh.SSHClientConnection]]] = {}
        self._slots = asyncio.Semaphore(max(1, handshakes))
        self._options: dict[tuple[LoginKey, str], asyncssh.SSHClientConnectionOptions] = {}
        self._agents: dict[str, asyncssh.SSHAgentClient] = {}

    def know(self, vm: Vm) -> None:
        """A VM others may be reached through; `known` has those that were there at the beginning."""
        self._jumps.know(vm)

    async def prepare(self, vm: Vm) -> None:
        """Load what logging in to this VM takes; CredentialsError if that fails."""
        key = self._login.key_for(vm)
        if (key, vm.user) not in self._options:
            pairs = await self._agent_keys(key) if isinstance(key, Agent) else [_read_key(key)]
            self._options[key, vm.user] = _shared_options(vm.user, pairs)

    @asynccontextmanager
    async def connect(self, vm: Vm, began: Callable[[], None] = lambda: None) -> AsyncIterator[Connection]:
        """A logged-in connection, aborted at the end; HostError when there is none.

        `began` is called when it is this VM's turn: waiting for it is nobody's fault.
        """
        await self.prepare(vm)
        trusted = _trusted(vm)
        group = self._jumps.group(vm)
        host = await self._host(group) if group else None
        async with self._slots:
            began()
            connection = await self._log_in(vm, trusted, host)
        try:
            yield Connection(connection)
        finally:
            connection.abort()
            await connection.wait_closed()

    async def close(self) -> None:
        """End the connections to jump hosts and to ssh agents."""
        for task in self._hosts.values():
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled() and task.exception() is None:
                task.result()[1].abort()
                await task.result()[1].wait_closed()
        for agent in self._agents.values():
            agent.close()
            await agent.wait_closed()

    async def _host(self, group: str) -> tuple[Vm, asyncssh.SSHClientConnection]:
        """The jump host of that group, logged in to; shared by everybody behind it."""
        task = self._hosts.get(group)
        if task is None or (task.done() and not _usable(task)):
            task = self._hosts[group] = asyncio.ensure_future(self._first_of(group))
        return await asyncio.shield(task)

    async def _first_of(self, group: str) -> tuple[Vm, asyncssh.SSHClientConnection]:
        """The first VM of the group that answers. One that is not who it should be ends the search."""
        reason = f"no VM of {group} is known to go through"
        for vm in self._jumps.hosts(group):
            try:
                await self.prepare(vm)
                trusted, behind = _trusted(vm), self._jumps.group(vm)
                host = await self._host(behind) if behind else None
                async with self._slots:
                    return vm, await self._log_in(vm, trusted, host)
            except Unreachable as problem:
                reason = f"through {vm.name}: {problem}"
            except HostError as problem:
                raise type(problem)(text=f"through {vm.name}: {problem}") from problem
        raise Unreachable(text=reason)

    async def _log_in(
        self, vm: Vm, trusted: Trusted, host: tuple[Vm, asyncssh.SSHClientConnection] | None
    ) -> asyncssh.SSHClientConnection:
        key = self._login.key_for(vm)
        options: dict[str, Any] = {
            "config": None,
            "options": self._options[key, vm.user],
            "known_hosts": (trusted, [], []),
        }
        raw = await _dial(vm) if host is None else None
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT_S):
                if host is None:
                    return await asyncssh.connect(sock=raw, **options)
                address = inner_address(vm, host[0])
                return await asyncssh.connect(address, vm.ssh_port, tunnel=host[1], **options)
        except BaseException as problem:
            if raw is not None:
                raw.close()
            if isinstance(problem, asyncssh.PermissionDenied):
                raise LoginRefused(
                    text=f"login refused for user {vm.user} with {_describe(key)}"
                ) from problem
            if isinstance(problem, asyncssh.HostKeyNotVerifiable):
                raise WrongHostKey(text=WRONG_KEY) from problem
            if isinstance(problem, asyncssh.ChannelOpenError) and host is not None:
                raise Unreachable(text=f"not reachable from {host[0].name}: {problem.reason}") from problem
            if isinstance(problem, asyncssh.Error | OSError | ValueError):
                raise Unreachable(text=_login_failure(problem)) from problem
            raise

    async def _agent_keys(self, key: Agent) -> list[Any]:
        agent = self._agents.setdefault(key.socket, asyncssh.SSHAgentClient(key.socket))
        wanted = [asyncssh.import_public_key(key.public_key).public_data] if key.public_key else None
        try:
            found = list(await agent.get_keys(wanted))
        except (OSError, ValueError) as problem:
            raise CredentialsError(
                summary="the ssh agent does not answer",
                detail=f"{key.socket}: {problem}",
                hint=f'{AGENT_VARIABLE} names it; start one: eval "$(ssh-agent)" && ssh-add',
            ) from problem
        if not found:
            raise CredentialsError(
                summary="the ssh agent does not hold the login key",
                detail=f"asked {key.socket}",
                hint="add it: ssh-add FILE",
            )
        return found


def raise_file_limit() -> None:
    """Allow as many open files as the system does; one connection is one of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _shared_options(user: str, pairs: list[Any]) -> asyncssh.SSHClientConnectionOptions:
    return asyncssh.SSHClientConnectionOptions(
        config=None,
        agent_path=None,
        x509_trusted_certs=None,
        x509_trusted_cert_paths=[],
        username=user,
        client_keys=pairs,
        # An empty value would mean the user's own file; each connection brings its VM's key.
        known_hosts=lambda *_: ([], [], []),
        compression_algs=None,
        kex_algs=KEY_EXCHANGES,
        encryption_algs=CIPHERS,
        preferred_auth=["publickey"],
        gss_kex=False,
        gss_auth=False,
        login_timeout=LOGIN_TIMEOUT_S,
        keepalive_interval=KEEPALIVE_S,
        keepalive_count_max=KEEPALIVE_COUNT,
    )


async def _dial(vm: Vm) -> socket.socket:
    """A connected TCP socket; done apart from the login so that each has a limit of its own."""
    family = socket.AF_INET6 if ":" in vm.address else socket.AF_INET
    raw = socket.socket(family, socket.SOCK_STREAM)
    raw.settimeout(0)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await asyncio.get_running_loop().sock_connect(raw, (vm.address, vm.ssh_port))
    except BaseException as problem:
        raw.close()
        if isinstance(problem, TimeoutError):
            text = f"unreachable: no answer within {CONNECT_TIMEOUT_S:g} s{no_way_in(vm)}"
            raise Unreachable(text=text) from problem
        if isinstance(problem, OSError):
            raise Unreachable(text=f"unreachable: {_network_reason(problem)}{no_way_in(vm)}") from problem
        raise
    return raw


def _network_reason(problem: OSError) -> str:
    """The system's own words; asyncio's have the address in them, and no name of the error."""
    if problem.errno is not None and problem.errno > 0:
        return os.strerror(problem.errno).lower()
    return (problem.strerror or str(problem)).lower()


def _read_key(path: Path) -> asyncssh.SSHKey:
    try:
        return asyncssh.read_private_key(str(path))
    except asyncssh.KeyEncryptionError as problem:
        raise CredentialsError(
            summary="the login key is protected by a passphrase",
            detail=str(path),
            hint="add it to your ssh agent and set agent: true for that key",
        ) from problem
    except (OSError, ValueError) as problem:
        raise CredentialsError(
            summary="the login key is not readable", detail=f"{path}: {problem}"
        ) from problem


def _usable(task: asyncio.Task[tuple[Vm, asyncssh.SSHClientConnection]]) -> bool:
    """Whether the jump host was reached and still is."""
    return not task.cancelled() and task.exception() is None and not task.result()[1].is_closed()


def _trusted(vm: Vm) -> Trusted:
    keys = known_hosts.keys_of(vm)
    if not keys:
        raise WrongHostKey(text=NO_KEY)
    try:
        return [asyncssh.import_public_key(key) for key in keys]
    except asyncssh.KeyImportError as problem:
        raise WrongHostKey(text="the recorded host key is not readable; run: mcis refresh") from problem


def _login_failure(problem: Exception) -> str:
    if isinstance(problem, TimeoutError):
        return f"no login within {LOGIN_TIMEOUT_S:g} s"
    if isinstance(problem, asyncssh.DisconnectError):
        return f"connection closed during login: {problem.reason}"
    return f"login failed: {problem}"


def _describe(key: LoginKey) -> str:
    return "the ssh agent" if isinstance(key, Agent) else str(key)
