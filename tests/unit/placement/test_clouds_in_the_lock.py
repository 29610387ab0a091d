"""Spot VMs, types, images and networks of clouds that cost money: who keeps what, and what the lock says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from fakes.mcis import KEY, a_group, an_mcis

from mcis_iac.model import Connection, Group, Image, ImageChoice, Mcis, Network, Severity
from mcis_iac.placement import lock as locks
from mcis_iac.placement.lock import Lock
from mcis_iac.placement.members import Settled, check, fresh, settle

SEOUL = "ap-northeast-2"
VPC = {"vpc": "vpc-1", "subnets": {"a": "subnet-1", "b": "subnet-2", "c": "subnet-3", "d": "subnet-4"}}


def web(
    count: int = 2, *, spot: bool = False, cloud: str = "aws", region: str = SEOUL, **fields: object
) -> Group:
    group = a_group("web", count, cloud=cloud, region=region, **fields)
    return replace(group, placement=replace(group.placement, spot=spot))


def on(*groups: Group, **fields: object) -> Mcis:
    clouds = {group.placement.connection: group.placement.connection for group in groups}
    connections = {name: Connection(name=name, cloud=cloud) for name, cloud in clouds.items()}
    return an_mcis(*groups, connections=connections, **fields)


def settled(mcis: Mcis, lock: Lock | None = None) -> Settled:
    return settle(mcis, lock or Lock(), public_keys={"generated": KEY})


def resolved(lock: Lock, ids: Mapping[str, str]) -> Lock:
    """The lock after the cloud was asked: every alias has that id."""
    groups = {
        name: replace(
            group,
            members=locks.rows(
                {
                    n: replace(offer, image=ImageChoice(alias=offer.image.alias, id=ids[offer.image.alias]))
                    for n, offer in group.offers().items()
                }
            ),
        )
        for name, group in lock.groups.items()
    }
    return replace(lock, groups=groups)


def errors(mcis: Mcis) -> list[tuple[str, str]]:
    return [(each.code, str(each.severity)) for each in check(mcis)]


# ---------------------------------------------------------------- spot


def test_spot_members_say_so_and_the_lock_as_well() -> None:
    found = settled(on(web(spot=True)))
    assert [member.spot for member in found.plan.members] == [True, True]
    assert "purchase: spot" in locks.dump(found.lock)
    assert settled(on(web(spot=True)), locks.parse(locks.dump(found.lock), "mcis.lock")).plan == found.plan


def test_members_on_demand_are_the_default() -> None:
    found = settled(on(web()))
    assert [member.spot for member in found.plan.members] == [False, False]
    assert "purchase: ondemand" in locks.dump(found.lock)


def test_members_follow_a_change_of_spot() -> None:
    before = settled(on(web())).lock
    assert not fresh(on(web(spot=True)), before)
    found = settled(on(web(spot=True)), before)
    assert (found.changed, found.stale) == (True, True)
    assert [member.spot for member in found.plan.members] == [True, True]
    assert [member.spot for member in settled(on(web()), found.lock).plan.members] == [False, False]


def test_a_price_belongs_to_a_type_and_a_way_to_pay() -> None:
    lock = settled(on(web(1, type="t3.medium"))).lock
    (row,) = lock.groups["web"].members
    priced = replace(
        row, offer=replace(row.offer, hourly_usd=1, price=locks.Price(as_of="2026-01-01", source="x"))
    )
    lock = replace(lock, groups={"web": replace(lock.groups["web"], members=(priced,))})
    for changed in (web(1, type="t3.medium", spot=True), web(1, type="t3.large")):
        (member,) = settled(on(changed), lock).plan.members
        assert member.hourly_usd is None
    (member,) = settled(on(web(1, type="t3.medium")), lock).plan.members
    assert member.hourly_usd == 1


def test_the_local_cloud_has_no_spot_vms() -> None:
    assert errors(on(web(spot=True, cloud="local", region="local-seoul"))) == [("MCIS248", "error")]


# ---------------------------------------------------------------- types


@pytest.mark.parametrize(
    ("cloud", "region"), [("aws", SEOUL), ("gcp", "asia-northeast3"), ("azure", "koreacentral")]
)
def test_a_type_that_mcis_does_not_know_is_a_warning(cloud: str, region: str) -> None:
    found = check(on(web(cloud=cloud, region=region, type="z9.enormous")))
    (problem,) = [each for each in found if each.code == "MCIS242"]
    assert problem.severity is Severity.WARNING
    assert problem.detail == "mcis knows no type of this name"
    assert not [each for each in found if each.severity is Severity.ERROR]


def test_a_misspelt_type_is_guessed() -> None:
    (problem,) = check(on(web(type="t3.medum")))
    assert problem.detail == "did you mean `t3.medium`?"


def test_a_type_nobody_knows_is_planned_all_the_same() -> None:
    assert {member.type for member in settled(on(web(type="z9.enormous"))).plan.members} == {"z9.enormous"}


@pytest.mark.parametrize(("cloud", "region", "zone"), [("azure", "westus", None), ("aws", "us-west-1", "c")])
def test_a_region_of_which_only_the_name_is_known_is_taken(cloud: str, region: str, zone: str | None) -> None:
    assert errors(on(web(cloud=cloud, region=region, zone=zone))) == []


@pytest.mark.parametrize("field", ["region", "zone"])
def test_an_unknown_place_is_an_error_on_every_cloud(field: str) -> None:
    (problem,) = check(on(web(**{field: "nowhere"})))
    assert problem.severity is Severity.ERROR


def test_members_follow_a_change_of_type() -> None:
    before = settled(on(web(type="t3.medium"))).lock
    assert {m.type for m in settled(on(web(type="t3.large")), before).plan.members} == {"t3.large"}
    assert {m.type for m in settled(on(web()), before).plan.members} == {"t3.medium"}


# ---------------------------------------------------------------- images


def test_an_image_id_stays_in_the_lock() -> None:
    lock = resolved(settled(on(web())).lock, {"ubuntu-24.04": "ami-1"})
    again = settled(on(web(type="t3.large")), locks.parse(locks.dump(lock), "mcis.lock"))
    assert {member.image.id for member in again.plan.members} == {"ami-1"}
    assert not settled(on(web()), lock).changed


def test_another_processor_needs_another_image() -> None:
    lock = resolved(settled(on(web(type="t3.medium"))).lock, {"ubuntu-24.04": "ami-1"})
    assert {m.image.id for m in settled(on(web(type="t4g.medium")), lock).plan.members} == {None}


def test_another_alias_is_resolved_anew() -> None:
    lock = resolved(settled(on(web())).lock, {"ubuntu-24.04": "ami-1"})
    found = settled(on(web(image="debian-12")), lock).plan.members
    assert {member.image for member in found} == {ImageChoice(alias="debian-12")}


def own(cloud: str, **entry: str) -> dict[str, Image]:
    return {"base": Image(name="base", by_cloud={cloud: entry})}


def test_another_id_in_the_manifest_is_another_image() -> None:
    mcis = on(web(image="base"), images=own("aws", id="ami-1"))
    lock = resolved(settled(mcis).lock, {"base": "ami-1"})
    assert not settled(mcis, lock).changed
    changed = settled(on(web(image="base"), images=own("aws", id="ami-2")), lock)
    assert {member.image.id for member in changed.plan.members} == {None}


def test_an_id_written_as_a_url_is_the_same_image() -> None:
    url = "https://www.googleapis.com/compute/v1/projects/p/global/images/i"
    mcis = on(web(image="base", cloud="gcp", region="asia-northeast3"), images=own("gcp", id=url))
    lock = resolved(settled(mcis).lock, {"base": "projects/p/global/images/i"})
    assert not settled(mcis, lock).changed


# ---------------------------------------------------------------- networks that are there already


def test_a_network_that_is_there_gets_no_range() -> None:
    net = {"main": Network(name="main", cidr="10.0.0.0/16", existing={"aws": {SEOUL: VPC}})}
    groups = (web(), a_group("api", 1, cloud="gcp", region="asia-northeast3"))
    assert list(settled(on(*groups, networks=net)).lock.ranges["main"]) == ["gcp/asia-northeast3"]


def test_another_network_that_is_there_makes_the_lock_stale() -> None:
    plain, adopted = Network(name="main"), Network(name="main", existing={"aws": {SEOUL: VPC}})
    lock = settled(on(web(), networks={"main": plain})).lock
    assert not fresh(on(web(), networks={"main": adopted}), lock)


def test_a_network_without_a_range_gets_one_where_the_cloud_gives_none() -> None:
    far = a_group("web", cloud="aws", region="us-east-1")
    mcis = an_mcis(
        far,
        a_group("api"),
        connections={
            "aws": Connection(name="aws", cloud="aws"),
            "local": Connection(name="local", cloud="local"),
        },
    )
    found = settled(mcis)
    assert found.lock.ranges == {"main": {"aws/us-east-1": "10.32.0.0/20"}}
    assert settled(mcis, found.lock).lock.ranges == found.lock.ranges


def test_a_network_no_range_is_left_for_is_refused() -> None:
    taken = {
        "wide": Network(name="wide", cidr="10.0.0.0/8"),
        "main": Network(name="main"),
    }
    found = settled(on(web(), networks=taken))
    (problem,) = (each for each in found.diagnostics if each.severity is Severity.ERROR)
    assert problem.code == "MCIS246" and "write a `cidr`" in problem.hint
