"""Real machines of the netns backend without the cloud around it: a folder, ranges, keys, ssh."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcis_iac.local_cloud.netns import processes
from mcis_iac.local_cloud.netns.backend import NetnsBackend
from mcis_iac.local_cloud.types import Booted, Fabric, Machine, Process, Rule, SecurityGroup

ALL = SecurityGroup(
    id="sg-all", name="all", network="net-1", rules=(Rule(protocol="tcp", port_low=22, host=True),)
)


def ed25519() -> tuple[str, str]:
    """A fresh key: (private, public) in OpenSSH's format."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.decode(), public.decode()


class NetnsWorld:
    """One cloud's folder with its backend; `close` removes it and insists that nothing is left."""

    def __init__(self) -> None:
        # On disk, not on tmpfs, and not readable by others: as a real cloud's folder.
        self.base = Path(tempfile.mkdtemp(prefix="mcis-netns-", dir="/var/tmp"))
        self.base.chmod(0o711)
        self.directory = self.base / "site"
        self.directory.mkdir(mode=0o711)
        self.settings = NetnsBackend(self.directory, {}).addressing()
        self.backend = NetnsBackend(self.directory, self.settings)
        self.machines: dict[str, Machine] = {}
        private, self.public_key = ed25519()
        self.key = self.base / "key"
        self.key.write_text(private)
        self.key.chmod(0o600)

    def machine(self, name: str, **given: Any) -> Machine:
        """A prepared machine with the next number; root logs in, the group `all` lets the host in."""
        number = len(self.machines)
        address = self._nth("private", number)
        private, public = ed25519()
        values: dict[str, Any] = {
            "id": f"i-{number:08x}",
            "number": number,
            "directory": self.directory / "i" / f"i-{number:08x}",
            "name": name,
            "region": "local-seoul",
            "private_ip": address,
            "public_ip": self._nth("public", number),
            "ssh_port": 22,
            "mac": "02:01:" + ":".join(f"{int(part):02x}" for part in address.split(".")),
            "cpu": 1.0,
            "memory_mib": 512,
            "image": "host",
            "user": "root",
            "public_key": self.public_key,
            "host_private_key": private,
            "host_public_key": public,
            "security_groups": ("sg-all",),
            **given,
        }
        made = Machine(**values)
        self.machines[made.id] = made
        self.backend.prepare(made)
        return made

    def _nth(self, kind: str, number: int) -> str:
        return str(IPv4Network(self.settings[kind])[4 + number])

    def boot(self, *machines: Machine, groups: Sequence[SecurityGroup] = (ALL,)) -> list[Machine]:
        """Connect everything, boot these, and return them with their processes."""
        self.connect(groups)
        results = self.backend.boot(machines, lambda *_: None)
        return [self._started(machine, results[machine.id]) for machine in machines]

    def _started(self, machine: Machine, result: Booted) -> Machine:
        assert not result.error, result.error
        found = dataclasses.replace(machine, process=result.process, first_boot=False)
        self.machines[machine.id] = found
        return found

    def started(self, name: str, **given: Any) -> Machine:
        return self.boot(self.machine(name, **given))[0]

    def connect(self, groups: Sequence[SecurityGroup] = (ALL,)) -> None:
        self.backend.connect(Fabric(machines=tuple(self.machines.values()), groups=tuple(groups)))

    def ssh(self, machine: Machine, command: str, **more: Any) -> subprocess.CompletedProcess[str]:
        known = self.base / f"known-{machine.number}"
        known.write_text(f"{machine.private_ip},{machine.public_ip} {machine.host_public_key}\n")
        options = {
            "UserKnownHostsFile": known,
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "KexAlgorithms": "curve25519-sha256",
            "ConnectTimeout": "5",
            "LogLevel": "ERROR",
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        target = f"{more.pop('user', machine.user)}@{more.pop('address', machine.private_ip)}"
        return subprocess.run(
            ["ssh", "-n", "-F", "none", "-i", str(self.key), *words, target, command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def say(self, machine: Machine, command: str, **more: Any) -> str:
        """Output of a command that must work."""
        answer = self.ssh(machine, command, **more)
        assert answer.returncode == 0, answer
        return answer.stdout.strip()

    def first_boot(self, machine: Machine) -> str:
        """The marker, once it is there."""
        return self.say(machine, "while ! cat /var/lib/mcis/first-boot.json 2>/dev/null; do sleep 0.05; done")

    def stop(self, machine: Machine) -> Machine:
        self.backend.stop([machine])
        found = dataclasses.replace(machine, process=None)
        self.machines[machine.id] = found
        return found

    def close(self) -> None:
        machines = list(self.machines.values())
        self.backend.stop(machines)
        self.backend.discard(machines)
        self.backend.teardown()
        left = self.left()
        shutil.rmtree(self.base)
        assert not left, left

    def left(self) -> list[str]:
        """What the host still has of this cloud."""
        name = str(self.settings["router"])
        found = [f"process {pid}" for pid in self.backend.orphans(frozenset())]
        found += [
            line for line in Path("/proc/self/mounts").read_text().splitlines() if str(self.base) in line
        ]
        places = [Path("/run/netns") / name, Path("/sys/class/net") / name]
        found += [str(path) for path in places if path.exists()]
        ranges = [str(self.settings[kind]) for kind in ("private", "public")]
        routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
        found += [line for line in routes.splitlines() if any(word in line for word in ranges)]
        tag = name.removeprefix("mcis-")
        return found + [
            str(path)
            for pattern in (f"mcis-local/{tag}", f"*/mcis-local/{tag}")
            for path in Path("/sys/fs/cgroup").glob(pattern)
        ]


def gone(process: Process, timeout_s: float = 5.0) -> bool:
    """Whether the process ends within the time."""
    deadline = time.monotonic() + timeout_s
    while processes.is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not processes.is_alive(process)
