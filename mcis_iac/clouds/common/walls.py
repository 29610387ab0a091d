"""Firewalls before any cloud has its say: which rules a group has, and what they are when it has none."""

from __future__ import annotations

from mcis_iac.model import FirewallRule, Group, Mcis

ANYWHERE = "0.0.0.0/0"
WITH_PORTS = ("tcp", "udp")
# A group without a firewall: its owner may log in, the MCIS may talk.
DEFAULT = (
    FirewallRule(sources=("me",), protocol="tcp", ports=((22, 22),)),
    FirewallRule(sources=("mcis",), protocol="all"),
)


def wanted(mcis: Mcis, group: Group) -> list[FirewallRule]:
    """The rules of all the group's firewalls, else the default, as they are written."""
    walls = [mcis.firewalls[name] for name in group.firewalls]
    return [rule for wall in walls for rule in wall.rules] if walls else list(DEFAULT)


def spans(rule: FirewallRule) -> tuple[tuple[int, int], ...]:
    """The port ranges of a rule; none for all ports, or for a protocol without."""
    return rule.ports if rule.protocol in WITH_PORTS else ()
