"""Manifests over several clouds as values, with what only a cloud's API would tell filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fakes.clouds import planned, rich
from fakes.mcis import a_group, an_mcis

from mcis_iac.clouds import registry
from mcis_iac.model import Connection, Firewall, FirewallRule, Group, HostKey, ImageChoice, Mcis, Plan

PLACES: Mapping[str, str] = {
    "aws": "ap-northeast-2",
    "gcp": "asia-northeast3",
    "azure": "koreacentral",
    "openstack": "RegionOne",
}
IMAGES: Mapping[str, str] = {
    "aws": "ami-0123456789abcdef0",
    "gcp": "projects/ubuntu-os-cloud/global/images/ubuntu-2404-noble-amd64-v20260101",
    "azure": "Canonical:ubuntu-24_04-lts:server:24.04.202601010",
    "openstack": "0f9e8d7c-6b5a-4948-8736-251403f2e1d0",
}
CONNECTIONS: Mapping[str, Mapping[str, str]] = {
    "aws": {},
    "gcp": {"project": "shop-project"},
    "azure": {"subscription": "11111111-2222-4333-8444-555555555555"},
    "openstack": {
        "external_network": "public",
        "external_network_id": "3f1d2c4b-5a69-4788-9695-a4b3c2d1e0f0",
    },
}
FLAVORS: Mapping[str, str] = {"openstack": "m1.small"}
HOST_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nprivate-host-key-of-{}\n-----END OPENSSH PRIVATE KEY-----\n"


def wall(name: str, port: int, *sources: str) -> Firewall:
    """One TCP port, open to those."""
    return Firewall(name=name, rules=(FirewallRule(sources=sources, ports=((port, port),)),))


WALLS = {
    each.name: each
    for each in (
        wall("web", 443, "anywhere"),
        wall("api", 8080, "group:web"),
        wall("db", 5432, "group:api", "group:web"),
        wall("jobs", 9000, "group:api"),
    )
}


def group(name: str, count: int, cloud: str, **fields: object) -> Group:
    """A group in the region of that cloud that all these tests use."""
    if cloud in FLAVORS:
        fields.setdefault("type", FLAVORS[cloud])
    return a_group(name, count, cloud=cloud, region=PLACES[cloud], firewalls=(name,), **fields)


def three_clouds(*, web: int = 2, api: int = 2, db: int = 1) -> Mcis:
    """Five machines in three clouds."""
    groups = [
        group("web", web, "aws"),
        group("api", api, "gcp"),
        group("db", db, "azure", public_ip="static"),
    ]
    return over_clouds(*groups)


def four_clouds(count: int, *, web: int | None = None) -> Mcis:
    """That many machines in each of four clouds."""
    return over_clouds(
        group("web", web or count, "aws"),
        group("api", count, "gcp"),
        group("db", count, "azure"),
        group("jobs", count, "openstack"),
    )


def over_clouds(*groups: Group) -> Mcis:
    """An MCIS of those groups, each with the firewall of its name."""
    clouds = {each.placement.connection for each in groups}
    connections = {name: Connection(name=name, cloud=name, settings=CONNECTIONS[name]) for name in clouds}
    return an_mcis(*groups, connections=connections, firewalls=WALLS)


def everything(cloud: str, **counts: int) -> Mcis:
    """An MCIS that uses everything a manifest can say of a pinned group of that cloud."""
    mcis = rich(cloud, **counts)
    connection = Connection(name=cloud, cloud=cloud, settings=CONNECTIONS[cloud])
    return replace(mcis, connections={cloud: connection})


def plan_of(mcis: Mcis) -> Plan:
    """The plan, with images and host keys as an `up` would have them."""
    plan = planned(mcis)
    members = tuple(
        replace(member, image=ImageChoice(alias=member.image.alias, id=IMAGES[member.cloud]))
        for member in plan.members
    )
    keys = {
        each.name: HostKey(public=f"ssh-ed25519 AAAA{each.name}", private=HOST_KEY.format(each.name))
        for each in members
    }
    return replace(plan, members=members, host_keys=keys, me="203.0.113.7/32")


def vm_tokens(mcis: Mcis) -> frozenset[str]:
    """The machines' tokens of all clouds in use."""
    return frozenset().union(*(registry.graph(each.cloud).VM_TOKENS for each in mcis.connections.values()))


def refusals(mcis: Mcis) -> Mapping[str, tuple[str, ...]]:
    """What the plugins of all clouds in use say when credentials are refused."""
    modules = [registry.graph(each.cloud) for each in mcis.connections.values()]
    return {module.PACKAGE: module.CREDENTIAL_ERRORS for module in modules}
