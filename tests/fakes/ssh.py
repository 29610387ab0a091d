"""A fleet of VMs that are really SSH servers of this process, each with its own folder and host key.

Commands run in local shells. `MCIS_ROOT` names the VM's folder, as on VMs that are folders.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncssh

from mcis_iac.actions.keys import Login, ensure
from mcis_iac.model import Vm


def a_vm(name: str = "web-1", **changes: Any) -> Vm:
    """A plausible VM of the local cloud."""
    group, _, ordinal = name.rpartition("-")
    vm = Vm(
        name=name,
        group=group,
        ordinal=int(ordinal),
        connection="local",
        cloud="local",
        region="local-seoul",
        zone="a",
        type="small",
        id=f"i-{name}",
        private_ip="10.100.0.4",
        public_ip="198.18.0.4",
        user="mcis",
        host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHEYyTefTD+TqvFdSCeMAQ9a94dV8mBH8P7TGqj8ZrYB",
    )
    return replace(vm, **changes)


@dataclass
class _Machine:
    vm: Vm
    root: Path
    listener: asyncssh.SSHAcceptor
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)


class Fleet:
    """Servers on the loopback; a context manager. The key in `login` opens all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.login = Login(default=folder / "id_ed25519")
        self.logins = 0
        self._public = ensure(folder / "id_ed25519")
        self._machines: dict[str, _Machine] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fleet", daemon=True)

    def __enter__(self) -> Fleet:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._machines):
            self.power_off(name)
        self._do(self._settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def starts(self, *names: str) -> tuple[Vm, ...]:
        """Boot VMs of these names."""
        return tuple(self._do(self._start(name)) for name in names)

    def root(self, name: str) -> Path:
        """The folder that is the VM's file system."""
        return self.folder / name

    def boots(self, name: str, marker: str, log: str = "") -> None:
        """The VM's first boot ends and leaves that marker."""
        for path, text in (("log/cloud-init-output.log", log), ("lib/mcis/first-boot.json", marker)):
            file = self.root(name) / "var" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def cuts(self, name: str) -> None:
        """Every connection to the VM dies, without a word to its client."""
        self._do(self._cut(self._machines[name]))

    def power_off(self, name: str) -> None:
        """The VM is gone: nothing listens any more."""
        self._do(self._stop(self._machines.pop(name)))

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _start(self, name: str) -> Vm:
        root = self.root(name)
        root.mkdir(parents=True, exist_ok=True)
        host_key = asyncssh.generate_private_key("ssh-ed25519")
        connections: list[asyncssh.SSHServerConnection] = []
        listener = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Door(connections, self._count),
            process_factory=lambda process: _serve(process, root),
            server_host_keys=[host_key],
            authorized_client_keys=asyncssh.import_authorized_keys(self._public),
            encoding=None,
        )
        public = " ".join(host_key.export_public_key().decode().split()[:2])
        vm = a_vm(name, private_ip="127.0.0.1", public_ip=None, ssh_port=listener.get_port(), host_key=public)
        self._machines[name] = _Machine(vm=vm, root=root, listener=listener, connections=connections)
        return vm

    def _count(self) -> None:
        self.logins += 1

    async def _cut(self, machine: _Machine) -> None:
        for connection in machine.connections:
            connection.abort()

    async def _stop(self, machine: _Machine) -> None:
        machine.listener.close()
        await self._cut(machine)
        await machine.listener.wait_closed()

    async def _settle(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Transports close their files one turn of the loop later.
        await asyncio.sleep(0.01)


class _Door(asyncssh.SSHServer):
    def __init__(self, connections: list[asyncssh.SSHServerConnection], count: Callable[[], None]) -> None:
        self._connections = connections
        self._count = count

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.append(conn)

    def auth_completed(self) -> None:
        self._count()


async def _serve(process: asyncssh.SSHServerProcess[bytes], root: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_shell(
        process.command or "true",
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        cwd=root,
        env=_environment(root),
        start_new_session=True,
    )
    await attend(process, child)


async def attend(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> None:
    """Pass everything between a client and the command it asked for, which has a session of its own."""
    assert child.stdin and child.stdout and child.stderr
    feeding = asyncio.ensure_future(_feed(process, child))
    try:
        await asyncio.gather(_copy(child.stdout, process.stdout), _copy(child.stderr, process.stderr))
        status = await child.wait()
        if status < 0:
            process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
        else:
            process.exit(status)
    finally:
        feeding.cancel()
        _kill(child)
        await child.wait()
        child._transport.close()  # type: ignore[attr-defined]  # its pipes may be unread, nobody will
        await asyncio.gather(feeding, return_exceptions=True)


async def _feed(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> None:
    """Pass on what the client sends; a signal from it, or its end, ends the command."""
    assert child.stdin
    try:
        while chunk := await process.stdin.read(65536):
            child.stdin.write(chunk)
            await child.stdin.drain()
        child.stdin.close()
        closed = asyncio.ensure_future(process.wait_closed())
        while not closed.done():
            await asyncio.wait([closed], timeout=0.05)
            await process.stdin.read(1)  # a signal is told to who reads
    except (asyncssh.SignalReceived, asyncssh.Error, OSError):
        pass
    finally:
        _kill(child)


async def _copy(source: asyncio.StreamReader, target: asyncssh.SSHWriter[bytes]) -> None:
    while chunk := await source.read(65536):
        try:
            target.write(chunk)
            await target.drain()
        except (asyncssh.Error, OSError):
            return


def _kill(child: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _environment(root: Path) -> dict[str, str]:
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MCIS_ROOT": str(root), "HOME": str(root)}
