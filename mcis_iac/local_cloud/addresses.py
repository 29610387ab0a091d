"""Address arithmetic of the local cloud: regions of the pool, blocks of subnets, free hosts.

Pure functions over ranges and sets of used addresses; nothing here knows the database.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, ip_network

from mcis_iac.local_cloud.types import LocalCloudError

REGION_PREFIX = 20
BLOCK_PREFIX = 24
FIRST_HOST = 4  # below it: network, gateway and two spare
TOP_SPARE = 2  # .254 and broadcast


def parse(cidr: str) -> IPv4Network:
    """A range as the user wrote it; LocalCloudError("invalid") says what is wrong."""
    try:
        found = ip_network(cidr, strict=True)
    except ValueError as error:
        raise LocalCloudError(code="invalid", message=f"{cidr!r} is not a network range: {error}") from error
    if not isinstance(found, IPv4Network):
        raise LocalCloudError(code="invalid", message=f"{cidr!r} is not an IPv4 range")
    return found


def region_range(pool: IPv4Network, index: int) -> IPv4Network:
    """The region's /20 of the pool."""
    step = 1 << (32 - REGION_PREFIX)
    found = IPv4Network((int(pool.network_address) + index * step, REGION_PREFIX))
    if not found.subnet_of(pool):
        raise LocalCloudError(
            code="capacity", message=f"the pool {pool} is too small for region number {index}"
        )
    return found


def free_block(within: IPv4Network, taken: Iterable[IPv4Network]) -> IPv4Network | None:
    """The first /24 (or all of a smaller range) that meets nothing in `taken`; None = full."""
    prefix = max(BLOCK_PREFIX, within.prefixlen)
    near = [block for block in taken if block.overlaps(within)]
    return next((b for b in within.subnets(new_prefix=prefix) if not any(b.overlaps(t) for t in near)), None)


def hosts(block: IPv4Network) -> Iterator[int]:
    """Usable addresses of a range, ascending; a range wider than /24 is used /24 by /24."""
    start, end = int(block.network_address), int(block.broadcast_address) + 1
    step = min(end - start, 256)
    for base in range(start, end, step):
        yield from range(base + FIRST_HOST, base + step - TOP_SPARE)


def first_free(blocks: Iterable[IPv4Network], used: Container[int]) -> IPv4Address | None:
    """The lowest free host of the first range that has one; None = all are full."""
    return next((IPv4Address(host) for block in blocks for host in hosts(block) if host not in used), None)


def last_free(block: IPv4Network, used: Container[int]) -> IPv4Address | None:
    """The highest free host: reserved addresses start far from those of instances."""
    found = None
    for part in reversed(list(block.subnets(new_prefix=max(BLOCK_PREFIX, block.prefixlen)))):
        found = next((host for host in reversed(list(hosts(part))) if host not in used), None)
        if found is not None:
            return IPv4Address(found)
    return None


def public_for(
    private: IPv4Address, pools: tuple[IPv4Network, IPv4Network], region: IPv4Network, used: Container[int]
) -> IPv4Address | None:
    """The public address with the same host part as the private one, else the first free of `region`.

    `pools` are the private and the public pool; `region` is the region's public range.
    """
    inside, outside = pools
    if private in inside:
        twin = int(outside.network_address) + int(private) - int(inside.network_address)
        if IPv4Address(twin) in outside and twin not in used:
            return IPv4Address(twin)
    return first_free([region], used)


def mac_of(private: IPv4Address) -> str:
    """The fixed hardware address that goes with a private address."""
    return "02:01:" + ":".join(f"{byte:02x}" for byte in private.packed)
