"""What a graph's firewalls let through, read as each cloud reads them.

A packet goes between machines of one network from the private address, anywhere else from the public one.
Only as much of each cloud is here as its documentation says of inbound rules (as of 2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from mcis_iac.model import Plan
from mcis_iac.program.build import build
from mcis_iac.program.graph import Join, Ref, Resource

ME = "203.0.113.9"
PORTS = range(65536)


@dataclass(frozen=True)
class Packet:
    """Where it comes from (`vm` when from a machine of the graph) and what it wants."""

    address: str
    protocol: str
    port: int
    vm: str | None = None
    inside: bool = False  # both ends are in one network


class World:
    """A plan's graph with an address for every machine."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.graph = build(plan)
        self.members = {member.name: member for member in plan.members}
        inventory: Any = self.graph.outputs["inventory"]
        self.private: dict[str, str] = {}
        self.public: dict[str, str] = {}
        self.known: dict[Ref, str] = {}
        for number, (name, entry) in enumerate(inventory.items(), 1):
            self.private[name], self.public[name] = f"10.250.0.{number}", f"192.0.2.{100 + number}"
            self.known[entry["private_ip"]] = self.private[name]
            if entry["public_ip"] is not None:
                self.known[entry["public_ip"]] = self.public[name]

    def text(self, value: Any) -> str:
        """A text with the addresses put in; what is not an address is in angle brackets."""
        if isinstance(value, Ref):
            return self.known.get(value, f"<{value.key}>")
        if isinstance(value, Join):
            return "".join(self.text(part) for part in value.parts)
        return str(value)

    def all(self, kind: str) -> Iterator[Resource]:
        """The resources whose token ends so."""
        return (each for each in self.graph.resources if each.token.endswith(f":{kind}"))

    def within(self, address: str, ranges: Iterable[Any]) -> bool:
        """Whether an address is in one of the ranges."""
        return any(ip_address(address) in ip_network(self.text(one)) for one in ranges)

    def neighbours(self, one: str, other: str) -> bool:
        """Whether two machines are in one network: on Google's cloud that spans regions."""
        a, b = self.members[one], self.members[other]
        return a.connection == b.connection and (a.region == b.region or a.cloud in ("gcp", "local"))

    def reaches(self, source: str, target: str, protocol: str, port: int) -> bool:
        """Whether that gets through to the machine; a source is a machine or an address."""
        if source in self.members:
            inside = self.neighbours(source, target)
            address = (self.private if inside else self.public)[source]
            packet = Packet(address, protocol, port, source, inside)
        else:
            packet = Packet(source, protocol, port)
        return READERS[self.members[target].cloud](self, target, packet)


def keys(values: Any) -> set[str]:
    """The resources a list of references names."""
    return {value.key for value in values or () if isinstance(value, Ref)}


def _ports(packet: Packet, low: Any, high: Any) -> bool:
    if packet.protocol not in ("tcp", "udp") or low is None:
        return True
    return int(low) <= packet.port <= int(high)


def _span(packet: Packet, span: str) -> bool:
    if span == "*":
        return True
    low, _, high = span.partition("-")
    return packet.protocol in ("tcp", "udp") and int(low) <= packet.port <= int(high or low)


# ---------------------------------------------------------------- one reader per cloud


def aws(world: World, target: str, packet: Packet) -> bool:
    """Security groups: what no rule allows is refused."""
    groups = keys(world.graph[target].inputs["vpcSecurityGroupIds"])
    theirs = keys(world.graph[packet.vm].inputs["vpcSecurityGroupIds"]) if packet.inside and packet.vm else ()
    for each in world.all("SecurityGroupIngressRule"):
        rule: Any = each.inputs
        if rule["securityGroupId"].key not in groups or rule["ipProtocol"] not in ("-1", packet.protocol):
            continue
        peer = rule.get("referencedSecurityGroupId")
        source = peer.key in theirs if peer else world.within(packet.address, [rule["cidrIpv4"]])
        if source and _ports(packet, rule.get("fromPort"), rule.get("toPort")):
            return True
    return False


def gcp(world: World, target: str, packet: Packet) -> bool:
    """Firewall rules by network tags: what no rule allows is refused."""
    mine: Any = world.graph[target].inputs["tags"]
    theirs: Any = world.graph[packet.vm].inputs["tags"] if packet.inside and packet.vm else ()
    for each in world.all("Firewall"):
        rule: Any = each.inputs
        assert rule["direction"] == "INGRESS" and not rule.get("denies")
        tagged = bool(set(rule.get("sourceTags", ())) & set(theirs))
        ranged = world.within(packet.address, rule.get("sourceRanges", ()))
        if set(rule["targetTags"]) & set(mine) and (tagged or ranged):
            for allow in rule["allows"]:
                right = allow["protocol"] in ("all", packet.protocol)
                ports = [str(port) for port in allow.get("ports", ())] or ["*"]
                if right and any(_span(packet, port) for port in ports):
                    return True
    return False


def azure(world: World, target: str, packet: Packet) -> bool:
    """Network security groups: by priority the first rule that fits decides; a network talks by default."""
    card = _card(world, target)
    group = card["networkSecurityGroup"]["id"].key
    rules: list[Any] = list(world.graph[group].inputs.get("securityRules", ()))  # type: ignore[arg-type]
    rules += [
        r.inputs for r in world.all("SecurityRule") if r.inputs["networkSecurityGroupName"].key == group
    ]
    for rule in sorted(rules, key=lambda rule: rule["priority"]):
        if rule["direction"] == "Inbound" and _azure_fits(world, rule, packet):
            return bool(rule["access"] == "Allow")
    return packet.inside  # AllowVnetInBound, then DenyAllInBound


def _card(world: World, name: str) -> Any:
    machine: Any = world.graph[name].inputs
    return world.graph[machine["networkProfile"]["networkInterfaces"][0]["id"].key].inputs


def _azure_fits(world: World, rule: Any, packet: Packet) -> bool:
    if rule["protocol"] not in ("*", packet.protocol.title()):
        return False
    spans = [*rule.get("destinationPortRanges", ()), rule.get("destinationPortRange")]
    if not any(_span(packet, str(span)) for span in spans if span):
        return False
    prefixes = [*rule.get("sourceAddressPrefixes", ()), rule.get("sourceAddressPrefix")]
    words = {"*": True, "Internet": not packet.inside, "VirtualNetwork": packet.inside}
    for prefix in filter(None, prefixes):
        if words[prefix] if prefix in words else world.within(packet.address, [prefix]):
            return True
    groups = {each["id"].key for each in rule.get("sourceApplicationSecurityGroups", ())}
    return bool(packet.inside and packet.vm and groups & _azure_groups(world, packet.vm))


def _azure_groups(world: World, name: str) -> set[str]:
    found: Any = _card(world, name)["ipConfigurations"][0].get("applicationSecurityGroups", ())
    return {each["id"].key for each in found}


def openstack(world: World, target: str, packet: Packet) -> bool:
    """Security groups on ports: what no rule allows is refused."""
    groups = _openstack_groups(world, target)
    theirs = _openstack_groups(world, packet.vm) if packet.inside and packet.vm else set()
    for each in world.all("SecGroupRule"):
        rule: Any = each.inputs
        mine = rule["direction"] == "ingress" and rule["ethertype"] == "IPv4"
        if not mine or rule["securityGroupId"].key not in groups:
            continue
        if rule.get("protocol") not in (None, packet.protocol):
            continue
        peer, prefix = rule.get("remoteGroupId"), rule.get("remoteIpPrefix", "0.0.0.0/0")
        source = peer.key in theirs if peer else world.within(packet.address, [prefix])
        if source and _ports(packet, rule.get("portRangeMin"), rule.get("portRangeMax")):
            return True
    return False


def _openstack_groups(world: World, name: str) -> set[str]:
    machine: Any = world.graph[name].inputs
    return keys(world.graph[machine["networks"][0]["port"].key].inputs["securityGroupIds"])


def local(world: World, target: str, packet: Packet) -> bool:
    """Security groups that name one another: what no rule allows is refused."""
    theirs = {each.inputs["name"] for each in _local_groups(world, packet.vm)} if packet.vm else set()
    for group in _local_groups(world, target):
        rules: Any = group.inputs["rules"]
        for rule in rules:
            if rule["protocol"] not in ("all", packet.protocol):
                continue
            peer = rule.get("peer") in theirs
            host = bool(rule.get("host")) and packet.address == ME
            ranged = "cidr" in rule and world.within(packet.address, [rule["cidr"]])
            if (peer or host or ranged) and _ports(packet, rule.get("portLow"), rule.get("portHigh")):
                return True
    return False


def _local_groups(world: World, name: str) -> list[Resource]:
    inputs: Mapping[str, Any] = world.graph[name].inputs
    if "securityGroups" not in inputs:
        inputs = world.graph[inputs["template"].key].inputs
    return [world.graph[key] for key in sorted(keys(inputs["securityGroups"]))]


READERS: Mapping[str, Callable[[World, str, Packet], bool]] = {
    "aws": aws,
    "azure": azure,
    "gcp": gcp,
    "local": local,
    "openstack": openstack,
}
