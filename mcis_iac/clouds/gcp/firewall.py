"""Firewalls: one per group, network and source of the manifest, on the machines with the group's tag.

Machines carry two network tags: that of their group and that of the MCIS, so `from: [group:x]` and
`from: [mcis]` name a tag and scaling changes no rule. Who is outside the network is let in by address,
in a firewall of its own that follows the members.

Google takes a firewall without any source for one open to the world, so none is ever declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mcis_iac.clouds import peers
from mcis_iac.clouds.gcp.site import GLOBAL, Site, Vpc
from mcis_iac.model import FirewallRule, Group, Member
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Resource, Value

PRIORITY = 1000
# The key's last part where members outside the network are let in.
OUTSIDE = "outside"


def inside(site: Site) -> Iterator[Resource]:
    """What can be said by ranges and tags."""
    for group, vpc in _places(site):
        for word, rules in _by_source(site, group):
            ranges = sorted({cidr for rule in rules for cidr in peers.ranges(site.plan, rule)})
            tags = _tags(site, vpc, word)
            if ranges or tags:
                found: Inputs = {"sourceRanges": list(ranges)} if ranges else {"sourceTags": list(tags)}
                yield _firewall(site, group, vpc, words=(word,), rules=rules, sources=found)


def outside(site: Site) -> Iterator[Resource]:
    """What needs the addresses of members in other networks, regions of other clouds and so on."""
    for group, vpc in _places(site):
        here = _inside(site, vpc)
        for word, rules in _by_source(site, group):
            found = peers.sources(site.plan, rules[0], here=here)
            addresses = [each.cidr for each in found if isinstance(each, peers.Away)]
            if addresses:
                ranges: Inputs = {"sourceRanges": addresses}
                yield _firewall(site, group, vpc, words=(word, OUTSIDE), rules=rules, sources=ranges)


def tags(site: Site, member: Member) -> list[Value]:
    """The network tags of a machine."""
    return [_group_tag(site, member.group), _mcis_tag(site, site.vpc_of(member))]


def _places(site: Site) -> Iterator[tuple[Group, Vpc]]:
    """Every group with every network its members here are in."""
    seen: set[tuple[str, ...]] = set()
    for member in site.members:
        vpc = site.vpc_of(member)
        if (member.group, *vpc.identity) not in seen:
            seen.add((member.group, *vpc.identity))
            yield site.group(member), vpc


def _by_source(site: Site, group: Group) -> Iterator[tuple[str, Sequence[FirewallRule]]]:
    """The group's rules by source word, since a firewall has many protocols but one set of sources."""
    rules = peers.rules(site.plan, group)
    for word in sorted({source for rule in rules for source in rule.sources}):
        yield word, [replace(rule, sources=(word,)) for rule in rules if word in rule.sources]


def _inside(site: Site, vpc: Vpc) -> Callable[[Member], bool]:
    def here(member: Member) -> bool:
        return member.connection == site.connection.name and site.vpc_of(member).identity == vpc.identity

    return here


def _tags(site: Site, vpc: Vpc, word: str) -> list[str]:
    if word == "mcis":
        return [_mcis_tag(site, vpc)]
    if not word.startswith("group:"):
        return []
    name, here = word.removeprefix("group:"), _inside(site, vpc)
    covered = _pinned_inside(site, vpc, name) or any(here(m) for m in site.members if m.group == name)
    return [_group_tag(site, name)] if covered else []


def _pinned_inside(site: Site, vpc: Vpc, name: str) -> bool:
    """A group's place counts even while it has no members: the first one changes nothing for others."""
    group = site.mcis.groups.get(name)
    if group is None or group.placement.connection != site.connection.name:
        return False
    return site.vpc(group.network, group.placement.region).identity == vpc.identity


def _group_tag(site: Site, group: str) -> str:
    return site.name(naming.security_group(group, site.connection.name, GLOBAL))


def _mcis_tag(site: Site, vpc: Vpc) -> str:
    return site.name(naming.network(vpc.name, site.connection.name, GLOBAL))


def _firewall(
    site: Site,
    group: Group,
    vpc: Vpc,
    *,
    words: tuple[str, ...],
    rules: Sequence[FirewallRule],
    sources: Inputs,
) -> Resource:
    key = naming.of_group("rule", group.name, site.connection.name, GLOBAL, *vpc.more, *words)
    inputs: Inputs = {
        "name": site.name(key),
        "network": site.network_ref(vpc),
        "direction": "INGRESS",
        "priority": PRIORITY,
        "allows": [_allow(rule) for rule in rules],
        "targetTags": [_group_tag(site, group.name)],
        "description": site.owner(),
        **sources,
    }
    if vpc.project:
        inputs["project"] = vpc.project
    return site.resource(key, "compute/firewall:Firewall", inputs, site.subject(GLOBAL, group.name))


def _allow(rule: FirewallRule) -> Inputs:
    ports = [str(low) if low == high else f"{low}-{high}" for low, high in rule.ports]
    return {"protocol": rule.protocol, **({"ports": list(ports)} if ports else {})}
