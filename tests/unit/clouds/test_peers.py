"""What a security group must let in, before any cloud has its say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes.mcis import SEOUL, TOKYO, a_group, a_plan
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.clouds import peers
from mcis_iac.clouds.peers import Away, Here, Range
from mcis_iac.model import Connection, Firewall, FirewallRule, Member, Plan
from mcis_iac.program.graph import Join, Ref

HTTP = ((80, 80),)


def here(member: Member) -> bool:
    return member.region == SEOUL


def everywhere(_: Member) -> bool:
    return True


def a_walled(*rules: FirewallRule, **fields: Any) -> Plan:
    """web in Seoul behind those rules, api in Seoul and db in Tokyo, without a public address."""
    api = a_group("api", 2, region=SEOUL)
    db = a_group("db", 2, region=TOKYO, public_ip="none")
    web = a_group("web", 1, region=SEOUL, firewalls=("w",) if rules else ())
    return a_plan(web, api, db, firewalls={"w": Firewall(name="w", rules=rules)}, **fields)


def of_web(plan: Plan) -> tuple[FirewallRule, ...]:
    return peers.rules(plan, plan.mcis.groups["web"])


def from_(plan: Plan, *names: str) -> list[peers.Source]:
    return list(peers.sources(plan, FirewallRule(sources=names), here=here))


def test_a_group_without_a_firewall_lets_in_its_owner_and_the_mcis() -> None:
    assert [(peers.slug(rule), rule.sources) for rule in of_web(a_walled())] == [
        ("all", ("mcis",)),
        ("tcp-22", ("me",)),
    ]


def test_every_port_range_is_a_rule_of_its_own() -> None:
    ports = ((443, 443), (8000, 8100))
    plan = a_walled(FirewallRule(sources=("anywhere",), ports=ports))
    assert [peers.slug(rule) for rule in of_web(plan)] == ["tcp-443", "tcp-8000-8100"]


def test_protocols_without_ports_are_told_apart_by_their_name() -> None:
    protocols: Any = ("tcp", "udp", "icmp", "all")
    plan = a_walled(*(FirewallRule(sources=("me",), protocol=name) for name in protocols))
    assert [peers.slug(rule) for rule in of_web(plan)] == ["all", "icmp", "tcp", "udp"]


def test_rules_of_equal_flow_become_one_with_the_sources_of_both() -> None:
    plan = a_walled(
        FirewallRule(sources=("me",), ports=HTTP), FirewallRule(sources=("me", "group:api"), ports=HTTP)
    )
    assert of_web(plan) == (FirewallRule(sources=("group:api", "me"), ports=HTTP),)


RULES = (
    FirewallRule(sources=("me", "anywhere"), ports=((22, 22), (80, 80))),
    FirewallRule(sources=("group:db", "mcis"), protocol="udp"),
    FirewallRule(sources=("10.0.0.0/8",), ports=HTTP),
)


@given(st.permutations(RULES), st.booleans())
def test_the_order_of_rules_and_sources_says_nothing(rules: list[FirewallRule], turn: bool) -> None:
    step = -1 if turn else 1
    turned = [replace(r, sources=r.sources[::step], ports=r.ports[::step]) for r in rules]
    assert of_web(a_walled(*turned)) == of_web(a_walled(*RULES))


def test_anywhere_and_ranges_are_ranges() -> None:
    assert from_(a_walled(), "anywhere", "10.0.0.0/8", "10.0.0.0/8") == [
        Range("0.0.0.0/0"),
        Range("10.0.0.0/8"),
    ]


@pytest.mark.parametrize(("known", "shown"), [("198.51.100.7/32", "198.51.100.7/32"), (None, peers.NOBODY)])
def test_me_is_nobody_until_somebody_looked_it_up(known: str | None, shown: str) -> None:
    assert from_(replace(a_walled(), me=known), "me") == [Range(shown)]


def test_a_group_that_can_be_named_is_named_once() -> None:
    assert from_(a_walled(), "group:api", "group:api") == [Here("api")]


def test_a_group_elsewhere_is_its_members_with_their_addresses() -> None:
    found = from_(a_walled(), "group:db")
    assert [(each.member.name, each.address) for each in found if isinstance(each, Away)] == [
        ("db-1", Ref("db-1", "privateIp")),
        ("db-2", Ref("db-2", "privateIp")),
    ]


def test_a_member_with_a_public_address_elsewhere_is_known_by_that() -> None:
    plan = a_walled()
    assert list(peers.addresses(plan, "api", but_not=lambda member: member.ordinal == 1)) == [
        (plan.members[2], Ref("api-2", "publicIp"))
    ]


def test_a_group_on_both_sides_is_named_and_counted() -> None:
    plan = a_walled()
    members = tuple(replace(m, region=TOKYO) if m.name == "api-2" else m for m in plan.members)
    found = from_(replace(plan, members=members), "group:api")
    assert found[0] == Here("api")
    assert [each.member.name for each in found[1:] if isinstance(each, Away)] == ["api-2"]


def test_the_mcis_is_all_of_its_groups() -> None:
    found = from_(a_walled(), "mcis", "group:api")
    assert found[:2] == [Here("api"), Here("web")]
    assert [each.member.name for each in found[2:] if isinstance(each, Away)] == ["db-1", "db-2"]


def test_a_group_without_members_lets_in_nobody() -> None:
    plan = a_plan(a_group("web"), a_group("api", 0))
    assert list(peers.sources(plan, FirewallRule(sources=("group:api",)), here=everywhere)) == []


def test_members_are_counted_by_number_not_by_letters() -> None:
    plan = a_plan(a_group("web", 11))
    assert [m.ordinal for m, _ in peers.addresses(plan, "web")] == list(range(1, 12))


def test_another_connection_of_the_same_cloud_is_elsewhere() -> None:
    two = {name: Connection(name=name, cloud="local") for name in ("one", "two")}
    plan = a_plan(a_group("web", connection="one"), a_group("api", connection="two"), connections=two)
    rule = FirewallRule(sources=("mcis",))
    found = list(peers.sources(plan, rule, here=lambda member: member.connection == "one"))
    assert found[0] == Here("web") and isinstance(found[1], Away)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (Ref("ip/web-1", "publicIp"), Join((Ref("ip/web-1", "publicIp"), "/32"))),
        (Join(("10.", Ref("x"))), Join(("10.", Ref("x"), "/32"))),
        ("10.0.0.1", "10.0.0.1/32"),
    ],
)
def test_one_address_is_a_range_of_one(address: Any, shown: Any) -> None:
    assert Away(a_walled().members[0], address).cidr == shown
