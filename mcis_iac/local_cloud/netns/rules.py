"""Security groups as nftables text: a pure function from the network as it should be.

The rules live in the router's namespace, where no guest can reach them. Default is closed: a machine
that the text does not know can neither send (its address is not in `owner`) nor be reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, ip_network

from mcis_iac.local_cloud.types import Fabric, Machine, Rule, SecurityGroup

TABLE = "inet mcis"
UPLINK = "up0"
PORT_PROTOCOLS = ("tcp", "udp")


def link_name(machine: Machine) -> str:
    """The router's end of the machine's cable."""
    return f"v{machine.number}"


def addresses(machine: Machine) -> tuple[str, ...]:
    return tuple(address for address in (machine.private_ip, machine.public_ip) if address)


def ruleset(fabric: Fabric, *, host_ip: str, guest_ranges: Iterable[str]) -> str:
    """One transaction that replaces our table. `guest_ranges` may not come in from the host's side."""
    machines = sorted(fabric.machines, key=lambda machine: machine.number)
    peers = _peer_sets(fabric.groups)
    lines = [f"table {TABLE}", f"delete table {TABLE}", f"table {TABLE} {{"]
    lines += _set("owner", "ifname . ipv4_addr", _owners(machines))
    for name, number in peers.items():
        lines += _set(f"p{number}", "ipv4_addr", _members(machines, fabric.groups, name))
    chains = {group.id: f"g_{position}" for position, group in enumerate(fabric.groups)}
    for group in fabric.groups:
        lines += _chain(chains[group.id], _group_rules(group, peers, host_ip))
    for machine in machines:
        jumps = [f"jump {chains[group.id]}" for group in fabric.groups if _is_member(machine, group)]
        lines += _chain(f"i_{machine.number}", [*jumps, "drop"])
    lines += _map("by_dst", _verdicts(machines))
    lines += _chain("antispoof", _antispoof(guest_ranges))
    lines += _chain("forward", _FORWARD)
    return "\n".join([*lines, "}", ""])


_FORWARD = (
    "type filter hook forward priority 0; policy drop;",
    "ct state established,related accept",
    "ct state invalid drop",
    f'oifname "{UPLINK}" drop',  # guests cannot open connections to the host
    "ip daddr vmap @by_dst",
)


def _antispoof(guest_ranges: Iterable[str]) -> Iterator[str]:
    yield "type filter hook prerouting priority -150; policy accept;"
    yield 'iifname "v*" iifname . ip saddr != @owner drop'
    ranges = ", ".join(guest_ranges)
    if ranges:
        yield f'iifname "{UPLINK}" ip saddr {{ {ranges} }} drop'


def _owners(machines: Iterable[Machine]) -> list[str]:
    return [f'"{link_name(m)}" . {address}' for m in machines for address in addresses(m)]


def _verdicts(machines: Iterable[Machine]) -> list[str]:
    return [f"{address} : goto i_{m.number}" for m in machines for address in addresses(m)]


def _peer_sets(groups: Iterable[SecurityGroup]) -> Mapping[str, int]:
    """Group names that some rule lets in; they need not exist. Names are the user's, hence numbers."""
    names = sorted({rule.peer for group in groups for rule in group.rules if rule.peer})
    return {name: number for number, name in enumerate(names)}


def _members(machines: Iterable[Machine], groups: Iterable[SecurityGroup], name: str) -> list[str]:
    named = [group for group in groups if group.name == name]
    return sorted({a for m in machines if any(_is_member(m, g) for g in named) for a in addresses(m)})


def _is_member(machine: Machine, group: SecurityGroup) -> bool:
    return group.id in machine.security_groups


def _group_rules(group: SecurityGroup, peers: Mapping[str, int], host_ip: str) -> list[str]:
    found = [_rule(rule, peers, host_ip) for rule in group.rules]
    return [text for text in found if text]


def _rule(rule: Rule, peers: Mapping[str, int], host_ip: str) -> str:
    source = _source(rule, peers, host_ip)
    if source is None:
        return ""
    return " ".join(part for part in (source, _traffic(rule), "accept") if part)


def _source(rule: Rule, peers: Mapping[str, int], host_ip: str) -> str | None:
    """The match of the sender; None = nobody can send so (IPv6 is not routed)."""
    if rule.host:
        return f'iifname "{UPLINK}" ip saddr {host_ip}'
    if rule.peer is not None:
        return f"ip saddr @p{peers[rule.peer]}"
    network = ip_network(rule.cidr or "0.0.0.0/0", strict=False)
    if not isinstance(network, IPv4Network):
        return None
    return f"ip saddr {network}" if network.prefixlen else ""


def _traffic(rule: Rule) -> str:
    if rule.protocol == "all":
        return ""
    if rule.protocol in PORT_PROTOCOLS and rule.port_low is not None:
        high = rule.port_low if rule.port_high is None else rule.port_high
        ports = f"{rule.port_low}" if high == rule.port_low else f"{rule.port_low}-{high}"
        return f"{rule.protocol} dport {ports}"
    return f"meta l4proto {rule.protocol}"


def _elements(items: list[str]) -> list[str]:
    return [f"    elements = {{ {', '.join(items)} }}"] if items else []


def _set(name: str, kind: str, items: list[str]) -> list[str]:
    return [f"  set {name} {{", f"    type {kind}", *_elements(items), "  }"]


def _map(name: str, items: list[str]) -> list[str]:
    return [f"  map {name} {{", "    type ipv4_addr : verdict", *_elements(items), "  }"]


def _chain(name: str, rules: Iterable[str]) -> list[str]:
    return [f"  chain {name} {{", *(f"    {rule}" for rule in rules), "  }"]
