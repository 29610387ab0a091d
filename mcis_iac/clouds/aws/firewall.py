"""Security groups on AWS: one per group and region, each rule a resource of its own.

A group in the same VPC is named, so that its scaling changes no rule; everybody else is known by the
address, one rule per VM, keyed by that VM's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from mcis_iac.clouds import peers
from mcis_iac.clouds.aws import network
from mcis_iac.clouds.aws.scope import Scope
from mcis_iac.model import FirewallRule, Group, Member
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Ref, Resource

INGRESS = "vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "vpc/securityGroupEgressRule:SecurityGroupEgressRule"
ALL_ICMP = -1
WAYS_OUT = (("out", "cidrIpv4", network.ANYWHERE), ("out6", "cidrIpv6", "::/0"))


def declare(scope: Scope) -> Iterator[Resource]:
    """All security groups, then the rules that need no VM's address: rules name groups both ways."""
    for group in scope.groups():
        for region in scope.regions(group.name):
            yield _security_group(scope, group, region)
    for group in scope.groups():
        for region in scope.regions(group.name):
            yield from _ways_out(scope, group, region)
            for rule in peers.rules(scope.plan, group):
                found = peers.sources(scope.plan, rule, here=_Here(scope, group, region))
                for source in takewhile(lambda each: not isinstance(each, peers.Away), found):
                    yield _named(scope, group, region, rule, source)


def links(scope: Scope) -> Iterator[Resource]:
    """The rules for members that no reference covers."""
    for group in scope.groups():
        for region in scope.regions(group.name):
            for rule in peers.rules(scope.plan, group):
                for source in peers.sources(scope.plan, rule, here=_Here(scope, group, region)):
                    if isinstance(source, peers.Away):
                        yield _single(scope, group, region, rule, source)


class _Here:
    """Whether a member is in the VPC of a group's VMs in a region."""

    def __init__(self, scope: Scope, group: Group, region: str) -> None:
        self.scope, self.region = scope, region
        self.vpc = network.vpc(scope.plan, group.network, scope.connection.name, region)

    def __call__(self, member: Member) -> bool:
        connection = self.scope.connection.name
        if (member.connection, member.region) != (connection, self.region):
            return False
        theirs = network.vpc(self.scope.plan, self.scope.group(member).network, connection, self.region)
        return theirs == self.vpc


def _security_group(scope: Scope, group: Group, region: str) -> Resource:
    key = naming.security_group(group.name, scope.connection.name, region)
    inputs: Inputs = {
        "name": naming.cloud_name(scope.mcis, key),
        "description": f"VMs of group {group.name}",
        "vpcId": network.vpc(scope.plan, group.network, scope.connection.name, region),
        "tags": scope.tags(key, group.name),
    }
    # Machines depend on their security group anyway; the key pair is depended on through it, once.
    after = Options(depends_on=(naming.key_pair(group.key, scope.connection.name, region),))
    kind = "ec2/securityGroup:SecurityGroup"
    return scope.regional(key, kind, region, inputs, group=group.name, options=after)


def _ways_out(scope: Scope, group: Group, region: str) -> Iterator[Resource]:
    """Anywhere, as AWS lets every new group: the provider takes that rule away.

    Networks of ours have no IPv6, existing ones may.
    """
    for word, kind, everybody in WAYS_OUT:
        key = naming.of_group("rule", group.name, scope.connection.name, region, word)
        inputs: Inputs = {
            "securityGroupId": Ref(naming.security_group(group.name, scope.connection.name, region)),
            "ipProtocol": "-1",
            kind: everybody,
            "tags": scope.tags(key, group.name),
        }
        yield scope.regional(key, EGRESS, region, inputs, group=group.name)


def _named(scope: Scope, group: Group, region: str, rule: FirewallRule, source: peers.Source) -> Resource:
    connection = scope.connection.name
    inputs = _flow(scope, group, region, rule)
    if isinstance(source, peers.Range):
        inputs["cidrIpv4"] = name = source.cidr
    elif isinstance(source, peers.Here):
        name = source.group
        inputs["referencedSecurityGroupId"] = Ref(naming.security_group(name, connection, region))
    else:
        raise TypeError(source)
    key = naming.of_group("rule", group.name, connection, region, peers.slug(rule), name)
    inputs["tags"] = scope.tags(key, group.name)
    return scope.regional(key, INGRESS, region, inputs, group=group.name)


def _single(scope: Scope, group: Group, region: str, rule: FirewallRule, source: peers.Away) -> Resource:
    vm, of = source.member.name, source.member.group
    slug = peers.slug(rule)
    key = naming.of_vm("admit", vm, group.name, scope.connection.name, region, slug)
    inputs = _flow(scope, group, region, rule) | {"cidrIpv4": source.cidr}
    # It goes with the VM it lets in, though it belongs to the group that does.
    inputs["tags"] = scope.tags(key, of, vm)
    return scope.regional(key, INGRESS, region, inputs, group=of, vm=vm)


def _flow(scope: Scope, group: Group, region: str, rule: FirewallRule) -> Inputs:
    inside: Inputs = {
        "securityGroupId": Ref(naming.security_group(group.name, scope.connection.name, region))
    }
    if rule.protocol == "all":
        return inside | {"ipProtocol": "-1"}
    if rule.protocol == "icmp":
        return inside | {"ipProtocol": "icmp", "fromPort": ALL_ICMP, "toPort": ALL_ICMP}
    low, high = rule.ports[0] if rule.ports else (0, 65535)
    return inside | {"ipProtocol": rule.protocol, "fromPort": low, "toPort": high}
