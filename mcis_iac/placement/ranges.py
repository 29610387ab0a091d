"""Cutting a network's range: a block per connection and region, a part of it per zone.

A block once given stays (the lock keeps it), because moving one replaces the network under running
VMs. A region that is no longer used keeps its block until the space is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from itertools import chain

# A block is a /20 and a zone's part a /24 where the range allows it; small ranges are cut into up to
# 16 blocks, none smaller than a /26 with four parts of 16 addresses, the least a cloud accepts.
LARGEST_BLOCK = 20
SMALLEST_BLOCK = 26
SMALLEST_PART = 28
SPLIT_BITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The blocks of one network by place (`connection/region`); `left_out` found no room."""

    blocks: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


# Where networks without a range get theirs: no cloud's default network lies there (Google's automatic
# ones are 10.128.0.0/9, others begin at 10.0 or 172.16), and a /14 has room for 64 regions.
POOL = "10.32.0.0/11"
CHOSEN_PREFIX = 14


def choose(taken: Iterable[str], given: Mapping[str, str]) -> str | None:
    """A range for a network without one: the one its blocks in the lock lie in, else a free one.

    `taken` are the ranges of the other networks. None = the pool is used up.
    """
    others = [IPv4Network(cidr) for cidr in taken]
    candidates = list(IPv4Network(POOL).subnets(new_prefix=CHOSEN_PREFIX))
    blocks = [IPv4Network(block) for block in given.values()]
    before = [one for one in candidates if any(block.subnet_of(one) for block in blocks)]
    free = (one for one in candidates if not any(one.overlaps(other) for other in others))
    found = next(chain(before, free), None)
    return None if found is None else str(found)


def block_prefix(network: IPv4Network) -> int:
    """How long the prefix of a block in that network is."""
    return max(LARGEST_BLOCK, min(network.prefixlen + SPLIT_BITS, SMALLEST_BLOCK))


def cut(cidr: str, places: Iterable[str], given: Mapping[str, str]) -> Cut:
    """A block for every place; `given` are the blocks of the lock, kept while they lie inside `cidr`."""
    network = IPv4Network(cidr)
    wanted = list(places)
    kept = {place: block for place, block in given.items() if IPv4Network(block).subnet_of(network)}
    missing = [place for place in wanted if place not in kept]
    size = block_prefix(network)
    if network.prefixlen > size:
        return Cut(blocks=kept, left_out=tuple(missing))
    free = _free(network, size, kept.values(), len(missing))
    if len(free) < len(missing):
        kept = {place: block for place, block in kept.items() if place in wanted}
        free = _free(network, size, kept.values(), len(missing))
    found = {place: str(block) for place, block in zip(missing, free, strict=False)}
    return Cut(blocks=kept | found, left_out=tuple(missing[len(free) :]))


def _free(network: IPv4Network, size: int, taken: Iterable[str], count: int) -> list[IPv4Network]:
    used = [IPv4Network(block) for block in taken]
    free: list[IPv4Network] = []
    for block in network.subnets(new_prefix=size):
        if len(free) == count:
            break
        if not any(block.overlaps(other) for other in used):
            free.append(block)
    return free


def part(block: str, zone: str, zones: Sequence[str]) -> str | None:
    """The part of a block that a zone has, by its place in the region's list.

    None = no room or no such zone: then the cloud chooses.
    """
    whole = IPv4Network(block)
    size = min(whole.prefixlen + SPLIT_BITS, SMALLEST_PART)
    index = zones.index(zone) if zone in zones else None
    if index is None or size < whole.prefixlen or index >= 2 ** (size - whole.prefixlen):
        return None
    step: int = 2 ** (32 - size)
    return f"{whole.network_address + index * step}/{size}"
