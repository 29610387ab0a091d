"""Security groups as text: the whole of it once, then each kind of rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcis_iac.local_cloud.netns.rules import ruleset
from mcis_iac.local_cloud.types import Fabric, Machine, Rule, SecurityGroup

HOST = 'iifname "up0" ip saddr 10.255.255.1'


def machine(number: int, *groups: str, public: bool = True) -> Machine:
    return Machine(
        id=f"i-{number}",
        number=number,
        directory=Path("/x"),
        name=f"vm-{number}",
        region="local-seoul",
        private_ip=f"10.100.0.{number}",
        public_ip=f"198.18.0.{number}" if public else None,
        ssh_port=22,
        mac="02:01:0a:64:00:04",
        cpu=1,
        memory_mib=256,
        image="host",
        user="ubuntu",
        public_key="",
        security_groups=groups,
    )


def group(name: str, *rules: Rule, id: str = "") -> SecurityGroup:
    return SecurityGroup(id=id or f"sg-{name}", name=name, network="net-1", rules=rules)


def text(machines: tuple[Machine, ...], *groups: SecurityGroup) -> str:
    fabric = Fabric(machines=machines, groups=groups)
    return ruleset(fabric, host_ip="10.255.255.1", guest_ranges=["10.100.0.0/16", "198.18.0.0/17"])


def rule_lines(**given: Any) -> list[str]:
    """The chain of a group with this one rule."""
    whole = text((), group("g", Rule(**given)))
    chain = whole.split("chain g_0 {\n")[1].split("}")[0]
    return [line.strip() for line in chain.splitlines() if line.strip()]


def test_two_machines_of_two_groups(golden: Any) -> None:
    web = group(
        "web",
        Rule(protocol="tcp", port_low=22, port_high=22, host=True),
        Rule(protocol="tcp", port_low=80, port_high=80, cidr="0.0.0.0/0"),
    )
    db = group("db", Rule(protocol="tcp", port_low=5432, port_high=5432, peer="web"))
    golden("local_cloud/rules.nft", text((machine(4, "sg-web"), machine(5, "sg-db", public=False)), web, db))


def test_an_empty_cloud_lets_nothing_through() -> None:
    whole = text(())
    assert "policy drop" in whole
    assert "elements" not in whole


def test_the_order_of_machines_does_not_change_the_text() -> None:
    a, b = machine(4, "sg-g"), machine(5, "sg-g")
    assert text((a, b), group("g")) == text((b, a), group("g"))


def test_a_machine_without_a_group_is_closed() -> None:
    assert "chain i_4 {\n    drop\n  }" in text((machine(4),))


def test_a_group_that_does_not_exist_has_no_members() -> None:
    whole = text((machine(4, "sg-g"),), group("g", Rule(protocol="tcp", port_low=1, peer="missing")))
    assert "set p0 {\n    type ipv4_addr\n  }" in whole


def test_members_of_a_peer_group_count_with_both_addresses() -> None:
    whole = text((machine(4, "sg-web"),), group("web"), group("db", Rule(protocol="all", peer="web")))
    assert "set p0 {\n    type ipv4_addr\n    elements = { 10.100.0.4, 198.18.0.4 }\n  }" in whole


def test_a_name_with_odd_characters_never_reaches_the_text() -> None:
    whole = text((), group('a"; flush ruleset; #', Rule(protocol="all", peer='b"; drop')))
    assert "flush" not in whole
    assert 'b"' not in whole


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"protocol": "tcp", "port_low": 80, "port_high": 90, "cidr": "0.0.0.0/0"}, "tcp dport 80-90 accept"),
        ({"protocol": "udp", "port_low": 9, "cidr": "10.0.0.0/8"}, "ip saddr 10.0.0.0/8 udp dport 9 accept"),
        ({"protocol": "tcp", "cidr": "0.0.0.0/0"}, "meta l4proto tcp accept"),
        ({"protocol": "icmp", "cidr": "0.0.0.0/0"}, "meta l4proto icmp accept"),
        ({"protocol": "all", "cidr": "10.1.2.3/16"}, "ip saddr 10.1.0.0/16 accept"),
        ({"protocol": "all", "host": True}, f"{HOST} accept"),
        ({"protocol": "tcp", "port_low": 9, "host": True}, f"{HOST} tcp dport 9 accept"),
    ],
)  # fmt: skip
def test_a_rule_becomes(given: dict[str, Any], line: str) -> None:
    assert rule_lines(**given) == [line]


def test_a_rule_for_everybody_and_everything_is_just_accept() -> None:
    assert rule_lines(protocol="all", cidr="0.0.0.0/0") == ["accept"]


def test_ipv6_is_not_routed_so_its_rules_vanish() -> None:
    assert rule_lines(protocol="tcp", port_low=80, cidr="::/0") == []
