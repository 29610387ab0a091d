"""The values of the local cloud: what its API takes and gives.

The cloud is its own product (what EC2 is to `clouds/aws`): it knows regions, networks, instances
and tags, nothing of MCIS, groups or stacks. Ids are `i-`, `net-`, `sub-`, `sg-`, `vol-`, `adr-`,
`boot-`, `lt-` plus 8 hex digits; key pairs are known by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol

EMPTY: Mapping[str, str] = MappingProxyType({})


class LocalCloudError(Exception):
    """The cloud refused. `code` is one of quota, capacity, conflict, not_found, invalid, host."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    id: str
    name: str
    region: str
    cidr: str
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    id: str
    network: str
    zone: str
    cidr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One inbound rule. Exactly one source: `cidr`, `peer` (a security group's *name*; it may come
    to exist later, members are matched by both their addresses), or `host` (whoever runs mcis).
    Ports are inclusive; None = all ports of the protocol (tcp, udp, icmp, all)."""

    protocol: str
    port_low: int | None = None
    port_high: int | None = None
    cidr: str | None = None
    peer: str | None = None
    host: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityGroup:
    id: str
    name: str
    network: str
    rules: tuple[Rule, ...] = ()
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    name: str
    public_key: str
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class BootConfig:
    """First-boot instructions (`#cloud-config` text), shared by many instances."""

    id: str
    name: str
    user_data: str
    sha: str
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What machines of one role in one zone have in common: where they are and what they start from."""

    zone: str
    subnet: str
    image: str
    key_pair: str
    user: str
    security_groups: tuple[str, ...] = ()
    boot_config: str | None = None
    public_ip: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchTemplate:
    """A named Launch. Instances copy it when they are made, and carry `instance_tags` as they are now.

    The id follows from the name: one that is made again is the same to whoever refers to it.
    """

    id: str
    name: str
    launch: Launch
    instance_tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)


def own_tags(tags: Mapping[str, str], inherited: Mapping[str, str]) -> dict[str, str]:
    """The tags an instance does not have from its template."""
    return {key: value for key, value in tags.items() if inherited.get(key) != value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A reserved public address; instance and private address come back with it."""

    id: str
    name: str
    region: str
    public_ip: str
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A folder that outlives its instance; `zone` is `<region>/<zone>`."""

    id: str
    name: str
    zone: str
    size_gib: int
    instance: str | None = None
    mount: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    volume: str
    mount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSpec:
    """What is asked for. `zone` is the zone letter inside the subnet's region; `image` is
    "host" or "dir:/path"; `address` is the id of an Address, `template` of the LaunchTemplate that
    was copied."""

    name: str
    zone: str
    subnet: str
    flavor: str
    image: str
    key_pair: str
    user: str
    security_groups: tuple[str, ...] = ()
    boot_config: str | None = None
    public_ip: bool = True
    address: str | None = None
    volumes: tuple[Attachment, ...] = ()
    template: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)


State = Literal["pending", "running", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What exists. `state` is observed (pid, start time and boot id agree), not remembered.

    `booted_at` is when a running one was last started; None when that was before it was written down.
    """

    id: str
    spec: InstanceSpec
    region: str
    private_ip: str
    public_ip: str | None
    ssh_port: int
    host_key: str
    backend: str
    state: State
    created_at: str
    booted_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The kernel's name for a running machine; a bare pid is never an identity."""

    pid: int
    start: int
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BootPlan:
    """A parsed boot config: what to do at the first boot, in this order."""

    bootcmd: tuple[str, ...] = ()
    files: tuple[tuple[str, str, int, str], ...] = ()  # path, content, mode, "user:group"
    packages: tuple[str, ...] = ()
    runcmd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """All a backend must know to boot one instance.

    `directory` is the instance's own folder (`<cloud>/i/<id>`): upper/, work/, root/, console.log.
    The host key's private half is made by the backend's `prepare` and never leaves that folder.
    `first_boot` is False when the file system has already been set up (start after stop).
    """

    id: str
    number: int
    directory: Path
    name: str
    region: str
    private_ip: str
    public_ip: str | None
    ssh_port: int
    mac: str
    cpu: float
    memory_mib: int
    image: str
    user: str
    public_key: str
    host_private_key: str = field(repr=False, default="")
    host_public_key: str = ""
    boot: BootPlan = field(default_factory=BootPlan)
    mounts: tuple[tuple[Path, str], ...] = ()
    security_groups: tuple[str, ...] = ()
    process: Process | None = None
    first_boot: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """The result of booting one machine: a process, or the reason there is none."""

    process: Process | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fabric:
    """The whole network as it should be: every machine that runs and every security group."""

    machines: tuple[Machine, ...]
    groups: tuple[SecurityGroup, ...]


class Backend(Protocol):
    """What makes machines real. One implementation per way: namespaces, or plain processes.

    Methods are called under the cloud's lock file, in batches. None of them touches the database.
    """

    name: str

    def probe(self) -> str:
        """Try everything a machine needs in a child process; "" = works, else the failed call."""

    def addressing(self) -> Mapping[str, Any]:
        """Once per cloud, at its creation: pool of private and public ranges, host address.

        Keys: `private` (CIDR), `public` (CIDR or None), `host_ip` (what `me` means), `ssh_port`.
        """

    def prepare(self, machine: Machine) -> None:
        """Write the file system of a first boot: users, keys, host key, files. Repeatable."""

    def boot(self, machines: Sequence[Machine], on_started: StartedHook) -> Mapping[str, Booted]:
        """Start prepared machines and wait until each sshd shows its banner. One entry per id.

        `on_started(id, process)` is called as soon as the process exists and before it may run, so
        that the caller can store it: a caller that dies before leaves nothing running.
        """

    def connect(self, fabric: Fabric) -> None:
        """Make routing and security groups equal to `fabric`, atomically."""

    def alive(self, machines: Sequence[Machine]) -> frozenset[str]:
        """Ids of the machines whose process is the recorded one and is not a zombie."""

    def stop(self, machines: Sequence[Machine]) -> None:
        """End them and wait; the file system stays. Stopping a stopped machine is fine."""

    def attach(self, machine: Machine) -> None:
        """Bring `machine.mounts` of a running machine up to date."""

    def discard(self, machines: Sequence[Machine]) -> None:
        """Remove what `prepare` and `boot` left outside the instance folder."""

    def orphans(self, known: frozenset[str]) -> tuple[int, ...]:
        """Pids of machine processes below our directory whose instance id is not in `known`."""

    def teardown(self) -> None:
        """The last machine is gone: remove router, links, routes, mounts, helper processes."""


class StartedHook(Protocol):
    def __call__(self, instance: str, process: Process) -> None: ...
