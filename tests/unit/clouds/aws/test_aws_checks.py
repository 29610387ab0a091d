"""What AWS refuses is said before anything is asked of it."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.mcis import KEY, a_group, an_mcis

from mcis_iac.clouds.aws import check, scope
from mcis_iac.clouds.common.checks import NETWORK_TOO_SMALL
from mcis_iac.model import (
    Connection,
    Diagnostic,
    Disk,
    Firewall,
    FirewallRule,
    Key,
    Network,
    Setup,
    SetupFile,
    Severity,
)

SEOUL, VIRGINIA = "ap-northeast-2", "us-east-1"
CONNECTIONS = {"aws": Connection(name="aws", cloud="aws"), "local": Connection(name="local", cloud="local")}


def a_web(name: str = "web", count: int = 1, region: str = SEOUL, **fields: Any) -> Any:
    return a_group(name, count, cloud="aws", region=region, **fields)


def problems(*groups: Any, **fields: Any) -> list[Diagnostic]:
    return list(check.check(an_mcis(*groups, connections=CONNECTIONS, **fields)))


def codes(*groups: Any, **fields: Any) -> list[str]:
    return [problem.code for problem in problems(*groups, **fields)]


def test_a_plain_group_has_no_problem() -> None:
    assert codes(a_web()) == []


def test_a_group_on_another_cloud_is_not_looked_at() -> None:
    huge = Setup(files=(SetupFile(path="/x", content="x" * 20000),))
    assert codes(a_group("web", setup=huge)) == []


def test_too_much_user_data_is_refused_with_both_numbers() -> None:
    (problem,) = problems(a_web(setup=Setup(files=(SetupFile(path="/x", content="x" * 20000),))))
    assert problem.code == check.USER_DATA and "16,384" in problem.detail


@pytest.mark.parametrize(("kind", "refused"), [("ecdsa-sha2-nistp256", True), ("ssh-rsa", False)])
def test_a_key_kind_is_taken_or_refused(kind: str, refused: bool) -> None:
    ops = {"ops": Key(name="ops", public_key=f"{kind} {KEY.split()[1]}")}
    assert codes(a_web(key="ops"), keys=ops) == [check.KEY_KIND] * refused


def test_more_rules_than_a_security_group_takes_are_counted() -> None:
    (problem,) = problems(a_web(), a_web("far", 70, VIRGINIA, firewalls=("f",)), firewalls={
        "f": Firewall(name="f", rules=(FirewallRule(sources=("me",), ports=((22, 22),)),))
    })  # fmt: skip
    assert problem.code == check.OVER_LIMIT and "72 rules" in problem.detail and "60" in problem.detail


def test_members_of_the_same_vpc_are_one_rule_however_many() -> None:
    assert codes(a_web(count=200)) == []


def test_a_group_elsewhere_without_public_addresses_is_warned_of() -> None:
    wall = Firewall(name="w", rules=(FirewallRule(sources=("group:far",), ports=((80, 80),)),))
    far = a_web("far", 1, VIRGINIA, public_ip="none")
    (problem,) = problems(a_web(firewalls=("w",)), far, firewalls={"w": wall})
    assert (problem.code, problem.severity) == (check.UNREACHABLE, Severity.WARNING)


@pytest.mark.parametrize(
    ("given", "fine"),
    [
        ({"vpc": "vpc-1", "subnets": {"a": "subnet-a", "b": "subnet-b"}}, True),
        ({"vpc": "vpc-1", "subnets": {"a": "subnet-a"}}, False),
        ({"vpc": "vpc-1", "subnets": ["subnet-a"]}, False),
        ({"vpc": "vpc-1", "subnets": ["subnet-a", "subnet-b"]}, False),
        ({"vpc": "vpc-1"}, False),
        ({"subnets": {"a": "subnet-a"}}, False),
    ],
)
def test_an_existing_network_has_a_subnet_for_every_zone(given: Any, fine: bool) -> None:
    office = Network(name="main", existing={"aws": {SEOUL: given}})
    assert codes(a_web(count=2), networks={"main": office}) == ([] if fine else [check.EXISTING])


def test_one_subnet_is_enough_for_a_pinned_zone() -> None:
    office = Network(name="main", existing={"aws": {SEOUL: {"vpc": "vpc-1", "subnets": ["subnet-a"]}}})
    assert codes(a_web(count=3, zone="a"), networks={"main": office}) == []


@pytest.mark.parametrize(
    ("cidr", "fine"), [("10.0.0.0/16", True), ("10.0.0.0/20", True), ("10.0.0.0/24", False)]
)
def test_private_and_public_subnets_need_room_in_every_zone(cidr: str, fine: bool) -> None:
    small = Network(name="main", cidr=cidr)
    group = a_web(count=3, public_ip="none")
    assert codes(group, networks={"main": small}) == ([] if fine else [NETWORK_TOO_SMALL])


def test_labels_that_do_not_fit_are_told() -> None:
    (problem,) = problems(a_web(labels={"a,b": "x"}))
    assert (problem.code, problem.severity) == (check.OVER_LIMIT, Severity.WARNING)


def test_more_labels_than_tags_are_refused() -> None:
    assert codes(a_web(labels={f"l{n}": "x" for n in range(45)})) == [check.OVER_LIMIT]


def test_data_disks_need_a_type_that_tells_them_apart() -> None:
    disk = Disk(name="data", size_gib=10, mount="/data")
    assert codes(a_web(type="t2.micro", disks=(disk,))) == [check.OVER_LIMIT]
    assert codes(a_web(type="t3.micro", disks=(disk,))) == []


def test_the_cost_of_a_nat_gateway_is_told() -> None:
    said = check.notices(an_mcis(a_web(public_ip="none"), connections=CONNECTIONS))
    assert len(said) == 1 and "NAT gateway" in said[0] and "USD 0.045" in said[0]


@pytest.mark.parametrize(
    ("label", "tag"),
    [("team", "team"), ("aws:x", "_aws:x"), ("a,b", "a_b"), ("größe", "größe"), ("x" * 200, "x" * 128)],
)
def test_a_label_becomes_a_tag_that_aws_takes(label: str, tag: str) -> None:
    assert scope.tag_key(label) == tag


def test_where_no_zones_are_known_one_must_be_pinned() -> None:
    (problem,) = problems(a_web(region="us-west-1"))
    assert problem.code == check.UNKNOWN_ZONE and "us-west-1" in problem.hint
    assert codes(a_web(region="us-west-1", zone="c")) == []
