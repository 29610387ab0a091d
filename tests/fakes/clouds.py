"""Manifests for every registered cloud alike, and their graphs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from fakes.mcis import KEY, a_group, an_mcis

from mcis_iac.clouds import registry
from mcis_iac.model import Connection, Disk, Firewall, FirewallRule, Mcis, Plan, Setup, SetupFile, Severity
from mcis_iac.placement.lock import Lock
from mcis_iac.placement.members import settle
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph, Resource, refs

CLOUDS = sorted(registry.CLOUDS)
# Regions for the clouds that have none of their own, and what a connection must say.
REGIONS = {"openstack": ("RegionOne", "RegionTwo")}
SETTINGS: dict[str, dict[str, str]] = {"openstack": {"external_network": "public"}}
WALLS = {
    "web": Firewall(
        name="web",
        rules=(
            FirewallRule(sources=("anywhere",), ports=((80, 80), (443, 443))),
            FirewallRule(sources=("me",), ports=((22, 22),)),
            FirewallRule(sources=("group:api", "mcis"), ports=((5432, 5432),)),
            FirewallRule(sources=("198.51.100.0/24",), protocol="udp", ports=((8000, 8100),)),
            FirewallRule(sources=("mcis",), protocol="icmp"),
        ),
    )
}


def regions_of(cloud: str) -> list[str]:
    return list(registry.graph(cloud).facts().regions) or list(REGIONS[cloud])


def a_connection(cloud: str, name: str | None = None) -> Connection:
    return Connection(name=name or cloud, cloud=cloud, settings=SETTINGS.get(cloud, {}))


def rich(cloud: str, *, web: int = 3, api: int = 2) -> Mcis:
    """An MCIS that uses everything a manifest can say of a pinned group."""
    regions = regions_of(cloud)
    setup = Setup(
        packages=("nginx",), files=(SetupFile(path="/etc/motd", content="hi\n"),), run=("touch /ready",)
    )
    disk = Disk(name="data", size_gib=20, mount="/data")
    groups = (
        a_group(
            "web", web, cloud=cloud, region=regions[0], firewalls=("web",), setup=setup, labels={"a": "b"}
        ),
        a_group("api", api, cloud=cloud, region=regions[-1], public_ip="none", disks=(disk,)),
        a_group("db", 1, cloud=cloud, region=regions[0], public_ip="static", user="ops"),
    )
    connections = {cloud: a_connection(cloud)}
    return an_mcis(*groups, connections=connections, firewalls=WALLS, labels={"team": "x"}, env="prod")


def planned(mcis: Mcis, lock: Lock | None = None) -> Plan:
    found = settle(mcis, lock or Lock(), public_keys={"generated": KEY})
    assert not [problem for problem in found.diagnostics if problem.severity is Severity.ERROR]
    return found.plan


def built(mcis: Mcis) -> Graph:
    return build(planned(mcis))


def by_key(graph: Graph) -> dict[str, Resource]:
    return {resource.key: resource for resource in graph.resources}


def reordered(mcis: Mcis) -> Mcis:
    walls = {
        name: Firewall(
            name=name,
            rules=tuple(
                replace(rule, sources=rule.sources[::-1], ports=rule.ports[::-1]) for rule in wall.rules[::-1]
            ),
        )
        for name, wall in mcis.firewalls.items()
    }
    return replace(mcis, groups=dict(reversed(mcis.groups.items())), firewalls=walls)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            assert isinstance(name, str)
            yield from leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def without(value: Any, keys: Collection[str]) -> Any:
    """The value less the items of its lists that refer to one of those resources."""
    if isinstance(value, Mapping):
        return {name: without(inner, keys) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        kept = [without(item, keys) for item in value if isinstance(item, Mapping) or not named(item, keys)]
        return type(value)(kept)
    return value


def named(value: Any, keys: Collection[str]) -> bool:
    """Whether the value refers to one of those resources."""
    return any(ref.key in keys for ref in refs(value))
