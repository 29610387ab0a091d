"""Rows of instances: checking what is asked for, and giving it a number and addresses.

Functions of one open transaction; nothing here starts a machine.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address
from itertools import count

from mcis_iac.local_cloud import (
    addresses,
    assets,
    bootconfig,
    facts,
    hostkeys,
    images,
    networks,
    places,
    records,
)
from mcis_iac.local_cloud.adoption import check_owner, new_id, one
from mcis_iac.local_cloud.hostkeys import HostKey
from mcis_iac.local_cloud.records import Record, Settings, dump
from mcis_iac.local_cloud.types import Attachment, InstanceSpec, LocalCloudError

USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
NO_MOUNTS = ("/", "/proc", "/sys", "/dev", "/run", "/tmp", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64")


@dataclass
class Reservations:
    """Gives one batch its numbers, addresses and host keys; loads what is taken only once."""

    db: sqlite3.Connection
    settings: Settings
    keys: dict[str, HostKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken = {row["num"] for row in self.db.execute("SELECT num FROM instance")}
        self._numbers: Iterator[int] = (number for number in count() if number not in taken)
        self._private = assets.used_private(self.db)
        self._public = assets.used_public(self.db)
        if self.settings.one_address:
            self._private |= self._public
        self._created = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._creator = os.getpid(), places.process_start(os.getpid())

    def reserve(self, spec: InstanceSpec) -> str:
        """Insert the pending row of a checked spec; its id. LocalCloudError("capacity") when full."""
        subnet = one(self.db, "subnet", spec.subnet)
        parent = one(self.db, "network", subnet["network"])
        kept = one(self.db, "address", spec.address) if spec.address else None
        private = self._private_for(subnet, parent, kept)
        public = self._public_for(spec, private, parent["region"], kept)
        id, key = new_id(self.db, "instance"), hostkeys.generate()
        values = {
            "id": id, "num": next(self._numbers), "name": spec.name, "region": parent["region"],
            "zone": spec.zone, "subnet": spec.subnet, "private_ip": str(private),
            "public_ip": None if public is None else str(public), "mac": addresses.mac_of(private),
            "wants_public": int(spec.public_ip), "address": spec.address, "image": spec.image,
            "flavor": spec.flavor, "key_pair": spec.key_pair, "user": spec.user,
            "public_key": one(self.db, "key_pair", spec.key_pair)["public_key"],
            "boot_config": spec.boot_config, "template": spec.template, "host_key": key.public,
            "phase": "pending",
            "creator_pid": self._creator[0], "creator_start": self._creator[1],
            "created_at": self._created, "tags": dump(dict(spec.tags)),
        }  # fmt: skip
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        self.db.execute(f"INSERT INTO instance({names}) VALUES({marks})", values)
        if spec.address:
            change = "UPDATE address SET private_ip=? WHERE id=?"
            self.db.execute(change, (str(private), spec.address))
        set_groups(self.db, id, spec.security_groups)
        set_volumes(self.db, id, spec.volumes)
        self._private.add(int(private))
        if public is not None:
            self._public.add(int(public))
        self.keys[id] = key
        return id

    def renew(self, record: Record) -> str:
        """A half-made instance gets a new host key: the private half of the first one is lost."""
        self.keys[record.id] = key = hostkeys.generate()
        pid, start = self._creator
        self.db.execute(
            "UPDATE instance SET host_key=?, creator_pid=?, creator_start=?, pid=NULL WHERE id=?",
            (key.public, pid, start, record.id),
        )
        return record.id

    def _private_for(self, subnet: sqlite3.Row, parent: sqlite3.Row, kept: sqlite3.Row | None) -> IPv4Address:
        blocks = records.ranges(self.db, subnet["id"])
        if kept is not None and kept["private_ip"]:
            before = IPv4Address(kept["private_ip"])
            if self.settings.one_address or any(before in block for block in blocks):
                return before
        found = addresses.first_free(blocks, self._private)
        if found is None and subnet["grows"]:
            found = self._grow(subnet, parent)
        if found is None:
            message = f"no address left in subnet {subnet['id']} ({parent['region']}, zone {subnet['zone']})"
            raise LocalCloudError(code="capacity", message=message)
        return found

    def _grow(self, subnet: sqlite3.Row, parent: sqlite3.Row) -> IPv4Address | None:
        block = networks.next_block(self.settings, parent, records.subnets_taken(self.db))
        if block is None:
            return None
        self.db.execute("INSERT INTO subnet_range VALUES(?, ?)", (str(block), subnet["id"]))
        return addresses.first_free([block], self._private)

    def _public_for(
        self, spec: InstanceSpec, private: IPv4Address, region: str, kept: sqlite3.Row | None
    ) -> IPv4Address | None:
        if kept is not None:
            return IPv4Address(kept["public_ip"])
        pool = self.settings.public
        if not spec.public_ip or pool is None:
            return None
        if self.settings.one_address:
            return private
        block = addresses.region_range(pool, networks.region(region).index)
        found = addresses.public_for(private, (self.settings.private, pool), block, self._public)
        if found is None:
            raise LocalCloudError(code="capacity", message=f"region {region} has no public address left")
        return found


def check(db: sqlite3.Connection, spec: InstanceSpec, mine: str | None = None) -> None:
    """Refuse what cannot be made; `mine` is the id of the instance that already holds the parts."""
    if not records.NAME.fullmatch(spec.name):
        raise LocalCloudError(code="invalid", message=f"{spec.name!r} is no host name")
    check_user(spec.user)
    check_flavor(spec.flavor)
    images.check(spec.image)
    one(db, "key_pair", spec.key_pair)
    subnet = one(db, "subnet", spec.subnet)
    if subnet["zone"] != spec.zone:
        message = f"{spec.name}: subnet {spec.subnet} is in zone {subnet['zone']}, not {spec.zone}"
        raise LocalCloudError(code="invalid", message=message)
    parent = one(db, "network", subnet["network"])
    if spec.boot_config:
        bootconfig.parse(one(db, "boot_config", spec.boot_config)["user_data"])
    check_groups(db, spec.security_groups, parent["id"])
    check_volumes(db, spec.volumes, f"{parent['region']}/{spec.zone}", mine)
    if spec.address:
        _check_address(db, spec, parent["region"], mine)


def check_user(user: str) -> None:
    if not USER.fullmatch(user) or user == "root":
        raise LocalCloudError(code="invalid", message=f"{user!r} cannot be the login user")


def check_flavor(flavor: str) -> None:
    if flavor not in facts.flavors():
        known = ", ".join(facts.flavors())
        raise LocalCloudError(code="not_found", message=f"there is no flavor {flavor} (there are {known})")


def check_groups(db: sqlite3.Connection, groups: Sequence[str], network: str) -> None:
    for group in groups:
        if one(db, "security_group", group)["network"] != network:
            raise LocalCloudError(
                code="invalid", message=f"the security group {group} belongs to another network"
            )


def check_volumes(db: sqlite3.Connection, volumes: Sequence[Attachment], zone: str, mine: str | None) -> None:
    mounts = [each.mount.rstrip("/") for each in volumes]
    for each, mount in zip(volumes, mounts, strict=True):
        row = one(db, "volume", each.volume)
        if row["zone"] != zone:
            message = f"the volume {each.volume} is in zone {row['zone']}, the instance in {zone}"
            raise LocalCloudError(code="invalid", message=message)
        if row["instance"] and row["instance"] != mine:
            message = f"the volume {each.volume} is attached to instance {row['instance']}"
            raise LocalCloudError(code="conflict", message=message)
        if not mount.startswith("/") or mount in NO_MOUNTS or ".." in mount.split("/"):
            raise LocalCloudError(code="invalid", message=f"{each.mount!r} cannot be a mount point")
    if len(set(mounts)) < len(mounts) or len({each.volume for each in volumes}) < len(mounts):
        raise LocalCloudError(code="invalid", message="a volume or a mount point is named twice")


def _check_address(db: sqlite3.Connection, spec: InstanceSpec, region: str, mine: str | None) -> None:
    row = one(db, "address", str(spec.address))
    if row["region"] != region:
        message = f"the address {spec.address} is in {row['region']}, the instance in {region}"
        raise LocalCloudError(code="invalid", message=message)
    user = db.execute("SELECT id FROM instance WHERE address=?", (spec.address,)).fetchone()
    if user is not None and user["id"] != mine:
        raise LocalCloudError(
            code="conflict", message=f"the address {spec.address} is in use by instance {user['id']}"
        )


def set_groups(db: sqlite3.Connection, id: str, groups: Sequence[str]) -> None:
    db.execute("DELETE FROM instance_group WHERE instance=?", (id,))
    rows = [(id, group, at) for at, group in enumerate(dict.fromkeys(groups))]
    db.executemany("INSERT INTO instance_group VALUES(?, ?, ?)", rows)


def set_volumes(db: sqlite3.Connection, id: str, volumes: Sequence[Attachment]) -> None:
    db.execute("UPDATE volume SET instance=NULL, mount=NULL WHERE instance=?", (id,))
    rows = [(id, each.mount.rstrip("/"), each.volume) for each in volumes]
    db.executemany("UPDATE volume SET instance=?, mount=? WHERE id=?", rows)


def by_name(db: sqlite3.Connection, name: str) -> Record | None:
    row = db.execute("SELECT id FROM instance WHERE name=?", (name,)).fetchone()
    return None if row is None else records.load(db, [row["id"]])[row["id"]]


def existing(db: sqlite3.Connection, spec: InstanceSpec) -> tuple[Record | None, bool]:
    """The instance of that name, and whether it is left over: the same owner's, but not as asked.

    LocalCloudError("conflict") when the name is somebody else's.
    """
    record = by_name(db, spec.name)
    if record is None:
        return None, False
    check_owner("instance", record.row, spec.tags)
    have = record.spec
    fixed = ("zone", "subnet", "image", "key_pair", "user", "public_ip", "address", "template")
    same = all(getattr(have, name) == getattr(spec, name) for name in fixed)
    return record, not same or record.phase == "deleting"


def started(db: sqlite3.Connection, id: str, pid: int, start: int, boot: str) -> None:
    """Write down the process of an instance; the same one again changes nothing."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    db.execute(
        "UPDATE instance SET pid=?, pid_start=?, boot_id=?, booted_at=? "
        "WHERE id=? AND (pid, pid_start, boot_id) IS NOT (?, ?, ?)",
        (pid, start, boot, now, id, pid, start, boot),
    )
