"""From firewalls to the rules of one security group.

Sources inside the MCIS become `peer` rules that name security groups; the cloud looks the members up
by name, so groups may admit each other without a cycle and scaling touches no rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcis_iac.clouds.common import walls
from mcis_iac.model import FirewallRule, Group, Plan
from mcis_iac.program import naming
from mcis_iac.program.graph import Scalar

Rule = Mapping[str, Scalar]


def rules(plan: Plan, group: Group) -> list[Rule]:
    """The union of the group's firewalls without doubles, in an order of its own."""
    wanted = walls.wanted(plan.mcis, group)
    found = {_rank(rule): rule for each in wanted for rule in _spelled_out(plan, each)}
    return [found[rank] for rank in sorted(found)]


def _rank(rule: Rule) -> tuple[str, ...]:
    ports = (f"{int(rule.get(end) or 0):05}" for end in ("portLow", "portHigh"))
    source = (str(rule.get(kind, "")) for kind in ("cidr", "host", "peer"))
    return (str(rule["protocol"]), *ports, *source)


def _spelled_out(plan: Plan, rule: FirewallRule) -> Iterator[Rule]:
    spans: list[Mapping[str, Scalar]] = [
        {"portLow": low, "portHigh": high} for low, high in walls.spans(rule)
    ]
    for source in rule.sources:
        for origin in _origins(plan, source):
            for span in spans or [{}]:
                yield {"protocol": rule.protocol, **span, **origin}


def _origins(plan: Plan, source: str) -> Iterator[Mapping[str, Scalar]]:
    if source == "me":
        yield {"host": True}
    elif source == "anywhere":
        yield {"cidr": walls.ANYWHERE}
    elif source == "mcis":
        for name in plan.mcis.groups:
            yield from ({"peer": peer} for peer in security_groups(plan, name))
    elif source.startswith("group:"):
        yield from ({"peer": peer} for peer in security_groups(plan, source.removeprefix("group:")))
    else:
        yield {"cidr": source}


def security_groups(plan: Plan, group: str) -> list[str]:
    """The cloud names of a group's security groups on this cloud, in every place it is in.

    The place it is pinned to counts even while it has no members, so that the first one to come
    changes no rule of its neighbours.
    """
    pin = plan.mcis.groups[group].placement
    places = {(pin.connection, pin.region)}
    places |= {(m.connection, m.region) for m in plan.members if m.group == group}
    here = sorted(place for place in places if plan.mcis.connections[place[0]].cloud == "local")
    return [naming.cloud_name(plan.mcis, naming.security_group(group, *place)) for place in here]
