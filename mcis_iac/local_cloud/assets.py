"""Key pairs, boot configs, reserved addresses and volumes. Functions of one open write transaction."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from ipaddress import IPv4Address

from mcis_iac.local_cloud import addresses, bootconfig, records
from mcis_iac.local_cloud.adoption import adopt, new_id, one
from mcis_iac.local_cloud.networks import check_zone, region
from mcis_iac.local_cloud.records import Settings, dump
from mcis_iac.local_cloud.types import Address, BootConfig, KeyPair, LocalCloudError, Volume

KEY_TYPES = ("ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-", "sk-ssh-ed25519@openssh.com ", "sk-ecdsa-sha2-")
MAX_USER_DATA = 256 * 1024


def create_key_pair(
    db: sqlite3.Connection, *, name: str, public_key: str, tags: Mapping[str, str]
) -> KeyPair:
    key = public_key.strip()
    if not key.startswith(KEY_TYPES) or "\n" in key:
        raise LocalCloudError(
            code="invalid", message=f"key pair {name}: not a public key in OpenSSH's format"
        )
    if adopt(db, "key_pair", {"name": name}, tags, {"public_key": key}) is None:
        db.execute("INSERT INTO key_pair VALUES(?, ?, ?)", (name, key, dump(dict(tags))))
    return records.key_pair(one(db, "key_pair", name))


def create_boot_config(
    db: sqlite3.Connection, *, name: str, user_data: str, tags: Mapping[str, str]
) -> BootConfig:
    sha = check_user_data(user_data)
    row = adopt(db, "boot_config", {"name": name}, tags, {})
    if row is not None:
        return set_user_data(db, row["id"], user_data)
    id = new_id(db, "boot_config")
    db.execute("INSERT INTO boot_config VALUES(?, ?, ?, ?, ?)", (id, name, user_data, sha, dump(dict(tags))))
    return records.boot_config(one(db, "boot_config", id))


def set_user_data(db: sqlite3.Connection, boot_config: str, user_data: str) -> BootConfig:
    sha = check_user_data(user_data)
    one(db, "boot_config", boot_config)
    db.execute("UPDATE boot_config SET user_data=?, sha=? WHERE id=?", (user_data, sha, boot_config))
    return records.boot_config(one(db, "boot_config", boot_config))


def check_user_data(user_data: str) -> str:
    """Its SHA-256; LocalCloudError("invalid") before any machine would stumble over it."""
    raw = user_data.encode("utf-8")
    if len(raw) > MAX_USER_DATA:
        raise LocalCloudError(code="invalid", message=f"boot config: more than {MAX_USER_DATA // 1024} KiB")
    bootconfig.parse(user_data)
    return hashlib.sha256(raw).hexdigest()


def create_address(
    db: sqlite3.Connection, settings: Settings, *, name: str, region_name: str, tags: Mapping[str, str]
) -> Address:
    """A public address that stays; where machines have one address for both, the private one too."""
    place = region(region_name)
    row = adopt(db, "address", {"name": name}, tags, {"region": region_name})
    if row is None:
        if settings.public is None:
            raise LocalCloudError(code="capacity", message="this local cloud has no public addresses")
        block = addresses.region_range(settings.public, place.index)
        used = used_public(db) | (used_private(db) if settings.one_address else set())
        found = addresses.last_free(block, used)
        if found is None:
            raise LocalCloudError(code="capacity", message=f"region {region_name} has no public address left")
        id = new_id(db, "address")
        private = str(found) if settings.one_address else None
        values = (id, name, region_name, str(found), private, dump(dict(tags)))
        db.execute("INSERT INTO address VALUES(?, ?, ?, ?, ?, ?)", values)
        row = one(db, "address", id)
    return shown(records.address(row), settings)


def shown(address: Address, settings: Settings) -> Address:
    """The address as others can reach it."""
    return Address(
        id=address.id,
        name=address.name,
        region=address.region,
        public_ip=settings.shown(address.public_ip),
        tags=address.tags,
    )


def used_private(db: sqlite3.Connection) -> set[int]:
    """Private addresses instances have or reserved addresses keep."""
    return _used(db, "private_ip")


def used_public(db: sqlite3.Connection) -> set[int]:
    return _used(db, "public_ip")


def _used(db: sqlite3.Connection, column: str) -> set[int]:
    query = f"SELECT {column} AS ip FROM instance UNION SELECT {column} FROM address"
    return {int(IPv4Address(row["ip"])) for row in db.execute(query) if row["ip"]}


def create_volume(
    db: sqlite3.Connection, *, name: str, zone: str, size_gib: int, tags: Mapping[str, str]
) -> Volume:
    """A volume left by an earlier try is adopted, and grown; in another zone it is never thrown away."""
    place, _, letter = zone.partition("/")
    region(place)
    check_zone(letter)
    if size_gib < 1:
        raise LocalCloudError(code="invalid", message=f"volume {name}: {size_gib} GiB is no size")
    row = db.execute("SELECT * FROM volume WHERE name=?", (name,)).fetchone()
    if row is not None and row["zone"] != zone:
        message = f"the volume {name} ({row['id']}) already exists in {row['zone']}: delete it first"
        raise LocalCloudError(code="conflict", message=message)
    row = adopt(db, "volume", {"name": name}, tags, {})
    if row is not None:
        return grow_volume(db, row["id"], max(size_gib, row["size_gib"]))
    id = new_id(db, "volume")
    values = (id, name, zone, size_gib, None, None, dump(dict(tags)))
    db.execute("INSERT INTO volume VALUES(?, ?, ?, ?, ?, ?, ?)", values)
    return records.volume(one(db, "volume", id))


def grow_volume(db: sqlite3.Connection, volume: str, size_gib: int) -> Volume:
    row = one(db, "volume", volume)
    if size_gib < row["size_gib"]:
        message = f"the volume {volume} has {row['size_gib']} GiB and cannot shrink to {size_gib}"
        raise LocalCloudError(code="invalid", message=message)
    db.execute("UPDATE volume SET size_gib=? WHERE id=?", (size_gib, volume))
    return records.volume(one(db, "volume", volume))
