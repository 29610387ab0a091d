"""Commands on one logged-in VM: their output, their input, their end, and how they are stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from mcis_iac.actions.hosterrors import Unreachable
from mcis_iac.actions.lean import asyncssh
from mcis_iac.actions.output import OnLine, Stream

KEEP_BYTES = 1024 * 1024
# How long a command may take to end after SIGTERM, and after SIGKILL.
TERM_S, KILL_S = 2.0, 1.0

# sshd may only signal what belongs to the login user. Commands of one connection are children of its
# process, each the leader of a session; other servers have everybody's commands as children.
STOP_ALL = (
    'case $(cat "/proc/$PPID/comm") in sshd*) for p in $(ps -o pid= --ppid $PPID); do [ "$p" = "$$" ] || '
    'kill -KILL -- "-$p" || sudo -n kill -KILL -- "-$p"; done;; esac 2>/dev/null'
)


class Sink(Protocol):
    """Takes the bytes of one stream as they arrive."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""

    def end(self) -> None:
        """Nothing follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended. Neither status nor signal means that the connection was lost."""

    exit_status: int | None
    lost: bool


class Connection:
    """One logged-in VM; several commands may run over it."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self._connection = connection
        self.left_running = False

    @property
    def host_key(self) -> str:
        """The key the VM has shown, without its comment."""
        key = self._connection.get_server_host_key()
        assert key is not None
        return " ".join(key.export_public_key().decode("ascii").split()[:2])

    async def run(
        self, command: str, *, stdout: Sink, stderr: Sink, stdin: bytes | AsyncIterator[bytes] = b""
    ) -> Ended:
        """Run a command to its end, feeding it `stdin`.

        A cancelled wait stops the command; `left_running` then says whether it may have gone on.
        """
        try:
            session = _Session(stdout, stderr)
            channel, _ = await self._connection.create_session(
                lambda: session, command, encoding=None, request_pty=False
            )
        except asyncssh.ChannelOpenError as problem:
            raise Unreachable(text=f"no session for the command: {problem.reason}") from problem
        except (asyncssh.Error, OSError):
            return Ended(exit_status=None, lost=True)
        feeding = asyncio.ensure_future(_feed(channel, session, stdin))
        try:
            await session.closed
        except asyncio.CancelledError:
            self.left_running = not await self._stop(channel, session)
            raise
        finally:
            feeding.cancel()
            await asyncio.wait([feeding])
            stdout.end()
            stderr.end()
        if not feeding.cancelled() and (failure := feeding.exception()) is not None:
            raise failure
        return Ended(exit_status=session.exit_status, lost=session.exit_status is None)

    async def output(self, command: str, *, on_line: OnLine | None = None) -> tuple[Ended, str]:
        """Run a command and return how it ended and its stdout."""
        stdout = Stream("stdout", KEEP_BYTES, on_line)
        ended = await self.run(command, stdout=stdout, stderr=Stream("stderr", 0, None))
        return ended, stdout.text()

    async def _stop(self, channel: asyncssh.SSHClientChannel[bytes], session: _Session) -> bool:
        """Ask the command to end, then make it; whether the VM said that it has."""
        with suppress(asyncssh.Error, OSError):
            channel.terminate()
        await asyncio.wait([session.ended], timeout=TERM_S)
        if not session.ended.done():
            with suppress(asyncssh.Error, OSError, TimeoutError):
                channel.kill()
                async with asyncio.timeout(KILL_S):
                    await self._connection.run(STOP_ALL, encoding=None)
            await asyncio.wait([session.ended], timeout=KILL_S)
        return session.exit_status is not None


class _Session(asyncssh.SSHClientSession[bytes]):
    """Takes what arrives without a reader task per stream."""

    def __init__(self, stdout: Sink, stderr: Sink) -> None:
        self._streams = {None: stdout, asyncssh.EXTENDED_DATA_STDERR: stderr}
        self.exit_status: int | None = None
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.writable = asyncio.Event()
        self.writable.set()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._streams[datatype].feed(data)

    def exit_status_received(self, status: int) -> None:
        self._end(status)

    def exit_signal_received(self, signal: str, *_: object) -> None:
        self._end(_signalled(signal))

    def connection_lost(self, _: Exception | None) -> None:
        self._end(self.exit_status)
        self.writable.set()
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def _end(self, status: int | None) -> None:
        self.exit_status = status
        if not self.ended.done():
            self.ended.set_result(None)


async def _feed(
    channel: asyncssh.SSHClientChannel[bytes], session: _Session, stdin: bytes | AsyncIterator[bytes]
) -> None:
    """Send the input at the pace of the reader; one that does not read any more is no failure."""
    with suppress(asyncssh.Error, BrokenPipeError, ConnectionError):
        if isinstance(stdin, bytes):
            channel.write(stdin)
        else:
            async for chunk in stdin:
                channel.write(chunk)
                await session.writable.wait()
                if session.closed.done():
                    return
        channel.write_eof()


def _signalled(name: str) -> int:
    """The status a shell would show for a program ended by that signal."""
    number = getattr(signal, f"SIG{name}", None)
    return 128 + int(number) if isinstance(number, signal.Signals) else 128
