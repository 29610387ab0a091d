"""What the checks of all clouds ask of a manifest, and how a problem of a group is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from mcis_iac.clouds import boot
from mcis_iac.model import Diagnostic, Firewall, Group, HostKey, Mcis, Network, Severity
from mcis_iac.program import naming

# What stands in for what is not known before `up`: keys of the length that real ones have.
SAMPLE_KEY = HostKey(public=f"ssh-ed25519 {'A' * 68}", private="\n".join(["A" * 70] * 5 + ["-" * 36] * 2))

NETWORK_TOO_SMALL = "MCIS246"
# What a network has for each connection and region: a /20, in small ones a 16th, at least a /26.
LARGEST_BLOCK, SMALLEST_BLOCK, SPLIT_BITS = 20, 26, 4


def groups_on(mcis: Mcis, cloud: str) -> list[Group]:
    """The groups that run on a cloud, in the manifest's order."""
    return [g for g in mcis.groups.values() if mcis.connections[g.placement.connection].cloud == cloud]


def problem(
    mcis: Mcis,
    group: Group,
    path: str,
    *,
    code: str,
    summary: str,
    detail: str,
    hint: str = "",
    severity: Severity = Severity.ERROR,
) -> Diagnostic:
    """A problem of a group at a path of the manifest."""
    return Diagnostic(
        code=code,
        severity=severity,
        summary=summary,
        detail=detail,
        hint=hint,
        span=mcis.span(path),
        group=group.name,
    )


# ---------------------------------------------------------------- one VM


def first_boot(
    mcis: Mcis, group: Group, mounts: Iterable[boot.Mounted] = (), hostname: str = ""
) -> boot.FirstBoot:
    """What a VM of the group will be told, as long as it will be."""
    return boot.FirstBoot(
        setup=group.setup,
        user=group.user,
        public_key=public_key(mcis, group) or SAMPLE_KEY.public,
        host_key=SAMPLE_KEY,
        mounts=tuple(mounts),
        hostname=hostname,
    )


def last_vm(group: Group) -> str:
    """The group's VM with the longest name."""
    return naming.vm(group.name, max(group.count, 1))


def size(text: str) -> int:
    """The bytes of a text, whatever is in it."""
    return len(text.encode("utf-8", "surrogatepass"))


def public_key(mcis: Mcis, group: Group) -> str:
    """The group's key as far as it is known; "" where it is made later."""
    key = mcis.keys.get(group.key)
    return ((key.public_key if key else None) or "").strip()


def key_kind(mcis: Mcis, group: Group) -> str:
    """The kind of the group's key, such as `ssh-ed25519`; "" where it is not known."""
    return public_key(mcis, group).partition(" ")[0]


def labels(mcis: Mcis, group: Group) -> Iterator[tuple[str, str, str]]:
    """The labels a group's resources get: name, value, and where the manifest has it."""
    for name, value in {**mcis.labels, **group.labels}.items():
        yield name, value, f"groups.{group.name}.labels.{name}" if name in group.labels else f"labels.{name}"


# ---------------------------------------------------------------- networks and firewalls


def existing(mcis: Mcis, group: Group) -> Mapping[str, Any] | None:
    """The user's words for the group's network where it is there already; none of them for no map."""
    pin = group.placement
    found = mcis.networks[group.network].existing.get(pin.connection, {}).get(pin.region)
    return found if found is None or isinstance(found, Mapping) else {}


def by_network(groups: Iterable[Group]) -> list[tuple[str, str]]:
    """Where such groups are and their names, both as text: one row per network and place."""
    found: dict[str, list[str]] = {}
    for group in groups:
        place = f"{group.placement.connection}/{group.placement.region}, network {group.network}"
        found.setdefault(place, []).append(group.name)
    return [(place, ", ".join(sorted(names))) for place, names in sorted(found.items())]


def block_prefix(network: Network) -> int:
    """How long the prefix of a network's part in a region is."""
    if network.cidr is None:
        return LARGEST_BLOCK
    return max(LARGEST_BLOCK, min(IPv4Network(network.cidr).prefixlen + SPLIT_BITS, SMALLEST_BLOCK))


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet mcis makes: its network, where it is in words, and for how many VMs it has addresses."""

    network: str
    place: str
    room: int


def crowded(
    mcis: Mcis, groups: Iterable[Group], seats: Callable[[Group], Mapping[Subnet, int]]
) -> Iterator[Diagnostic]:
    """Subnets with fewer addresses than VMs; `seats` says how many VMs of a group are in each."""
    taken: dict[Subnet, int] = {}
    for group in groups:
        if not group.count or existing(mcis, group) is not None:
            continue
        for subnet, vms in seats(group).items():
            before = taken.get(subnet, 0)
            taken[subnet] = before + vms
            if before <= subnet.room < taken[subnet]:
                yield problem(
                    mcis,
                    group,
                    f"groups.{group.name}.count",
                    code=NETWORK_TOO_SMALL,
                    summary="network too small",
                    detail=f"{taken[subnet]:,} VMs in {subnet.place}, where network `{subnet.network}` has "
                    f"{subnet.room:,} addresses for them",
                    hint="place some of them in other zones or regions"
                    if block_prefix(mcis.networks[group.network]) == LARGEST_BLOCK
                    else "use a larger `cidr`, or place some of them in other zones or regions",
                )


def side_by_side(group: Group, other: Group) -> bool:
    """Whether two groups are in the same network and place."""
    mine, theirs = group.placement, other.placement
    place = (mine.connection, mine.region, group.network)
    return place == (theirs.connection, theirs.region, other.network)


def sources(mcis: Mcis, group: Group) -> Iterator[tuple[Firewall, Group]]:
    """The groups that the group's firewalls name."""
    for wall in (mcis.firewalls[name] for name in group.firewalls):
        named = {source.removeprefix("group:") for rule in wall.rules for source in rule.sources}
        yield from ((wall, mcis.groups[name]) for name in sorted(named & mcis.groups.keys()))


def hidden(mcis: Mcis, group: Group, beside: Callable[[Group], bool]) -> Iterator[tuple[Firewall, Group]]:
    """Of those the ones elsewhere that no public address tells from others."""
    for wall, other in sources(mcis, group):
        if other.public_ip == "none" and other.count and not beside(other):
            yield wall, other


def unreachable(
    mcis: Mcis, group: Group, beside: Callable[[Group], bool], *, code: str, outside: str
) -> Iterator[Diagnostic]:
    """Members elsewhere are known by their public addresses; some have none."""
    for wall, other in hidden(mcis, group, beside):
        yield problem(
            mcis,
            group,
            f"firewalls.{wall.name}",
            code=code,
            severity=Severity.WARNING,
            summary="firewall source without a public address",
            detail=f"group `{other.name}` is outside this {outside} and known by its private addresses, "
            "which do not arrive over the internet",
            hint=f"give `{other.name}` a public_ip, or connect the networks with a vpn service",
        )


def walls_of(group: Group) -> str:
    """Where the manifest says what may come in to a group."""
    return f"firewalls.{group.firewalls[0]}" if group.firewalls else f"groups.{group.name}"
