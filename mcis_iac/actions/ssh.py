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
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcis_iac.actions import known_hosts
from mcis_iac.actions.keys import AGENT_VARIABLE, Agent, Login, LoginKey
from mcis_iac.actions.lean import asyncssh
from mcis_iac.actions.output import OnLine, Stream
from mcis_iac.errors import CredentialsError
from mcis_iac.model import Vm

HANDSHAKES = 64
CONNECT_TIMEOUT_S = 5.0
LOGIN_TIMEOUT_S = 15.0
KEEPALIVE_S = 3.0
KEEPALIVE_COUNT = 2
KEEP_BYTES = 1024 * 1024

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
    "was replaced on purpose, run mcis refresh; otherwise somebody may be in between"
)

# At INFO it would log every connection and every channel.
asyncssh.set_log_level(logging.ERROR)


class HostError(Exception):
    """Why no command ran on a VM. The text names no address, so that equal reasons can be folded."""

    def __init__(self, *, text: str) -> None:
        super().__init__(text)


class Unreachable(HostError):
    """Nothing answered, or not SSH; it may be there in a moment."""


class LoginRefused(HostError):
    """The VM answered and does not accept the key or the user."""


class WrongHostKey(HostError):
    """The VM is not the one in the inventory. Never tried again, never ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended. Neither status nor signal means that the connection was lost."""

    exit_status: int | None
    lost: bool


class Client:
    """Connections with shared, pre-parsed options; belongs to one event loop."""

    def __init__(self, login: Login, *, handshakes: int = HANDSHAKES) -> None:
        self._login = login
        self._slots = asyncio.Semaphore(max(1, handshakes))
        self._options: dict[tuple[LoginKey, str], asyncssh.SSHClientConnectionOptions] = {}
        self._agents: dict[str, asyncssh.SSHAgentClient] = {}

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
        async with self._slots:
            began()
            connection = await self._log_in(vm, trusted)
        try:
            yield Connection(connection)
        finally:
            connection.abort()
            await connection.wait_closed()

    async def close(self) -> None:
        """End the connections to ssh agents."""
        for agent in self._agents.values():
            agent.close()
            await agent.wait_closed()

    async def _log_in(self, vm: Vm, trusted: asyncssh.SSHKey) -> asyncssh.SSHClientConnection:
        key = self._login.key_for(vm)
        raw = await _dial(vm)
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT_S):
                return await asyncssh.connect(
                    sock=raw,
                    config=None,
                    options=self._options[key, vm.user],
                    known_hosts=([trusted], [], []),
                )
        except BaseException as problem:
            raw.close()
            if isinstance(problem, asyncssh.PermissionDenied):
                raise LoginRefused(
                    text=f"login refused for user {vm.user} with {_describe(key)}"
                ) from problem
            if isinstance(problem, asyncssh.HostKeyNotVerifiable):
                raise WrongHostKey(text=WRONG_KEY) from problem
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


class Connection:
    """One logged-in VM; several commands may run over it."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self._connection = connection

    async def run(self, command: str, *, stdout: Stream, stderr: Stream, stdin: bytes = b"") -> Ended:
        """Run a command to its end. A cancelled wait tells the command to terminate."""
        try:
            session = _Session(stdout, stderr)
            channel, _ = await self._connection.create_session(
                lambda: session, command, encoding=None, request_pty=False
            )
        except asyncssh.ChannelOpenError as problem:
            raise Unreachable(text=f"no session for the command: {problem.reason}") from problem
        except (asyncssh.Error, OSError):
            return Ended(exit_status=None, lost=True)
        try:
            if stdin:
                channel.write(stdin)
            channel.write_eof()
            await session.closed
        except (asyncssh.Error, OSError):
            pass  # the session knows how far it came
        except asyncio.CancelledError:
            with suppress(asyncssh.Error, OSError):
                channel.terminate()
            raise
        finally:
            stdout.end()
            stderr.end()
        return Ended(exit_status=session.exit_status, lost=session.exit_status is None)

    async def output(self, command: str, *, on_line: OnLine | None = None) -> tuple[Ended, str]:
        """Run a command and return how it ended and its stdout."""
        stdout = Stream("stdout", KEEP_BYTES, on_line)
        ended = await self.run(command, stdout=stdout, stderr=Stream("stderr", 0, None))
        return ended, stdout.text()


class _Session(asyncssh.SSHClientSession[bytes]):
    """Takes what arrives without a reader task per stream."""

    def __init__(self, stdout: Stream, stderr: Stream) -> None:
        self._streams = {None: stdout, asyncssh.EXTENDED_DATA_STDERR: stderr}
        self.exit_status: int | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._streams[datatype].feed(data)

    def exit_status_received(self, status: int) -> None:
        self.exit_status = status

    def exit_signal_received(self, signal: str, *_: object) -> None:
        self.exit_status = _signalled(signal)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


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
            raise Unreachable(text=f"unreachable: no answer within {CONNECT_TIMEOUT_S:g} s") from problem
        if isinstance(problem, OSError):
            raise Unreachable(text=f"unreachable: {_network_reason(problem)}") from problem
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


def _trusted(vm: Vm) -> asyncssh.SSHKey:
    text = known_hosts.key_of(vm)
    if text is None:
        raise WrongHostKey(text="no host key is recorded; read it from the stack: mcis refresh")
    try:
        return asyncssh.import_public_key(text)
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


def _signalled(name: str) -> int:
    """The status a shell would show for a program ended by that signal."""
    number = getattr(signal, f"SIG{name}", None)
    return 128 + int(number) if isinstance(number, signal.Signals) else 128
