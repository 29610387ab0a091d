"""Machines as namespaces of this Linux host, for root: the `netns` backend of the local cloud.

A machine is a user, mount, host name, IPC, network and process namespace; its disk an overlay over
the host's own `/` (or over a folder) with shifted owners; its first process the stock sshd. Needs
Linux 5.19. The kernel holds the machine: no process of ours stays behind.

Booting a batch: start all up to a gate, hand every process to the caller for the record, plug in all
cables, open the gate, wait until each sshd listens. Whoever dies before the gate leaves nothing running.
Rules come through `connect`; a machine that they do not know yet can neither send nor be reached.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mcis_iac.local_cloud.netns import console, limits, pools, processes
from mcis_iac.local_cloud.netns.disk import filesystem
from mcis_iac.local_cloud.netns.launch import Spawner
from mcis_iac.local_cloud.netns.probe import probe
from mcis_iac.local_cloud.netns.router import Router
from mcis_iac.local_cloud.types import (
    Booted,
    Fabric,
    LocalCloudError,
    Machine,
    Process,
    StartedHook,
)

# Ids of guests on the host; from 0x70000000 on nothing else is handed out by custom (systemd's UIDS-GIDS).
IDS = (0x70000000, 65536)
CHUNK = 250
START_TIMEOUT_S = 60.0


class NetnsBackend:
    """See `types.Backend`. `settings` is what `addressing` gave when the cloud was made."""

    name = "netns"

    def __init__(self, directory: Path, settings: Mapping[str, Any]) -> None:
        self._directory = directory
        self._settings = settings
        self._tag = pools.tag(directory)

    @property
    def _router(self) -> Router:
        if "router" not in self._settings:
            self._settings = pools.claim(self._directory)
        return Router(self._settings)

    def probe(self) -> str:
        return probe(self._directory, IDS)

    def addressing(self) -> Mapping[str, Any]:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._settings = pools.claim(self._directory)
        return self._settings

    def prepare(self, machine: Machine) -> None:
        filesystem.prepare(machine, self._directory)
        _make_tun(machine.directory / "tun")

    def boot(self, machines: Sequence[Machine], on_started: StartedHook) -> Mapping[str, Booted]:
        self._router.ensure()
        found: dict[str, Booted] = {}
        for start in range(0, len(machines), CHUNK):
            found.update(self._boot_chunk(machines[start : start + CHUNK], on_started))
        return found

    def _boot_chunk(self, machines: Sequence[Machine], on_started: StartedHook) -> dict[str, Booted]:
        batch = {"action": "spawn", "ids": IDS, "machines": [self._order(machine) for machine in machines]}
        with Spawner(batch) as spawner:
            pids, errors = _gather(spawner, machines, on_started)
            errors.update(self._router.wire([(m, pids[m.id].pid) for m in machines if m.id not in errors]))
            # Before the gate opens: it opens for all.
            processes.end(process for instance, process in pids.items() if instance in errors)
            spawner.release()
            late = (line for line in spawner.lines(START_TIMEOUT_S) if "error" in line)
            errors.update((line["id"], line["error"]) for line in late)
        errors.update(console.failures([m for m in machines if m.id not in errors], pids))
        processes.end(process for instance, process in pids.items() if instance in errors)
        return {machine.id: self._result(machine, pids, errors) for machine in machines}

    def _result(self, machine: Machine, pids: Mapping[str, Process], errors: Mapping[str, str]) -> Booted:
        if machine.id in errors:
            limits.remove(self._tag, [machine.id])
            return Booted(process=None, error=errors[machine.id])
        _forget_plan(machine)
        _record_mounts(machine)
        return Booted(process=pids[machine.id])

    def _order(self, machine: Machine) -> Mapping[str, Any]:
        return {
            "id": machine.id,
            "directory": str(machine.directory),
            "lower": str(filesystem.image_root(machine.image)),
            "hostname": machine.name,
            "private": machine.private_ip,
            "public": machine.public_ip,
            "cgroups": limits.set_limits(self._tag, machine),
            "volumes": [(str(source), target) for source, target in machine.mounts],
            "tun": "tun" if (machine.directory / "tun").exists() else "",
            "first": machine.first_boot,
            "exec": filesystem.sshd_command(filesystem.image_root(machine.image)),
        }

    def connect(self, fabric: Fabric) -> None:
        router = self._router
        if not fabric.machines and not router.is_up():
            return
        router.ensure()
        router.load(fabric)

    def alive(self, machines: Sequence[Machine]) -> frozenset[str]:
        return frozenset(m.id for m in machines if m.process and processes.is_alive(m.process))

    def stop(self, machines: Sequence[Machine]) -> None:
        left = processes.end(machine.process for machine in machines if machine.process)
        limits.remove(self._tag, [machine.id for machine in machines])
        if left:
            pids = ", ".join(str(process.pid) for process in left)
            raise LocalCloudError(code="host", message=f"the kernel has not ended process {pids} within 10 s")

    def attach(self, machine: Machine) -> None:
        """Volumes, and the limits of a changed flavor."""
        limits.set_limits(self._tag, machine)
        if machine.process is None or not processes.is_alive(machine.process):
            return
        wanted = [(str(source), target) for source, target in machine.mounts]
        present = _recorded_mounts(machine)
        remove = [target for source, target in present if (source, target) not in wanted]
        add = [pair for pair in wanted if pair not in present]
        if not remove and not add:
            return
        batch = {"action": "volumes", "pid": machine.process.pid, "remove": remove[::-1], "add": add}
        with Spawner(batch) as spawner:
            for _ in spawner.lines(START_TIMEOUT_S):
                pass  # it says something only when it fails, and that is raised
        _record_mounts(machine)

    def discard(self, machines: Sequence[Machine]) -> None:
        limits.remove(self._tag, [machine.id for machine in machines])
        self._router.forget(machines)

    def orphans(self, known: frozenset[str]) -> tuple[int, ...]:
        found = processes.machines_below(self._directory / "i")
        return tuple(sorted(pid for instance, pid in found if instance not in known))

    def teardown(self) -> None:
        self._router.remove()
        limits.remove_all(self._tag)


def _gather(
    spawner: Spawner, machines: Sequence[Machine], on_started: StartedHook
) -> tuple[dict[str, Process], dict[str, str]]:
    """Processes that wait at the gate, and why the others do not. Pid and `ready` come in any order."""
    pids: dict[str, Process] = {}
    ready: set[str] = set()
    errors: dict[str, str] = {}
    names = {machine.id for machine in machines}
    for line in spawner.lines(START_TIMEOUT_S):
        instance = line["id"]
        if "error" in line:
            errors[instance] = line["error"]
        elif "ready" in line:
            ready.add(instance)
        else:
            process = processes.identify(line["pid"])
            if process is not None:
                pids[instance] = process
                on_started(instance, process)
        if names <= (ready & pids.keys()) | errors.keys():
            break
    for instance in names - errors.keys() - (ready & pids.keys()):
        errors[instance] = "its first process died while its file system was made"
    return pids, errors


def _forget_plan(machine: Machine) -> None:
    """User data may hold secrets, and is not needed again."""
    (machine.directory / "boot.json").unlink(missing_ok=True)


def _record_mounts(machine: Machine) -> None:
    pairs = [(str(source), target) for source, target in machine.mounts]
    (machine.directory / "mounts.json").write_text(json.dumps(pairs))


def _recorded_mounts(machine: Machine) -> list[tuple[str, str]]:
    try:
        rows = json.loads((machine.directory / "mounts.json").read_text())
    except (OSError, ValueError):
        return []
    return [(source, target) for source, target in rows]


def _make_tun(path: Path) -> None:
    """A node for VPNs in the machine: the host's own one is root's alone on many systems."""
    device = Path("/dev/net/tun")
    if not device.exists():
        return
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        os.mknod(path, stat.S_IFCHR, device.stat().st_rdev)
        path.chmod(0o666)
