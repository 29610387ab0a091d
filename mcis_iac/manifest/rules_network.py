"""The rules of meaning (2xx) for networks and firewalls."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import accumulate, islice

from mcis_iac.manifest import scene as scenes
from mcis_iac.manifest.diagnostics import problem
from mcis_iac.manifest.guess import counted, nearest, short
from mcis_iac.manifest.nodes import Entry, Node
from mcis_iac.manifest.scene import Scene, misspelt
from mcis_iac.model import Diagnostic, Related

# A range is cut into blocks, one per connection and region: /20 where there is room, otherwise up to
# 16 smaller ones, none smaller than /26.
LARGEST_BLOCK = 20
SMALLEST_BLOCK = 26
SPLIT_BITS = 4
SHORTEST_PREFIX = 8
MAX_PORT = 65535
SSH = 22
WORDS = ("anywhere", "me", "mcis")
# What others call it: no slip of the pen, so that no likeness of letters finds it.
ALSO_CALLED = {
    **dict.fromkeys(("internet", "any", "all", "world", "public", "everyone", "everywhere", "*"), "anywhere"),
    **dict.fromkeys(("my-ip", "myip", "my_ip", "my-address"), "me"),
}
FEW = 50  # with more networks than that, looking for a free range is not worth the wait
EVERYWHERE = IPv4Network("0.0.0.0/0")


def cidr(text: str) -> tuple[IPv4Network | None, str]:
    """The range, or None and what it could have meant."""
    try:
        return (IPv4Network(text), "") if "/" in text else (None, f"{IPv4Network(text)}")
    except ValueError:
        pass
    try:
        return None, f"{IPv4Network(text, strict=False)}"
    except ValueError:
        return None, ""


def _declared(scene: Scene) -> Iterator[tuple[str, Entry, IPv4Network]]:
    """The networks with a usable range."""
    for entry in scene.entries("networks"):
        place = entry.node.entry("cidr")
        if place is not None and isinstance(place.node.value, str):
            found, _ = cidr(place.node.value)
            if found is not None:
                yield entry.key, place, found


def ranges(scene: Scene) -> Iterator[Diagnostic]:
    """Every range is an IPv4 network that VMs can have."""
    for entry in scene.entries("networks"):
        place = entry.node.entry("cidr")
        if place is None or not isinstance(place.node.value, str):
            continue
        found, meant = cidr(place.node.value)
        if found is None:
            detail = f"did you mean {meant}?" if meant else "expected an IPv4 range such as 10.20.0.0/16"
            yield problem("MCIS211", place.span, detail)
        elif found.prefixlen < SHORTEST_PREFIX or any(
            (found.is_loopback, found.is_multicast, found.is_link_local, found.is_reserved)
        ):
            yield problem(
                "MCIS211", place.span, "VMs cannot have these addresses", hint="such as 10.20.0.0/16"
            )


def room(scene: Scene) -> Iterator[Diagnostic]:
    """A network's range has room for every connection and region in use."""
    used: dict[str, set[tuple[str, str]]] = {}
    for group in scene.groups.values():
        place, region = scenes.connection(scene, group), group.node.text("placement", "region")
        network = scenes.network(scene, group)
        if place is None or region is None or network is None:
            continue
        if scene.root.get("networks", network, "existing", place[0], region) is None:
            used.setdefault(network, set()).add((place[0], region))
    for name, place_of, found in _declared(scene):
        count = max(len(used.get(name, ())), 1)
        needed = longest_prefix(count)
        if found.prefixlen > needed:
            detail = f"{counted(count, 'region')} {'needs' if count == 1 else 'need'} at least a /{needed}"
            wider = found.supernet(new_prefix=max(needed, SHORTEST_PREFIX))
            yield problem("MCIS213", place_of.span, detail, hint=f"for instance {wider}")


def longest_prefix(regions: int) -> int:
    """The prefix of the smallest range with a block for that many regions."""
    bits = (regions - 1).bit_length()
    return SMALLEST_BLOCK - bits if bits <= SPLIT_BITS else LARGEST_BLOCK - bits


def overlaps(scene: Scene) -> Iterator[Diagnostic]:
    """No two networks share addresses; a network is named with one that it overlaps, not with all."""
    known = sorted(_declared(scene), key=lambda it: (int(it[2].network_address), it[2].prefixlen))
    taken = [found for _, _, found in known]
    base = next((entry.key_span.file for entry in scene.root.entries()), "")
    for widest, one in zip(accumulate(known, _further), known[1:], strict=False):
        if widest[2].overlaps(one[2]):
            # What the overlay says is the news; within one file, what comes later.
            first, later = sorted((widest, one), key=lambda it: (it[1].span.file != base, it[1].span.index))
            yield _overlap(first, later, taken)


Declared = tuple[str, Entry, IPv4Network]


def _further(one: Declared, two: Declared) -> Declared:
    """The network that reaches further."""
    return max(one, two, key=lambda it: int(it[2].broadcast_address))


def _overlap(first: Declared, later: Declared, taken: list[IPv4Network]) -> Diagnostic:
    where = "set here" if first[1].span.file == later[1].span.file else "set here (base manifest)"
    free = _free(later[2], taken) if len(taken) <= FEW else None
    return problem(
        "MCIS212",
        later[1].span,
        f"overlaps {first[2]} of network `{first[0]}`",
        notes=("VMs reach each other across networks, so every range must be distinct",),
        hint="leave `cidr` out to let mcis choose" + (f", or use {free}" if free else ""),
        related=(Related(span=first[1].span, label=where),),
    )


def _free(wanted: IPv4Network, taken: list[IPv4Network]) -> IPv4Network | None:
    """The next range of that size nobody has."""
    size = wanted.num_addresses
    start = int(wanted.network_address)
    for address in islice(range(start + size, 2**32 - size, size), 256):
        free = IPv4Network((address, wanted.prefixlen))
        if free.is_private == wanted.is_private and not any(free.overlaps(other) for other in taken):
            return free
    return None


# ---------------------------------------------------------------- firewalls


def _rules(scene: Scene) -> Iterator[tuple[str, Node]]:
    for entry in scene.entries("firewalls"):
        for rule in entry.node.items():
            if rule.is_map:
                yield entry.key, rule


def _items(rule: Node, field: str) -> tuple[Node, ...]:
    node = rule.get(field)
    return node.items() if node is not None else ()


def rules(scene: Scene) -> Iterator[Diagnostic]:
    """Ports are ports, protocols without ports have none, sources exist."""
    for _, rule in _rules(scene):
        protocol, ports = rule.text("protocol") or "tcp", rule.entry("ports")
        if protocol in {"icmp", "all"} and ports is not None:
            yield problem("MCIS215", ports.key_span, f"{protocol} has no ports; leave them out")
        for port in _items(rule, "ports"):
            yield from _port(port)
        for source in _items(rule, "from"):
            yield from _source(scene, source)


def port_range(value: object) -> tuple[int, int] | None:
    """The inclusive range a port or "low-high" stands for; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value, value
    low, dash, high = value.partition("-") if isinstance(value, str) else ("", "", "")
    return (int(low), int(high)) if dash and low.isdecimal() and high.isdecimal() else None


def _port(node: Node) -> Iterator[Diagnostic]:
    found = port_range(node.value)
    if found is None:
        return
    low, high = found
    if low < 1 or high > MAX_PORT:
        yield problem("MCIS214", node.span, f"ports go from 1 to {MAX_PORT}")
    elif low > high:
        yield problem("MCIS214", node.span, f"did you mean {high}-{low}?")


def _source(scene: Scene, node: Node) -> Iterator[Diagnostic]:
    word = node.value
    if not isinstance(word, str) or word in WORDS:
        return
    kind, _, name = word.partition(":")
    if kind == "group":
        if name not in scene.groups and scene.lists("groups"):
            guess = nearest(name, scene.groups)
            detail = f"did you mean `group:{guess}`?" if guess else f"there is no group `{short(name)}`"
            yield problem("MCIS201", node.span, detail)
    elif word[:1].isdigit() or "/" in word:
        found, meant = cidr(word)
        if found is None:
            detail = f"did you mean {meant}?" if meant else "expected an IPv4 range such as 198.51.100.0/24"
            yield problem("MCIS211", node.span, detail)
    else:
        known = ALSO_CALLED.get(word.lower()) or nearest(word, WORDS)
        guess = f"group:{word}" if word in scene.groups else known
        detail = f"did you mean `{guess}`?" if guess else "no such source"
        note = "from takes: anywhere, me, mcis, group:NAME, a range such as 198.51.100.0/24"
        yield problem("MCIS103", node.span, detail, notes=(note,))


def open_to_internet(scene: Scene) -> Iterator[Diagnostic]:
    """Warn where anybody can reach SSH of a VM with a public address."""
    exposed: dict[str, int] = {}
    for group in scene.groups.values():
        public = group.node.get("public_ip")
        if public is not None and public.value is False:
            continue
        count = group.node.get("count")
        number = count.value if count is not None and isinstance(count.value, int) else 1
        for name in {name for name, _ in scenes.firewalls(group)}:
            exposed[name] = exposed.get(name, 0) + number
    for name, rule in _rules(scene):
        if name in exposed and _reaches_ssh(rule):
            for source in _items(rule, "from"):
                if source.value == "anywhere" or cidr(str(source.value))[0] == EVERYWHERE:
                    yield problem(
                        "MCIS231",
                        source.span,
                        f"port {SSH} reachable from anywhere on {counted(exposed[name], 'VM')}",
                        hint="`from: [me]` is the address that runs mcis; `from: [mcis]` is the other VMs",
                    )


def _reaches_ssh(rule: Node) -> bool:
    protocol = rule.text("protocol") or "tcp"
    ports = [found for port in _items(rule, "ports") if (found := port_range(port.value)) is not None]
    if protocol == "all":
        return True
    everything = rule.entry("ports") is None and not misspelt(rule, "rule", "ports")
    return protocol == "tcp" and (everything or any(low <= SSH <= high for low, high in ports))
