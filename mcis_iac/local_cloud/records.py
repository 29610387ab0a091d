"""Rows of the database as the values callers and backends see."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any

from mcis_iac.local_cloud import facts
from mcis_iac.local_cloud.types import (
    Address,
    Attachment,
    BootConfig,
    BootPlan,
    Instance,
    InstanceSpec,
    KeyPair,
    Launch,
    LaunchTemplate,
    Machine,
    Network,
    Process,
    Rule,
    SecurityGroup,
    State,
    Subnet,
    Volume,
)

Resource = Network | Subnet | SecurityGroup | KeyPair | BootConfig | LaunchTemplate | Address | Volume
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # of a host
OWNER = "mcis"  # tags whose key starts so say whose a thing is; the others only describe it


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the backend said of addresses when the cloud was made.

    `private` and `public` may be one range: then a machine has one address for both. Without
    `routed`, ranges that users choose are names only and addresses come from the pool. With
    `port_base`, machines share `host_ip` and each has its own SSH port.
    """

    private: IPv4Network
    public: IPv4Network | None
    host_ip: str
    ssh_port: int = 22
    routed: bool = True
    port_base: int | None = None

    @classmethod
    def of(cls, addressing: Mapping[str, Any]) -> Settings:
        """From the backend's mapping; keys of its own are left alone."""
        public = addressing.get("public")
        return cls(
            private=IPv4Network(addressing["private"]),
            public=IPv4Network(public) if public else None,
            host_ip=addressing["host_ip"],
            ssh_port=addressing["ssh_port"],
            routed=addressing.get("routed", True),
            port_base=addressing.get("port_base"),
        )

    @property
    def one_address(self) -> bool:
        return self.public == self.private

    def shown(self, ip: str) -> str:
        """An address as others can reach it."""
        return ip if self.port_base is None else self.host_ip

    def port(self, number: int) -> int:
        return self.ssh_port if self.port_base is None else self.port_base + number


def dump(value: Any) -> str:
    """Canonical JSON, comparable as text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def owner(tags: Mapping[str, str]) -> Mapping[str, str]:
    """The tags that say whose a thing is; where there are none, all of them do."""
    return {key: value for key, value in tags.items() if key.startswith(OWNER)} or dict(tags)


def tags_of(row: sqlite3.Row) -> dict[str, str]:
    return dict(json.loads(row["tags"]))


def dump_rules(rules: Iterable[Rule]) -> str:
    return dump([{name: getattr(rule, name) for name in Rule.__slots__} for rule in rules])


def network(row: sqlite3.Row) -> Network:
    return Network(id=row["id"], name=row["name"], region=row["region"], cidr=row["cidr"], tags=tags_of(row))


def subnet(row: sqlite3.Row) -> Subnet:
    return Subnet(id=row["id"], network=row["network"], zone=row["zone"], cidr=row["cidr"])


def security_group(row: sqlite3.Row) -> SecurityGroup:
    rules = tuple(Rule(**rule) for rule in json.loads(row["rules"]))
    return SecurityGroup(
        id=row["id"], name=row["name"], network=row["network"], rules=rules, tags=tags_of(row)
    )


def key_pair(row: sqlite3.Row) -> KeyPair:
    return KeyPair(name=row["name"], public_key=row["public_key"], tags=tags_of(row))


def boot_config(row: sqlite3.Row) -> BootConfig:
    return BootConfig(
        id=row["id"], name=row["name"], user_data=row["user_data"], sha=row["sha"], tags=tags_of(row)
    )


def launch_template(row: sqlite3.Row) -> LaunchTemplate:
    launch = json.loads(row["launch"])
    groups = tuple(launch.pop("security_groups"))
    return LaunchTemplate(
        id=row["id"],
        name=row["name"],
        launch=Launch(**launch, security_groups=groups, boot_config=row["boot_config"]),
        instance_tags=dict(json.loads(row["instance_tags"])),
        tags=tags_of(row),
    )


def address(row: sqlite3.Row) -> Address:
    return Address(
        id=row["id"],
        name=row["name"],
        region=row["region"],
        public_ip=row["public_ip"],
        tags=tags_of(row),
    )


def volume(row: sqlite3.Row) -> Volume:
    return Volume(
        id=row["id"],
        name=row["name"],
        zone=row["zone"],
        size_gib=row["size_gib"],
        instance=row["instance"],
        mount=row["mount"] if row["instance"] else None,
        tags=tags_of(row),
    )


LOADERS: Mapping[str, Callable[[sqlite3.Row], Resource]] = {
    "network": network,
    "subnet": subnet,
    "security_group": security_group,
    "key_pair": key_pair,
    "boot_config": boot_config,
    "launch_template": launch_template,
    "address": address,
    "volume": volume,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One instance as stored, with its groups and volumes."""

    row: sqlite3.Row
    security_groups: tuple[str, ...]
    volumes: tuple[Attachment, ...]

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def name(self) -> str:
        return str(self.row["name"])

    @property
    def phase(self) -> str:
        return str(self.row["phase"])

    @property
    def process(self) -> Process | None:
        if self.row["pid"] is None:
            return None
        return Process(pid=self.row["pid"], start=self.row["pid_start"], boot_id=self.row["boot_id"])

    @property
    def spec(self) -> InstanceSpec:
        row = self.row
        return InstanceSpec(
            name=row["name"],
            zone=row["zone"],
            subnet=row["subnet"],
            flavor=row["flavor"],
            image=row["image"],
            key_pair=row["key_pair"],
            user=row["user"],
            security_groups=self.security_groups,
            boot_config=row["boot_config"],
            public_ip=bool(row["wants_public"]),
            address=row["address"],
            volumes=self.volumes,
            template=row["template"],
            tags=tags_of(row),
        )

    def instance(self, settings: Settings, backend: str, *, alive: bool) -> Instance:
        """What callers see; `alive` is the backend's observation."""
        row = self.row
        seen: State = "running" if alive else "stopped"
        return Instance(
            id=row["id"],
            spec=self.spec,
            region=row["region"],
            private_ip=settings.shown(row["private_ip"]),
            public_ip=settings.shown(row["public_ip"]) if row["public_ip"] else None,
            ssh_port=settings.port(row["num"]),
            host_key=row["host_key"],
            backend=backend,
            state="pending" if row["phase"] == "pending" else seen,
            created_at=row["created_at"],
            booted_at=row["booted_at"] if alive else None,
        )

    def machine(self, settings: Settings, directory: Path) -> Machine:
        """What a backend needs to stop, start and route it; a first boot needs more (see `first`)."""
        row = self.row
        flavor = facts.flavors()[row["flavor"]]
        return Machine(
            id=row["id"],
            number=row["num"],
            directory=directory / "i" / row["id"],
            name=_host_name(row),
            region=row["region"],
            private_ip=settings.shown(row["private_ip"]),
            public_ip=settings.shown(row["public_ip"]) if row["public_ip"] else None,
            ssh_port=settings.port(row["num"]),
            mac=row["mac"],
            cpu=flavor.cpu,
            memory_mib=flavor.memory_mib,
            image=row["image"],
            user=row["user"],
            public_key=row["public_key"],
            host_public_key=row["host_key"],
            mounts=tuple((directory / "vol" / each.volume, each.mount) for each in self.volumes),
            security_groups=self.security_groups,
            process=self.process,
            first_boot=False,
        )


def _host_name(row: sqlite3.Row) -> str:
    """What its owner calls it, if that can be a host name; its name in the cloud is longer."""
    given = tags_of(row).get("mcis-vm", "")
    return given if NAME.fullmatch(given) else str(row["name"])


def first(machine: Machine, host_private_key: str, boot: BootPlan) -> Machine:
    """The machine before its first boot: with its host key and what to set up."""
    return replace(machine, host_private_key=host_private_key, boot=boot, first_boot=True)


def load(db: sqlite3.Connection, ids: Sequence[str] | None = None) -> dict[str, Record]:
    """Instances by id, in order of creation; unknown ids are left out. None = all."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for row in _select(db, "instance_group", "instance", ids, "position"):
        groups[row["instance"]].append(row["security_group"])
    volumes: defaultdict[str, list[Attachment]] = defaultdict(list)
    for row in _select(db, "volume", "instance", ids, "mount"):
        if row["instance"]:
            volumes[row["instance"]].append(Attachment(volume=row["id"], mount=row["mount"]))
    return {
        row["id"]: Record(
            row=row, security_groups=tuple(groups[row["id"]]), volumes=tuple(volumes[row["id"]])
        )
        for row in _select(db, "instance", "id", ids, "created_at, num")
    }


def _select(
    db: sqlite3.Connection, table: str, column: str, ids: Sequence[str] | None, order: str
) -> list[sqlite3.Row]:
    if ids is None:
        return db.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
    # One JSON argument instead of N placeholders: SQLite limits their number.
    query = f"SELECT * FROM {table} WHERE {column} IN (SELECT value FROM json_each(?)) ORDER BY {order}"
    return db.execute(query, (json.dumps(list(ids)),)).fetchall()


def ranges(db: sqlite3.Connection, subnet_id: str) -> list[IPv4Network]:
    """The blocks of a subnet, ascending."""
    rows = db.execute("SELECT cidr FROM subnet_range WHERE subnet=?", (subnet_id,))
    return sorted(IPv4Network(row["cidr"]) for row in rows)


def subnets_taken(db: sqlite3.Connection) -> list[IPv4Network]:
    """Every block some subnet has."""
    return [IPv4Network(ip_network(row["cidr"])) for row in db.execute("SELECT cidr FROM subnet_range")]
