"""What a client gets from one plain machine: commands, shells and files, as the ordered user only."""

from __future__ import annotations

import asyncio
import fcntl
import os
import posixpath
import pty
import signal
import struct
import termios
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from mcis_iac.local_cloud.plain import files, processes

CHUNK = 1 << 16
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELL = next((shell for shell in ("/bin/bash", "/bin/sh") if Path(shell).exists()), "/bin/sh")
LOCALE = ("LANG", "LC_")


@dataclass(slots=True, kw_only=True)
class Guest:
    """One machine of the server. `groups` are the process groups it started and that still run."""

    id: str
    directory: Path
    name: str
    address: str
    port: int
    user: str
    first: bool
    groups: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, order: Mapping[str, Any]) -> Guest:
        return cls(**{**order, "directory": Path(order["directory"])})

    @property
    def root(self) -> Path:
        return files.root(self.directory)

    @property
    def home(self) -> Path:
        return files.home(self.directory, self.user)

    def environment(self) -> dict[str, str]:
        """All a command of the machine knows; nothing of whoever started the server but its path."""
        local = f"{self.root}/usr/local/bin"
        return {
            "PATH": f"{local}:{os.environ.get('PATH', PATH)}",
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "HOME": str(self.home),
            "USER": self.user,
            "LOGNAME": self.user,
            "SHELL": SHELL,
            "HOSTNAME": self.name,
            "TMPDIR": str(self.root / "tmp"),
            "MCIS_ROOT": str(self.root),
            "MCIS_ADDRESS": self.address,
        }

    async def start(self, *command: str, **settings: Any) -> asyncio.subprocess.Process:
        """A process of the machine, in a group of its own that ends with the machine."""
        settings = {"env": self.environment(), "cwd": self.home, **settings}
        child = await asyncio.create_subprocess_exec(*command, start_new_session=True, **settings)
        self.groups.add(child.pid)
        return child

    def ended(self, child: asyncio.subprocess.Process) -> None:
        """Its group may live on (a service put into the background), then it stays known."""
        try:
            os.killpg(child.pid, 0)
        except (ProcessLookupError, PermissionError):
            self.groups.discard(child.pid)

    def kill(self) -> None:
        for group in self.groups:
            processes.kill_group(group)
        self.groups.clear()


class Door(asyncssh.SSHServer):
    """Lets in the ordered user with the ordered key, and nobody else."""

    def __init__(self, guest: Guest, key: asyncssh.SSHAuthorizedKeys) -> None:
        self._guest = guest
        self._key = key
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        if username == self._guest.user and self._connection is not None:
            self._connection.set_authorized_keys(self._key)
        return True


class Folder(asyncssh.SFTPServer):
    """Files of the machine only; relative paths start in the user's home."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], guest: Guest) -> None:
        self._start = posixpath.join("/home", guest.user).encode()
        super().__init__(channel, chroot=os.fsencode(guest.root))

    def map_path(self, path: bytes) -> bytes:
        return super().map_path(posixpath.join(self._start, path))

    def exit(self) -> None:
        """OpenSSH's scp takes a session without exit status for a failed copy."""
        self.channel.exit(0)


async def serve(guest: Guest, client: asyncssh.SSHServerProcess[bytes]) -> None:
    """Run what the client asked for: a command or a shell, with or without a terminal."""
    command = [SHELL, "-c", client.command] if client.command else [SHELL, "-l"]
    environment = guest.environment()
    environment |= {name: value for name, value in client.env.items() if name.startswith(LOCALE)}
    try:
        if client.term_type:
            environment["TERM"] = client.term_type
            code = await _with_terminal(guest, client, command, environment)
        else:
            code = await _with_pipes(guest, client, command, environment)
    except OSError as error:
        client.stderr.write(f"{error}\n".encode())
        code = 127
    if code < 0:
        client.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
    else:
        client.exit(code)


async def _with_pipes(
    guest: Guest,
    client: asyncssh.SSHServerProcess[bytes],
    command: list[str],
    environment: dict[str, str],
) -> int:
    pipe = asyncio.subprocess.PIPE
    child = await guest.start(*command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe)
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    feeder = asyncio.create_task(_feed(client, child, child.stdin))
    try:
        await asyncio.gather(_pour(child.stdout, client.stdout), _pour(child.stderr, client.stderr))
        return await child.wait()
    except BaseException:
        processes.kill_group(child.pid)
        raise
    finally:
        feeder.cancel()
        with suppress(asyncio.CancelledError):
            await feeder
        guest.ended(child)


async def _feed(
    client: asyncssh.SSHServerProcess[bytes],
    child: asyncio.subprocess.Process,
    stdin: asyncio.StreamWriter,
) -> None:
    """From the client to the child; a client that goes away takes its command along."""
    while True:
        try:
            data = await client.stdin.read(CHUNK)
        except asyncssh.SignalReceived as received:
            _signal(child, received.signal)
            continue
        except (asyncssh.BreakReceived, asyncssh.TerminalSizeChanged):
            continue
        except (asyncssh.Error, OSError):
            processes.kill_group(child.pid)
            return
        with suppress(OSError):
            if not data:
                break
            stdin.write(data)
            await stdin.drain()
    stdin.close()
    await client.wait_closed()
    processes.kill_group(child.pid)


async def _pour(source: asyncio.StreamReader, target: asyncssh.SSHWriter[bytes]) -> None:
    """All of the child's output; it is read to its end even when nobody listens any more."""
    while data := await _read(source):
        with suppress(OSError, asyncssh.Error):
            target.write(data)
            await target.drain()


async def _read(source: asyncio.StreamReader) -> bytes:
    try:
        return await source.read(CHUNK)
    except OSError:  # a terminal whose last process has ended
        return b""


async def _with_terminal(
    guest: Guest,
    client: asyncssh.SSHServerProcess[bytes],
    command: list[str],
    environment: dict[str, str],
) -> int:
    master, slave = pty.openpty()
    _resize(master, client.term_size)
    try:
        child = await guest.start(
            *command, env=environment, stdin=slave, stdout=slave, stderr=slave, preexec_fn=_take_terminal
        )
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(master), "rb", 0)
    )
    typist = asyncio.create_task(_type(client, child, master))
    try:
        await _pour(reader, client.stdout)
        return await child.wait()
    except BaseException:
        processes.kill_group(child.pid)
        raise
    finally:
        typist.cancel()
        with suppress(asyncio.CancelledError):
            await typist
        transport.close()
        os.close(master)
        guest.ended(child)


def _take_terminal() -> None:
    """In the child: the terminal at its standard input becomes the session's own."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _resize(terminal: int, size: tuple[int, int, int, int]) -> None:
    columns, rows, width, height = size
    with suppress(OSError):
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, width, height))


async def _type(
    client: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process, master: int
) -> None:
    """From the client's keyboard to the terminal; hanging up ends what runs there."""
    while True:
        try:
            data = await client.stdin.read(CHUNK)
        except asyncssh.TerminalSizeChanged as changed:
            _resize(master, changed.term_size)
            continue
        except asyncssh.SignalReceived as received:
            _signal(child, received.signal)
            continue
        except asyncssh.BreakReceived:
            data = b"\x03"
        except (asyncssh.Error, OSError):
            data = b""
        if not data:
            break
        await _write_all(master, data)
    await client.wait_closed()
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGHUP)


async def _write_all(terminal: int, data: bytes) -> None:
    """Without ever blocking the server: a terminal nobody reads takes only a few kilobytes."""
    os.set_blocking(terminal, False)
    while data:
        try:
            data = data[os.write(terminal, data) :]
        except BlockingIOError:
            await asyncio.sleep(0.01)
        except OSError:
            return


def _signal(child: asyncio.subprocess.Process, name: str) -> None:
    number = getattr(signal, f"SIG{name}", None)
    if number is not None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)
