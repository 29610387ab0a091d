"""A backend of the local cloud whose machines live in memory; tests speak to it in domain verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mcis_iac.local_cloud.types import (
    Booted,
    Fabric,
    LocalCloudError,
    Machine,
    Process,
    StartedHook,
)

ADDRESSING = {
    "private": "10.100.0.0/16",
    "public": "198.18.0.0/16",
    "host_ip": "10.255.255.1",
    "ssh_port": 22,
}


class FakeHost:
    """The host all fake backends of a test share: what runs, what is routed, what breaks."""

    def __init__(self) -> None:
        self.running: dict[str, Process] = {}
        self.prepared: dict[str, Machine] = {}
        self.booted: list[Machine] = []
        self.attached: list[Machine] = []
        self.fabric: Fabric | None = None
        self.boot_id = "boot-1"
        self.torn_down = 0
        self.addressing: dict[str, Any] = dict(ADDRESSING)
        self.obstacle = ""
        self._broken: dict[str, str] = {}
        self._unpreparable: dict[str, str] = {}
        self._strays: dict[int, str] = {}
        # Above every pid a kernel gives: the cloud really sends signals to these.
        self._broken_network = ""
        self._pid = 10_000_000

    # ------------------------------------------------------------ verbs of the tests

    def cannot_run(self, why: str) -> None:
        self.obstacle = why

    def machine_never_boots(self, name: str, why: str) -> None:
        self._broken[name] = why

    def machine_cannot_be_prepared(self, name: str, why: str) -> None:
        self._unpreparable[name] = why

    def breaks_down(self, why: str) -> None:
        """From now on the network cannot be changed."""
        self._broken_network = why

    def connect(self, fabric: Fabric) -> None:
        if self._broken_network:
            raise OSError(self._broken_network)
        self.fabric = fabric

    def everything_works_again(self) -> None:
        self._broken.clear()
        self._unpreparable.clear()

    def host_reboots(self) -> None:
        self.running.clear()
        self.fabric = None
        self.boot_id += "'"

    def machine_dies(self, id: str) -> None:
        self.running.pop(id, None)

    def stray_machine_runs(self, id: str) -> int:
        self._pid += 1
        self._strays[self._pid] = id
        return self._pid

    def names_running(self) -> set[str]:
        return {self.prepared[id].name for id in self.running}

    def names_connected(self) -> set[str]:
        assert self.fabric is not None
        return {machine.name for machine in self.fabric.machines}

    # ------------------------------------------------------------ for the backend

    def boot(self, machine: Machine, on_started: StartedHook) -> Booted:
        if machine.name in self._broken:
            return Booted(process=None, error=self._broken[machine.name])
        assert self.fabric is not None
        assert machine.id in {each.id for each in self.fabric.machines}, "booted before it was connected"
        self._pid += 1
        process = Process(pid=self._pid, start=self._pid * 10, boot_id=self.boot_id)
        on_started(machine.id, process)
        self.running[machine.id] = process
        self.booted.append(machine)
        return Booted(process=process)

    def prepare(self, machine: Machine) -> None:
        if machine.name in self._unpreparable:
            raise LocalCloudError(code="host", message=self._unpreparable[machine.name])
        self.prepared[machine.id] = machine

    def strays(self, known: frozenset[str]) -> tuple[int, ...]:
        """Told once: whoever asks will end them."""
        lost = {process.pid: id for id, process in self.running.items() if id not in known}
        lost |= {pid: id for pid, id in self._strays.items() if id not in known}
        self._strays = {pid: id for pid, id in self._strays.items() if pid not in lost}
        self.running = {id: process for id, process in self.running.items() if id in known}
        return tuple(lost)


class FakeBackend:
    """Fulfils `types.Backend` on a FakeHost."""

    def __init__(self, host: FakeHost, directory: Path, settings: Mapping[str, Any], name: str) -> None:
        self.host = host
        self.name = name
        self.directory = directory
        self.settings = settings

    def probe(self) -> str:
        return self.host.obstacle

    def addressing(self) -> Mapping[str, Any]:
        return self.host.addressing

    def prepare(self, machine: Machine) -> None:
        self.host.prepare(machine)

    def boot(self, machines: Sequence[Machine], on_started: StartedHook) -> Mapping[str, Booted]:
        return {machine.id: self.host.boot(machine, on_started) for machine in machines}

    def connect(self, fabric: Fabric) -> None:
        self.host.connect(fabric)

    def alive(self, machines: Sequence[Machine]) -> frozenset[str]:
        return frozenset(
            each.id
            for each in machines
            if each.process is not None and self.host.running.get(each.id) == each.process
        )

    def stop(self, machines: Sequence[Machine]) -> None:
        for machine in machines:
            self.host.running.pop(machine.id, None)

    def attach(self, machine: Machine) -> None:
        self.host.attached.append(machine)

    def discard(self, machines: Sequence[Machine]) -> None:
        for machine in machines:
            self.host.prepared.pop(machine.id, None)

    def orphans(self, known: frozenset[str]) -> tuple[int, ...]:
        return self.host.strays(known)

    def teardown(self) -> None:
        self.host.torn_down += 1
        self.host.fabric = None


def fake_backends(host: FakeHost, name: str = "fake") -> Mapping[str, Any]:
    """For `LocalCloud.open(backends=...)`."""

    def make(directory: Path, settings: Mapping[str, Any]) -> FakeBackend:
        return FakeBackend(host, directory, settings, name)

    return {name: make}
