"""Machines without any namespace: the `plain` backend of the local cloud, for everybody and everywhere.

A machine is a folder and one SSH listener of a server process (one per site); a command is an
ordinary process in that folder. There is no isolation, no network of its own and no limit: every
machine is the account that runs it.
"""

from __future__ import annotations

import socket
import zlib
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from mcis_iac.local_cloud.plain import control, files, processes
from mcis_iac.local_cloud.types import Booted, Fabric, LocalCloudError, Machine, StartedHook

SSH_PORT = 2222
HOST = "127.0.0.1"
FIRST, RANGES = 66, 64  # loopback ranges 127.66/16 .. 127.129/16, one per site
PORTS, PORT_STEP = 20000, 1000
TCP_TABLE = Path("/proc/net/tcp")
LISTENING = "0A"


class PlainBackend:
    """See `types.Backend`. `settings` is what `addressing` gave when the cloud was made."""

    name = "plain"

    def __init__(self, directory: Path, settings: Mapping[str, Any]) -> None:
        self._directory = directory
        self._settings = settings

    def probe(self) -> str:
        try:
            with socket.socket() as line:
                line.bind((HOST, 0))
        except OSError as error:
            return f"bind {HOST}: {error.strerror}"
        return ""

    def addressing(self) -> Mapping[str, Any]:
        """A loopback range of its own per site; where only 127.0.0.1 exists, a range of ports."""
        wish = zlib.crc32(str(self._directory).encode())
        taken = frozenset(_listening())
        order = [(wish + step) % RANGES + FIRST for step in range(RANGES)]
        second = next((number for number in order if number not in taken), order[0])
        range_ = f"127.{second}.0.0/16"
        settings = {
            "private": range_,
            "public": range_,
            "host_ip": HOST,
            "ssh_port": SSH_PORT,
            "routed": False,
        }
        if not _can_bind(IPv4Network(range_)[4]):
            settings["port_base"] = PORTS + wish % 40 * PORT_STEP
        return settings

    def prepare(self, machine: Machine) -> None:
        files.prepare(machine)

    def boot(self, machines: Sequence[Machine], on_started: StartedHook) -> Mapping[str, Booted]:
        if not machines:
            return {}
        processes.end(machine.directory for machine in machines)
        found: dict[str, Booted] = {}
        for machine in machines:
            try:
                files.mount(machine)
            except (OSError, LocalCloudError) as error:
                found[machine.id] = Booted(process=None, error=str(error))
        ready = [machine for machine in machines if machine.id not in found]
        server = control.ensure(self._directory)
        for machine in ready:
            on_started(machine.id, server)
        answer = control.ask(self._directory, {"do": "open", "machines": [_order(each) for each in ready]})
        if answer is None:
            raise LocalCloudError(code="host", message="the server of the plain backend has ended")
        for id, why in answer.items():
            found[id] = Booted(process=None, error=why) if why else Booted(process=server)
        return found

    def connect(self, fabric: Fabric) -> None:
        """Nothing to do: all machines share the host's loopback network."""

    def alive(self, machines: Sequence[Machine]) -> frozenset[str]:
        if not machines:
            return frozenset()
        server = control.hello(self._directory)
        if server is None:
            return frozenset()
        mine = {machine.id for machine in machines if machine.process == server.process}
        return frozenset(mine & server.machines)

    def stop(self, machines: Sequence[Machine]) -> None:
        if machines:
            ids = [machine.id for machine in machines]
            folders = [machine.directory for machine in machines]
            processes.end(folders, first=lambda: control.close(self._directory, ids))

    def attach(self, machine: Machine) -> None:
        files.mount(machine)

    def discard(self, machines: Sequence[Machine]) -> None:
        """All of a machine is in its folder."""

    def orphans(self, known: frozenset[str]) -> tuple[int, ...]:
        """Processes of unknown machines, and servers that nobody can reach any more."""
        server = control.hello(self._directory)
        if server is not None and (unknown := server.machines - known):
            control.close(self._directory, unknown)
        live = control.hello(self._directory)
        lost = [pid for pid in processes.servers(self._directory) if live is None or pid != live.process.pid]
        running = processes.machines_below(self._directory / "i")
        return tuple(sorted({*lost, *(pid for id, pid in running if id not in known)}))

    def teardown(self) -> None:
        control.close(self._directory)
        control.socket_path(self._directory).unlink(missing_ok=True)


def _order(machine: Machine) -> Mapping[str, Any]:
    """What the server must know; keys and plan are in the machine's folder."""
    return {
        "id": machine.id,
        "directory": str(machine.directory),
        "name": machine.name,
        "address": machine.private_ip,
        "port": machine.ssh_port,
        "user": machine.user,
        "first": machine.first_boot,
    }


def _can_bind(address: IPv4Address) -> bool:
    try:
        with socket.socket() as line:
            line.bind((str(address), 0))
    except OSError:
        return False
    return True


def _listening() -> Iterator[int]:
    """Second bytes of the loopback addresses somebody listens at."""
    if not TCP_TABLE.exists():
        return
    for line in TCP_TABLE.read_text().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        address = bytes.fromhex(local.partition(":")[0])[::-1]
        if state == LISTENING and address[0] == IPv4Address(HOST).packed[0]:
            yield address[1]
