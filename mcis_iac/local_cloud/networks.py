"""Networks, subnets and security groups. Functions of one open write transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path

from mcis_iac.local_cloud import addresses, facts, records
from mcis_iac.local_cloud.adoption import adopt, new_id, one
from mcis_iac.local_cloud.records import Settings, dump, dump_rules
from mcis_iac.local_cloud.types import LocalCloudError, Network, Rule, SecurityGroup, Subnet

ROUTES = Path("/proc/net/route")
PROTOCOLS = frozenset({"tcp", "udp", "icmp", "all"})
MAX_PORT = 65535


def region(name: str) -> facts.Region:
    """The region; LocalCloudError("not_found") lists them all."""
    found = facts.regions().get(name)
    if found is None:
        message = f"there is no region {name} (there are {', '.join(facts.regions())})"
        raise LocalCloudError(code="not_found", message=message)
    return found


def check_zone(zone: str) -> str:
    if zone not in facts.ZONES:
        raise LocalCloudError(
            code="not_found", message=f"there is no zone {zone} (there are {', '.join(facts.ZONES)})"
        )
    return zone


def host_routes(table: Path = ROUTES) -> Iterator[IPv4Network]:
    """Ranges this host already routes somewhere, its default route aside; nothing where it is not Linux."""
    if not table.exists():
        return
    for line in table.read_text().splitlines()[1:]:
        fields = line.split()
        target, mask = (int.from_bytes(bytes.fromhex(fields[at]), "little") for at in (1, 7))
        if mask:
            yield IPv4Network((target, mask.bit_count()))


def create_network(
    db: sqlite3.Connection,
    settings: Settings,
    *,
    name: str,
    region_name: str,
    cidr: str | None,
    tags: Mapping[str, str],
) -> Network:
    place = region(region_name)
    whole = addresses.region_range(settings.private, place.index)
    block = whole if cidr is None else addresses.parse(cidr)
    fixed = {"region": region_name, "cidr": str(block), "own": int(cidr is not None)}
    row = adopt(db, "network", {"name": name}, tags, fixed)
    if row is None:
        if cidr is not None and settings.routed:
            _check_free(db, settings, block)
        id = new_id(db, "network")
        values = (id, name, region_name, str(block), int(cidr is not None), dump(dict(tags)))
        db.execute("INSERT INTO network VALUES(?, ?, ?, ?, ?, ?)", values)
        row = one(db, "network", id)
    return records.network(row)


def _check_free(db: sqlite3.Connection, settings: Settings, block: IPv4Network) -> None:
    """One router means one address space: a user's range may meet nothing else."""
    mine = {"the cloud's own pool": settings.private, "the cloud's public range": settings.public}
    for what, taken in mine.items():
        if taken is not None and block.overlaps(taken):
            raise LocalCloudError(code="conflict", message=f"the range {block} overlaps {taken}, {what}")
    for row in db.execute("SELECT name, cidr FROM network WHERE own=1"):
        if block.overlaps(IPv4Network(row["cidr"])):
            message = f"the range {block} overlaps {row['cidr']} of network {row['name']}"
            raise LocalCloudError(code="conflict", message=message)
    for route in host_routes():
        if block.overlaps(route):
            raise LocalCloudError(
                code="conflict", message=f"the range {block} overlaps {route}, which this host routes"
            )


def create_subnet(
    db: sqlite3.Connection, settings: Settings, *, network: str, zone: str, cidr: str | None
) -> Subnet:
    """A network has one subnet per zone and range; asking again gives the same one."""
    parent = one(db, "network", network)
    check_zone(zone)
    test = "SELECT * FROM subnet WHERE network=? AND zone=? AND (grows=1 OR cidr=?) AND grows=?"
    wanted = (network, zone, cidr, int(cidr is None))
    if (row := db.execute(test, wanted).fetchone()) is not None:
        return records.subnet(row)
    block = _block(db, settings, parent, cidr)
    id = new_id(db, "subnet")
    shown = cidr or str(block)
    db.execute("INSERT INTO subnet VALUES(?, ?, ?, ?, ?)", (id, network, zone, shown, int(cidr is None)))
    db.execute("INSERT INTO subnet_range VALUES(?, ?)", (str(block), id))
    return records.subnet(one(db, "subnet", id))


def _block(db: sqlite3.Connection, settings: Settings, parent: sqlite3.Row, cidr: str | None) -> IPv4Network:
    """The addresses a new subnet starts with."""
    whole = IPv4Network(parent["cidr"])
    taken = records.subnets_taken(db)
    if cidr is not None:
        asked = addresses.parse(cidr)
        if not asked.subnet_of(whole):
            raise LocalCloudError(
                code="invalid", message=f"the range {asked} lies outside the network's {whole}"
            )
        if settings.routed or not parent["own"]:
            if next(addresses.hosts(asked), None) is None:
                raise LocalCloudError(code="invalid", message=f"the range {asked} has no room for instances")
            if any(asked.overlaps(each) for each in taken):
                raise LocalCloudError(code="conflict", message=f"the range {asked} overlaps another subnet")
            return asked
    block = next_block(settings, parent, taken)
    if block is None:
        raise LocalCloudError(
            code="capacity", message=f"the range {whole} of network {parent['name']} is full"
        )
    return block


def next_block(settings: Settings, parent: sqlite3.Row, taken: Sequence[IPv4Network]) -> IPv4Network | None:
    """Another block for a subnet of this network; None = the range is full."""
    whole = IPv4Network(parent["cidr"])
    if parent["own"] and not settings.routed:
        whole = addresses.region_range(settings.private, region(parent["region"]).index)
    return addresses.free_block(whole, taken)


def create_security_group(
    db: sqlite3.Connection, *, name: str, network: str, rules: Sequence[Rule], tags: Mapping[str, str]
) -> SecurityGroup:
    one(db, "network", network)
    for rule in rules:
        check_rule(rule)
    row = adopt(db, "security_group", {"network": network, "name": name}, tags, {})
    if row is None:
        id = new_id(db, "security_group")
        values = (id, network, name, dump_rules(rules), dump(dict(tags)))
        db.execute("INSERT INTO security_group VALUES(?, ?, ?, ?, ?)", values)
    else:
        id = row["id"]
        db.execute("UPDATE security_group SET rules=? WHERE id=?", (dump_rules(rules), id))
    return records.security_group(one(db, "security_group", id))


def set_rules(db: sqlite3.Connection, group: str, rules: Sequence[Rule]) -> SecurityGroup:
    one(db, "security_group", group)
    for rule in rules:
        check_rule(rule)
    db.execute("UPDATE security_group SET rules=? WHERE id=?", (dump_rules(rules), group))
    return records.security_group(one(db, "security_group", group))


def check_rule(rule: Rule) -> None:
    """LocalCloudError("invalid") for a rule that means nothing."""
    if rule.protocol not in PROTOCOLS:
        raise LocalCloudError(code="invalid", message=f"unknown protocol {rule.protocol!r} in a rule")
    if (rule.cidr is not None) + (rule.peer is not None) + rule.host != 1:
        raise LocalCloudError(code="invalid", message="a rule needs exactly one of cidr, peer and host")
    if rule.cidr is not None:
        addresses.parse(rule.cidr)
    if (rule.port_low is None) != (rule.port_high is None):
        raise LocalCloudError(code="invalid", message="a rule needs both ends of its ports, or none")
    if rule.port_low is None or rule.port_high is None:
        return
    if rule.protocol not in {"tcp", "udp"}:
        raise LocalCloudError(code="invalid", message=f"protocol {rule.protocol} has no ports")
    if not 0 <= rule.port_low <= rule.port_high <= MAX_PORT:
        raise LocalCloudError(
            code="invalid", message=f"{rule.port_low}-{rule.port_high} is no range of ports"
        )
