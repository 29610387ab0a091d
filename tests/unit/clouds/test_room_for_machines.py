"""A subnet with fewer addresses than machines is refused before anything is made."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.mcis import a_group, an_mcis

from mcis_iac.clouds import registry
from mcis_iac.clouds.common.checks import NETWORK_TOO_SMALL
from mcis_iac.model import Connection, Diagnostic, Network

# cloud -> a region, a zone, and for how many machines a subnet has addresses: of a /20, and without `cidr`
ROOM = {
    "aws": ("ap-northeast-2", "a", 11, 251),
    "azure": ("koreacentral", "1", 123, 2043),
    "gcp": ("asia-northeast3", "a", 252, 4092),
    "openstack": ("RegionOne", "az1", 252, 4092),
}
clouds = pytest.mark.parametrize("cloud", sorted(ROOM))


def problems(cloud: str, *counts: int, cidr: str | None, **fields: Any) -> list[Diagnostic]:
    region, *_ = ROOM[cloud]
    groups = (
        a_group(f"g{place}", count, cloud=cloud, region=region, **fields)
        for place, count in enumerate(counts)
    )
    connections = {cloud: Connection(name=cloud, cloud=cloud)}
    mcis = an_mcis(*groups, connections=connections, networks={"main": Network(name="main", cidr=cidr)})
    return [one for one in registry.graph(cloud).check(mcis) if one.code == NETWORK_TOO_SMALL]


@clouds
@pytest.mark.parametrize("cidr", ["10.20.0.0/20", None])
def test_a_subnet_takes_as_many_machines_as_it_has_addresses(cloud: str, cidr: str | None) -> None:
    _, zone, small, large = ROOM[cloud]
    room = small if cidr else large
    assert problems(cloud, room, cidr=cidr, zone=zone) == []
    (problem,) = problems(cloud, room + 1, cidr=cidr, zone=zone)
    assert f"{room:,} addresses" in problem.detail and ("cidr" in problem.hint) == (cidr is not None)


@clouds
def test_groups_in_one_subnet_share_it(cloud: str) -> None:
    _, zone, _, room = ROOM[cloud]
    (problem,) = problems(cloud, room - 1, 1, 1, cidr=None, zone=zone)
    assert problem.group == "g2"


def test_zones_of_aws_have_subnets_of_their_own() -> None:
    assert problems("aws", 4 * 251, cidr=None) == []
    assert problems("aws", 4 * 251 + 1, cidr=None) != []


@clouds
def test_nobody_counts_the_addresses_of_a_network_that_is_there(cloud: str) -> None:
    region, *_, room = ROOM[cloud]
    connections = {cloud: Connection(name=cloud, cloud=cloud)}
    there = Network(name="main", existing={cloud: {region: {"network": "n"}}})
    group = a_group("web", room * 5, cloud=cloud, region=region)
    mcis = an_mcis(group, connections=connections, networks={"main": there})
    assert NETWORK_TOO_SMALL not in {problem.code for problem in registry.graph(cloud).check(mcis)}
