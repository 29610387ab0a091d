"""From cloud-neutral firewalls to what one security group of a cloud must let in.

For graphs of clouds that name sources in several ways. A graph asks, per group and place:

    for rule in peers.rules(plan, group):                       # one per protocol and port range
        key = naming.of_group("rule", group.name, connection, region, peers.slug(rule), ...)
        for source in peers.sources(plan, rule, here=here):
            match source:
                case peers.Range(cidr): ...                     # "203.0.113.0/24", anywhere, me
                case peers.Here(group): ...                     # a group the cloud can name here
                case peers.Away(member, address): ...           # one VM that it cannot

`here(member)` says whether a reference to the member's group covers the member: on AWS whether it is in
the same VPC. A group with members on both sides yields a `Here` and an `Away` for each of the others.
`Range` and `Here` belong in `declare`; an `Away` refers to VMs that may be declared later, so it belongs
in `links`, in resources whose keys are made from `member.name` (`naming.of_vm`) and never from
positions, or in one list where the cloud has only that. All results are free of doubles and in an order
of their own: reordering a manifest changes nothing.

`me` is the plan's; while nobody has looked it up (offline) it is `NOBODY`, an address for documentation
that no packet comes from, so that what is rendered shows a rule and opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mcis_iac.clouds.common import walls
from mcis_iac.model import FirewallRule, Group, Member, Plan
from mcis_iac.program.graph import Join, Ref, Value

NOBODY = "192.0.2.1/32"


@dataclass(frozen=True, slots=True)
class Range:
    """Everybody in an IPv4 range."""

    cidr: str


@dataclass(frozen=True, slots=True)
class Here:
    """The members of a group that a reference to the group covers."""

    group: str


@dataclass(frozen=True, slots=True)
class Away:
    """One member that no reference covers, and the address its packets come from."""

    member: Member
    address: Value

    @property
    def cidr(self) -> Value:
        """The address as a range of one."""
        address = self.address
        if isinstance(address, Join):
            return Join((*address.parts, "/32"))
        return Join((address, "/32")) if isinstance(address, Ref) else f"{address}/32"


Source = Range | Here | Away


def rules(plan: Plan, group: Group) -> tuple[FirewallRule, ...]:
    """The union of the group's firewalls, else the default, one rule per protocol and port range.

    Each has exactly one range in `ports`, or none (all ports, or a protocol without), and its sources
    from every place that says the same; `slug` is different for each.
    """
    found: dict[FirewallRule, set[str]] = {}
    for rule in walls.wanted(plan.mcis, group):
        spans: list[tuple[tuple[int, int], ...]] = [(span,) for span in walls.spans(rule)]
        for each in spans or [()]:
            flow = FirewallRule(sources=(), protocol=rule.protocol, ports=each)
            found.setdefault(flow, set()).update(rule.sources)
    ranked = sorted(found, key=lambda flow: (flow.protocol, flow.ports))
    return tuple(
        FirewallRule(sources=tuple(sorted(found[flow])), protocol=flow.protocol, ports=flow.ports)
        for flow in ranked
    )


def slug(rule: FirewallRule) -> str:
    """What a rule of `rules` lets through, for keys: `tcp-22`, `udp-8000-8100`, `icmp`, `tcp`, `all`."""
    spans = (str(low) if low == high else f"{low}-{high}" for low, high in rule.ports)
    return "-".join((rule.protocol, *spans))


def sources(plan: Plan, rule: FirewallRule, *, here: Callable[[Member], bool]) -> Iterator[Source]:
    """Who a rule lets in: first ranges, then groups that can be named, then members that cannot."""
    yield from (Range(cidr) for cidr in ranges(plan, rule))
    names = groups(plan, rule)
    named = {member.group for member in plan.members if member.group in names and here(member)}
    yield from (Here(name) for name in sorted(named))
    for name in sorted(names):
        yield from (Away(*found) for found in addresses(plan, name, but_not=here))


def ranges(plan: Plan, rule: FirewallRule) -> list[str]:
    """The CIDRs among the sources of a rule, `me` and `anywhere` spelled out."""
    spelled: Mapping[str, str] = {"me": plan.me or NOBODY, "anywhere": walls.ANYWHERE}
    plain = (s for s in rule.sources if s != "mcis" and not s.startswith("group:"))
    return sorted({spelled.get(source, source) for source in plain})


def groups(plan: Plan, rule: FirewallRule) -> frozenset[str]:
    """The groups among the sources of a rule, all of them for `mcis`."""
    if "mcis" in rule.sources:
        return frozenset(plan.mcis.groups)
    return frozenset(s.removeprefix("group:") for s in rule.sources if s.startswith("group:"))


def addresses(
    plan: Plan, group: str, *, but_not: Callable[[Member], bool] = lambda _: False
) -> Iterator[tuple[Member, Value]]:
    """The members of a group by ordinal, without those of `but_not`, each with `address`."""
    wanted = (member for member in plan.members if member.group == group and not but_not(member))
    for member in sorted(wanted, key=lambda member: member.ordinal):
        yield member, address(plan, member)


def address(plan: Plan, member: Member) -> Value:
    """Where packets of a member come from, for somebody outside its network.

    The public address; the private one for a member without, which serves where networks are routed.
    """
    from mcis_iac.clouds import registry  # the registry loads clouds, which load this

    entry = registry.graph(member.cloud).inventory(plan, member)
    public = entry.get("public_ip")
    return entry["private_ip"] if public is None else public
