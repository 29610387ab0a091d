"""From firewalls to security group rules, one resource for each.

A rule names another group where that group's ports are in the same network: the cloud then follows
its members by itself. Everybody else comes through a router and is let in by address. What may go
out is left as the cloud makes it: everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcis_iac.clouds import peers
from mcis_iac.model import Connection, FirewallRule, Group, Member, Plan, Subject
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Ref, Value

Declared = tuple[str, Inputs, Subject]


def standing(plan: Plan, connection: Connection, group: Group, region: str) -> Iterator[Declared]:
    """The rules that do not depend on any one machine: (key, inputs, subject)."""
    subject = Subject(group=group.name, connection=connection.name, cloud=connection.cloud, region=region)
    for rule in peers.rules(plan, group):
        for source in peers.sources(plan, rule, here=_here(plan, connection, group, region)):
            match source:
                case peers.Range(cidr):
                    origin: Inputs = {"remoteIpPrefix": cidr}
                    word, version = cidr, "IPv6" if ":" in cidr else "IPv4"
                case peers.Here(name):
                    sg = naming.security_group(name, connection.name, region)
                    origin, word, version = {"remoteGroupId": Ref(sg)}, f"group:{name}", "IPv4"
                case _:
                    continue
            key = naming.of_group("rule", group.name, connection.name, region, peers.slug(rule), word)
            yield key, _inputs(connection, group, region, rule, version) | origin, subject


def by_address(plan: Plan, connection: Connection, group: Group, region: str) -> Iterator[Declared]:
    """The rules for members in other networks, one per address, keyed by the member."""
    for rule in peers.rules(plan, group):
        for source in peers.sources(plan, rule, here=_here(plan, connection, group, region)):
            if isinstance(source, peers.Away):
                member = source.member
                subject = Subject(
                    group=member.group,
                    vm=member.name,
                    connection=connection.name,
                    cloud=connection.cloud,
                    region=region,
                )
                key = naming.of_vm(
                    "admit", member.name, group.name, connection.name, region, peers.slug(rule)
                )
                prefix: dict[str, Value] = {"remoteIpPrefix": source.cidr}
                yield key, _inputs(connection, group, region, rule, "IPv4") | prefix, subject


def _here(plan: Plan, connection: Connection, group: Group, region: str) -> Callable[[Member], bool]:
    def here(member: Member) -> bool:
        same_place = (member.connection, member.region) == (connection.name, region)
        return same_place and plan.mcis.groups[member.group].network == group.network

    return here


def _inputs(connection: Connection, group: Group, region: str, rule: FirewallRule, version: str) -> Inputs:
    inputs: Inputs = {
        "region": region,
        "securityGroupId": Ref(naming.security_group(group.name, connection.name, region)),
        "direction": "ingress",
        "ethertype": version,
    }
    if rule.protocol != "all":
        inputs["protocol"] = rule.protocol
    for low, high in rule.ports:
        inputs |= {"portRangeMin": low, "portRangeMax": high}
    return inputs
