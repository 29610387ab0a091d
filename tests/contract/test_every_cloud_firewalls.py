"""Who may reach whom: the same sentence means the same on every cloud and between any two."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from fakes.clouds import CLOUDS, a_connection, by_key, planned, regions_of, without
from fakes.mcis import a_group, an_mcis
from fakes.walls import ME, READERS, World

from mcis_iac.model import Firewall, FirewallRule, Mcis

STRANGER, OFFICE = "8.8.8.8", "198.51.100.7"
# The local cloud sees no machines but its own, and says so.
PAIRS = [*permutations([cloud for cloud in CLOUDS if cloud != "local"], 2), ("local", None)]
pairs = pytest.mark.parametrize("cloud,other", PAIRS)

WALLS = {
    "w": Firewall(
        name="w",
        rules=(
            FirewallRule(sources=("anywhere",), ports=((80, 80),)),
            FirewallRule(sources=("me",), ports=((22, 22),)),
            FirewallRule(sources=("group:api",), ports=((5432, 5440),)),
            FirewallRule(sources=("group:far",), ports=((9000, 9000),)),
            FirewallRule(sources=("group:other",), ports=((9100, 9100),)),
            FirewallRule(sources=("group:other",), protocol="udp", ports=((53, 53),)),
            FirewallRule(sources=("198.51.100.0/24",), protocol="udp", ports=((8000, 8100),)),
            FirewallRule(sources=("mcis",), protocol="icmp"),
        ),
    ),
    "o": Firewall(
        name="o",
        rules=(
            FirewallRule(sources=("group:web",), ports=((7000, 7000),)),
            FirewallRule(sources=("me",), ports=((22, 22),)),
        ),
    ),
}
# who, whom, what, at which port, and whether it gets through; `api` and `far` have the default firewall
TABLE = (
    (STRANGER, "web-1", "tcp", 80, True),
    (STRANGER, "web-1", "tcp", 81, False),
    (STRANGER, "web-1", "udp", 80, False),
    (STRANGER, "web-1", "tcp", 22, False),
    (STRANGER, "web-1", "tcp", 5432, False),
    (STRANGER, "web-1", "icmp", 0, False),
    (ME, "web-1", "tcp", 22, True),
    (ME, "web-2", "tcp", 22, True),
    (ME, "web-1", "tcp", 5432, False),
    (OFFICE, "web-1", "udp", 8000, True),
    (OFFICE, "web-1", "udp", 8100, True),
    (OFFICE, "web-1", "udp", 8101, False),
    (OFFICE, "web-1", "tcp", 8050, False),
    ("api-1", "web-1", "tcp", 5432, True),
    ("api-1", "web-2", "tcp", 5440, True),
    ("api-1", "web-1", "tcp", 5441, False),
    ("api-1", "web-1", "udp", 5432, False),
    ("api-1", "web-1", "tcp", 22, False),
    ("api-1", "web-1", "tcp", 9000, False),
    ("web-2", "web-1", "tcp", 5432, False),
    ("web-2", "web-1", "icmp", 0, True),
    ("far-1", "web-1", "tcp", 9000, True),
    ("far-1", "web-1", "tcp", 5432, False),
    ("far-1", "web-1", "icmp", 0, True),
    ("other-1", "web-1", "tcp", 9100, True),
    ("other-1", "web-2", "udp", 53, True),
    ("other-1", "web-1", "tcp", 53, False),
    ("other-1", "web-1", "tcp", 5432, False),
    ("other-1", "web-1", "icmp", 0, True),
    (ME, "api-1", "tcp", 22, True),
    (ME, "api-1", "tcp", 23, False),
    (STRANGER, "api-1", "tcp", 22, False),
    (STRANGER, "api-1", "icmp", 0, False),
    ("web-1", "api-1", "tcp", 1234, True),
    ("far-1", "api-1", "udp", 1, True),
    ("other-1", "api-1", "tcp", 65535, True),
    ("other-1", "far-1", "icmp", 0, True),
    ("web-2", "far-1", "tcp", 443, True),
    ("web-1", "other-1", "tcp", 7000, True),
    ("web-2", "other-1", "tcp", 7000, True),
    ("web-1", "other-1", "tcp", 7001, False),
    ("api-1", "other-1", "tcp", 7000, False),
    ("far-1", "other-1", "tcp", 7000, False),
    ("web-1", "other-1", "icmp", 0, False),
    (STRANGER, "other-1", "tcp", 7000, False),
    (ME, "other-1", "tcp", 22, True),
)


def a_neighbourhood(cloud: str, other: str | None, *, web: int = 2) -> Mcis:
    """Groups beside each other, in another region, and in another cloud."""
    here, *_, there = regions_of(cloud)
    groups = [
        a_group("web", web, cloud=cloud, region=here, firewalls=("w",)),
        a_group("api", 1, cloud=cloud, region=here),
        a_group("far", 1, cloud=cloud, region=there),
    ]
    connections = {cloud: a_connection(cloud)}
    walls = WALLS
    if other:
        groups.append(a_group("other", 1, cloud=other, region=regions_of(other)[0], firewalls=("o",)))
        connections[other] = a_connection(other)
    else:
        kept = (rule for rule in WALLS["w"].rules if "group:other" not in rule.sources)
        walls = {"w": replace(WALLS["w"], rules=tuple(kept))}
    return an_mcis(*groups, connections=connections, firewalls=walls)


def a_world(mcis: Mcis) -> World:
    return World(replace(planned(mcis), me=f"{ME}/32"))


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_firewalls_of_the_cloud_can_be_read_here(cloud: str) -> None:
    assert cloud in READERS


@pairs
def test_every_sentence_of_the_firewalls_is_true(cloud: str, other: str | None) -> None:
    world = a_world(a_neighbourhood(cloud, other))
    rows = [row for row in TABLE if other or "other-1" not in row]
    wrong = [row for row in rows if world.reaches(*row[:4]) is not row[4]]
    assert wrong == []


@pairs
def test_a_machine_that_is_added_is_let_in_and_touches_no_other(cloud: str, other: str | None) -> None:
    one, two = (a_world(a_neighbourhood(cloud, other, web=count)) for count in (2, 3))
    before, after = by_key(one.graph), by_key(two.graph)
    new = after.keys() - before.keys()
    assert before.keys() <= after.keys()
    for key, resource in before.items():
        assert replace(after[key], inputs=without(after[key].inputs, new)) == resource, key
        assert after[key] == resource or resource.subject.vm is None, key
    assert two.reaches("web-3", "api-1", "tcp", 1234) and two.reaches("web-3", "far-1", "tcp", 443)
    assert other is None or two.reaches("web-3", "other-1", "tcp", 7000)


@pairs
def test_one_without_a_public_address_is_let_in_inside_its_network(cloud: str, other: str | None) -> None:
    mcis = a_neighbourhood(cloud, other)
    hidden = {name: replace(mcis.groups[name], public_ip="none") for name in ("web", "api")}
    world = a_world(replace(mcis, groups={**mcis.groups, **hidden}))
    assert world.reaches("api-1", "web-1", "tcp", 5432)
    assert not world.reaches("api-1", "web-1", "tcp", 5441)
    assert not world.reaches("web-2", "web-1", "tcp", 5432)


@pairs
def test_while_nobody_knows_who_me_is_nobody_gets_in_as_me(cloud: str, other: str | None) -> None:
    if cloud == "local":
        return  # there `me` is the machine everything runs on
    world = World(planned(a_neighbourhood(cloud, other)))
    assert not world.reaches(ME, "web-1", "tcp", 22) and not world.reaches(STRANGER, "web-1", "tcp", 22)
