"""The process behind all plain machines of one site: their SSH listeners and their first boots.

Started by the backend when a machine boots, told what to do over a socket, gone with the last
machine. `python -m mcis_iac.local_cloud.plain.server <folder of the site>`
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import secrets
import signal
import sys
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh

from mcis_iac.local_cloud.plain import control, files, firstboot
from mcis_iac.local_cloud.plain.guest import Door, Folder, Guest, serve

CHANGES = frozenset({"open", "close", "quit"})
MOST_FILES = 1 << 16
IDLE_S = 60.0  # with no machine from the start: whoever started us has died


class Server:
    """All machines that are up, by id."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.guests: dict[str, Guest] = {}
        self.listeners: dict[str, asyncssh.SSHAcceptor] = {}
        self.tasks: dict[str, asyncio.Task[Any]] = {}
        self.over = asyncio.Event()
        self.token = secrets.randbits(60)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question; ends with the connection. The last machine to go ends the server, too."""
        try:
            question = json.loads(await reader.read())
            answer = await self.do(question)
            if question["do"] in CHANGES and not self.guests:
                # Not reachable any more before the answer: the next machine gets a new server.
                self.path.unlink(missing_ok=True)
                self.over.set()
            writer.write(json.dumps(answer).encode())
            await writer.drain()
        except (ValueError, ConnectionError) as error:
            logging.warning("a question could not be answered: %s", error)
        finally:
            writer.close()

    async def do(self, question: Mapping[str, Any]) -> Any:
        match question["do"]:
            case "hello":
                return {"pid": os.getpid(), "start": self.token, "machines": sorted(self.guests)}
            case "open":
                return await self.open([Guest.of(order) for order in question["machines"]])
            case "close":
                return await self.close(question["ids"])
            case "quit":
                return await self.close(list(self.guests))
            case unknown:
                return {"error": f"unknown question {unknown}"}

    async def open(self, guests: list[Guest]) -> dict[str, str]:
        """Bring machines up side by side; per id what went wrong, "" = up."""
        await self.close([guest.id for guest in guests])
        opening = [asyncio.create_task(self._open(guest)) for guest in guests]
        self.guests |= {guest.id: guest for guest in guests}
        self.tasks |= {guest.id: task for guest, task in zip(guests, opening, strict=True)}
        results = await asyncio.gather(*opening, return_exceptions=True)
        return {guest.id: _told(result) for guest, result in zip(guests, results, strict=True)}

    async def _open(self, guest: Guest) -> str:
        """Whoever closes the machine meanwhile cancels this: nothing of it may come up later."""
        try:
            _say(guest, "starting")
            plan = firstboot.load(guest)
            going = plan is None or await firstboot.before_ssh(guest, plan)
            self.listeners[guest.id] = await _whole(_listen(guest))
        except (OSError, asyncssh.Error, ValueError) as error:
            self.tasks.pop(guest.id, None)
            await self.close([guest.id])
            return _why(guest, error)
        _say(guest, f"sshd listens at {guest.address} port {guest.port}")
        self.tasks.pop(guest.id, None)
        if going:
            self.tasks[guest.id] = asyncio.create_task(firstboot.beside_ssh(guest, plan))
        return ""

    async def close(self, ids: list[str]) -> dict[str, int]:
        """End machines; with the last one, who is to end: `{"last": pid}`."""
        for id in ids:
            if task := self.tasks.pop(id, None):
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            if listener := self.listeners.pop(id, None):
                listener.close()
            if guest := self.guests.pop(id, None):
                guest.kill()
                _say(guest, "stopped")
        return {} if self.guests else {"last": os.getpid()}


def _say(guest: Guest, words: str) -> None:
    if guest.directory.is_dir():
        with (guest.directory / "console.log").open("a") as console:
            console.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {guest.name}: {words}\n")


def _told(result: str | BaseException) -> str:
    if isinstance(result, asyncio.CancelledError):
        return "closed before it was up"
    if isinstance(result, BaseException):
        raise result
    return result


def _why(guest: Guest, error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{guest.address} port {guest.port}: {text}"


async def _whole(listening: Coroutine[Any, Any, asyncssh.SSHAcceptor]) -> asyncssh.SSHAcceptor:
    """The listener; whoever is cancelled meanwhile leaves none behind."""
    task = asyncio.ensure_future(listening)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        (await task).close()
        raise


async def _listen(guest: Guest) -> asyncssh.SSHAcceptor:
    key = asyncssh.import_authorized_keys((guest.directory / files.LOGIN_KEY).read_text())
    return await asyncssh.listen(
        guest.address,
        guest.port,
        reuse_address=True,
        config=None,
        server_host_keys=[asyncssh.read_private_key(guest.directory / files.HOST_KEY)],
        server_factory=partial(Door, guest, key),
        process_factory=partial(serve, guest),
        sftp_factory=lambda channel: Folder(channel, guest),
        allow_scp=True,
        encoding=None,
        line_editor=False,
        password_auth=False,
        kbdint_auth=False,
        agent_forwarding=False,
        x509_trusted_certs=None,
        compression_algs=None,
        server_version="mcis-local",
    )


async def run(directory: Path) -> None:
    """Until the last machine is gone, or a signal."""
    path = control.socket_path(directory)
    server = Server(path)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.over.set)
    listener = await asyncio.start_unix_server(server.answer, path)
    path.chmod(0o600)
    loop.call_later(IDLE_S, lambda: None if server.guests else server.over.set())
    await server.over.wait()
    listener.close()
    await server.close(list(server.guests))


def main() -> None:
    os.umask(0o022)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    asyncssh.set_log_level(logging.ERROR)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    soft = min(hard, MOST_FILES) if hard > 0 else MOST_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    asyncio.run(run(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
