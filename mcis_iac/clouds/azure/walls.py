"""Network security groups, one per group and region, and their rules.

Members in the same part of a network are named by application security groups, so scaling changes no
rule; members elsewhere are lists of addresses, one rule per group of theirs. A rule's number is its
priority, its name in Azure and the end of its key at once: whatever moves to another number (`slots`)
is written over what was there, and at no moment do two rules claim one priority. As all rules allow,
their order does not matter, except for the last, which closes what Azure leaves open inside a network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, collapse_addresses

from mcis_iac.clouds import peers
from mcis_iac.clouds.azure import network, slots
from mcis_iac.clouds.azure.site import Site
from mcis_iac.model import FirewallRule, Group, Member
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Ref, Resource, Value

LAST = 4096
PRIORITIES = range(100, LAST)
PROTOCOLS = {"tcp": "Tcp", "udp": "Udp", "icmp": "Icmp", "all": "*"}
EVERYONE = "mcis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """One rule: what may come in from one kind of source.

    `name` says both and never who is there at the moment. Sources are ranges, the keys of groups that
    can be named here, or the addresses of a group's members elsewhere.
    """

    name: str
    rule: FirewallRule
    ranges: tuple[str, ...] = ()
    here: str | None = None
    away: tuple[Value, ...] = field(default=())

    @property
    def empty(self) -> bool:
        """It lets in nobody at the moment."""
        return not (self.ranges or self.here or self.away)


def declare(site: Site) -> Iterator[Resource]:
    """The security groups with all rules that name no machine of another place."""
    for group, region in site.groups():
        yield _security_group(site, group, region)
        for number, allowed in _numbered(site, group, region).items():
            if not allowed.away and not allowed.empty:
                yield _rule(site, group, region, number, allowed)
        yield _closing(site, group, region)


def links(site: Site) -> Iterator[Resource]:
    """The rules that name machines of other places."""
    for group, region in site.groups():
        for number, allowed in _numbered(site, group, region).items():
            if allowed.away:
                yield _rule(site, group, region, number, allowed)


def allowed(site: Site, group: Group, region: str) -> Iterator[Allowed]:
    """The rules of a group in a region, those that let in nobody yet included."""

    def here(member: Member) -> bool:
        same = (member.connection, member.region) == (site.name, region)
        return same and site.group(member).network == group.network

    for rule in peers.rules(site.plan, group):
        what = peers.slug(rule)
        ranges = peers.ranges(site.plan, rule)
        yield Allowed(name=f"{what} ranges", rule=rule, ranges=_collapsed(ranges))
        if EVERYONE in rule.sources:
            key = network.everyone_key(site, group.network, region)
            yield Allowed(name=f"{what} {EVERYONE}", rule=rule, here=key)
        known = set(site.known(group.network, region))
        for peer in sorted(peers.groups(site.plan, rule)):
            if peer in known and EVERYONE not in rule.sources:
                yield Allowed(
                    name=f"{what} group:{peer}", rule=rule, here=network.role_key(site, peer, region)
                )
            found = peers.addresses(site.plan, peer, but_not=here)
            away = tuple(peers.Away(*each).cidr for each in found)
            yield Allowed(name=f"{what} away:{peer}", rule=rule, away=away)


def _collapsed(ranges: list[str]) -> tuple[str, ...]:
    """The ranges without those inside others, which Azure refuses beside them."""
    return tuple(str(each) for each in collapse_addresses(IPv4Network(r, strict=False) for r in ranges))


def _numbered(site: Site, group: Group, region: str) -> Mapping[int, Allowed]:
    rules = {each.name: each for each in allowed(site, group, region)}
    numbers = slots.numbered(rules, PRIORITIES)
    return {numbers[name]: rules[name] for name in sorted(rules, key=lambda name: numbers[name])}


# ---------------------------------------------------------------- resources


def _security_group(site: Site, group: Group, region: str) -> Resource:
    key = naming.security_group(group.name, site.name, region)
    inputs: Inputs = {
        **site.inside(region, implied=True),
        "networkSecurityGroupName": site.called(key),
        "location": region,
        "tags": site.tags(group),
    }
    # Machines name only their security group as what they depend on; it names the rest, once.
    options = Options(
        depends_on=(
            network.everyone_key(site, group.network, region),
            network.role_key(site, group.name, region),
        ),
        ignore_changes=("securityRules",),
    )
    subject = site.subject(region, group.name)
    return site.resource(
        key, "network:NetworkSecurityGroup", inputs, subject, outputs=("name",), options=options
    )


def _rule(site: Site, group: Group, region: str, number: int, rule: Allowed) -> Resource:
    ports = [str(low) if low == high else f"{low}-{high}" for low, high in rule.rule.ports]
    source: Inputs
    if rule.here:
        source = {"sourceApplicationSecurityGroups": [{"id": Ref(rule.here)}]}
    elif len(rule.ranges) == 1:
        source = {"sourceAddressPrefix": rule.ranges[0]}
    else:
        source = {"sourceAddressPrefixes": list(rule.ranges or rule.away)}
    flow: Inputs = {
        "access": "Allow",
        "protocol": PROTOCOLS[rule.rule.protocol],
        "destinationPortRange": ports[0] if ports else "*",
        **source,
    }
    return _in(site, group, region, number, says=rule.name, flow=flow)


def _closing(site: Site, group: Group, region: str) -> Resource:
    flow: Inputs = {
        "access": "Deny",
        "protocol": "*",
        "destinationPortRange": "*",
        "sourceAddressPrefix": "VirtualNetwork",
    }
    return _in(site, group, region, LAST, says="what no other rule allows", flow=flow)


def _in(site: Site, group: Group, region: str, number: int, *, says: str, flow: Inputs) -> Resource:
    wall = naming.security_group(group.name, site.name, region)
    inputs: Inputs = {
        **site.inside(region, implied=True),
        "networkSecurityGroupName": Ref(wall, "name"),
        "securityRuleName": str(number),
        "description": says,
        "direction": "Inbound",
        "priority": number,
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        **flow,
    }
    key = naming.of_group("rule", group.name, site.name, region, str(number))
    return site.resource(key, "network:SecurityRule", inputs, site.subject(region, group.name))
