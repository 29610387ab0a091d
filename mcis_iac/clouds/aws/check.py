"""What AWS cannot carry of a manifest, and what is different there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcis_iac.clouds import boot, peers
from mcis_iac.clouds.aws import catalog, network
from mcis_iac.clouds.aws.scope import TAG_KEY_LIMIT, TAG_VALUE_LIMIT, tag_key, tag_value
from mcis_iac.clouds.common import checks
from mcis_iac.clouds.common.checks import existing, problem
from mcis_iac.model import Diagnostic, Group, Mcis, Network, Plan, Severity

UNKNOWN_ZONE = "MCIS241"
USER_DATA = "MCIS260"
KEY_KIND = "MCIS261"
OVER_LIMIT = "MCIS262"
EXISTING = "MCIS263"
UNREACHABLE = "MCIS264"
USER_DATA_LIMIT = 16384
RULES_LIMIT = 60
TAGS_LIMIT = 50
OUR_TAGS = 6  # Name, mcis, namespace, env, group, vm
KEY_KINDS = ("ssh-rsa", "ssh-ed25519")
SAMPLE_VM = "-99999"
SHOWN = 60
# Their disks have no serial number, by which a volume is found in the guest.
WITHOUT_SERIALS = frozenset({"t1", "t2", "m1", "m2", "m3", "m4", "c1", "c3", "c4", "r3", "r4", "i2", "i3"})
NAT_HOURLY_USD = "0.045"
RESERVED = 5  # addresses of every subnet that AWS keeps


def groups_here(mcis: Mcis) -> list[Group]:
    """The groups that run on AWS."""
    return checks.groups_on(mcis, "aws")


def check(mcis: Mcis) -> Iterator[Diagnostic]:
    """Problems by group, in the manifest's order."""
    for group in groups_here(mcis):
        yield from _zone(mcis, group)
        yield from _user_data(mcis, group)
        yield from _key(mcis, group)
        yield from _labels(mcis, group)
        yield from _disks(mcis, group)
        yield from _existing(mcis, group)
        yield from _rules(mcis, group)
        yield from _hidden(mcis, group)
    yield from _small(mcis)
    yield from checks.crowded(mcis, groups_here(mcis), lambda group: _seats(mcis, group))


def notices(mcis: Mcis) -> list[str]:
    """What a user should know before money is spent."""
    here = groups_here(mcis)
    said: list[str] = []
    private = (g for g in here if network.kind_of(g) == "private" and not existing(mcis, g) and g.count)
    for place, names in checks.by_network(private):
        said.append(
            f"aws: {names} without public addresses reach the internet through one NAT "
            f"gateway ({place}), which costs about USD {NAT_HOURLY_USD} an hour and per GB of traffic"
        )
    spot = sorted(group.name for group in here if group.placement.spot)
    if spot:
        said.append(f"aws: spot VMs of {', '.join(spot)} are stopped, not deleted, when AWS takes them back")
    adopted = sorted({group.network for group in here if existing(mcis, group)})
    if adopted:
        said.append(
            f"aws: in network {', '.join(adopted)} the subnets there decide who reaches the internet; "
            "another `public_ip` is for new VMs only"
        )
    return said


# ---------------------------------------------------------------- one VM


def _zone(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    pin = group.placement
    if pin.zone is None and pin.region in catalog.facts().other_regions:
        yield problem(
            mcis,
            group,
            f"groups.{group.name}.placement.region",
            code=UNKNOWN_ZONE,
            summary="unknown zone",
            detail=f"mcis does not know the zones of {pin.region}, so one must be pinned",
            hint=f"add `zone: a`; aws ec2 describe-availability-zones --region {pin.region} lists them",
        )


def _user_data(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    mounts = (boot.Mounted(device="vol-0123456789abcdef0", mount=d.mount) for d in group.disks if d.mount)
    whole = checks.first_boot(mcis, group, mounts, hostname=f"{group.name}{SAMPLE_VM}")
    size = checks.size(boot.cloud_config(whole))
    if size > USER_DATA_LIMIT:
        yield problem(
            mcis,
            group,
            f"groups.{group.name}.setup",
            code=USER_DATA,
            summary="too much for the first boot on AWS",
            detail=f"{size:,} bytes of user data, AWS takes {USER_DATA_LIMIT:,}",
            hint="bring large files with an action, or have `run` fetch them",
        )


def _key(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    kind = checks.key_kind(mcis, group)
    if kind and kind not in KEY_KINDS:
        yield problem(
            mcis,
            group,
            f"keys.{group.key}",
            code=KEY_KIND,
            summary="kind of key not accepted by AWS",
            detail=f"`{kind}`; AWS takes {' and '.join(KEY_KINDS)}",
            hint="ssh-keygen -t ed25519 makes one that every cloud takes",
        )


def _labels(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    labels = list(checks.labels(mcis, group))
    if len(labels) + OUR_TAGS > TAGS_LIMIT:
        detail = f"{len(labels)} labels and {OUR_TAGS} tags of mcis; a resource takes {TAGS_LIMIT} tags"
        yield _over(mcis, group, f"groups.{group.name}.labels", detail, "use fewer labels")
    for name, value, owner in labels:
        if tag_key(name) == name and tag_value(value) == value:
            continue
        yield problem(
            mcis,
            group,
            owner,
            code=OVER_LIMIT,
            severity=Severity.WARNING,
            summary="over a limit of AWS",
            detail=f"label `{name[:SHOWN]}` is cut or has other characters as a tag",
            hint=f"tags have {TAG_KEY_LIMIT} characters and {TAG_VALUE_LIMIT} in their values, letters, "
            "digits, spaces and . : / = + - @ _",
        )


def _over(mcis: Mcis, group: Group, path: str, detail: str, hint: str) -> Diagnostic:
    return problem(
        mcis, group, path, code=OVER_LIMIT, summary="over a limit of AWS", detail=detail, hint=hint
    )


def _disks(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    family = (group.placement.type or "").partition(".")[0]
    if family in WITHOUT_SERIALS and any(disk.mount for disk in group.disks):
        detail = f"{group.placement.type} is too old for data disks to be found and mounted by their id"
        yield _over(mcis, group, f"groups.{group.name}.placement.type", detail, "use a newer type")


# ---------------------------------------------------------------- networks


def _existing(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    given, pin = existing(mcis, group), group.placement
    if given is None:
        return
    path = f"networks.{group.network}.existing.{pin.connection}.{pin.region}"
    subnets = given.get("subnets")
    detail = hint = ""
    if not given.get("vpc") or not subnets:
        detail, hint = "`vpc` and `subnets` are expected", "{vpc: vpc-0abc, subnets: {a: subnet-0abc}}"
    elif isinstance(subnets, Mapping):
        missing = [zone for zone in _zones(group) if zone not in subnets]
        if missing:
            detail = f"no subnet for zone {', '.join(missing)} of {pin.region}"
            hint = "name one, or pin the group's zone"
    elif not isinstance(subnets, list | tuple) or len(subnets) > 1:
        detail, hint = "which zone is each subnet in?", "write subnets: {a: subnet-0abc, b: subnet-0def}"
    elif pin.zone is None:
        detail = f"one subnet is in one zone, but group `{group.name}` has none pinned"
        hint = "write subnets: {a: subnet-0abc} and pin the zone"
    if detail:
        yield problem(
            mcis, group, path, code=EXISTING, summary="existing network not usable", detail=detail, hint=hint
        )


def _zones(group: Group) -> list[str]:
    """The zones a group's VMs are in, as far as the manifest tells."""
    pin = group.placement
    return [pin.zone] if pin.zone else list(catalog.zones(pin.region)[: group.count])


def _small(mcis: Mcis) -> Iterator[Diagnostic]:
    """A zone's private subnet lies in the upper half of the region's block, if that has one."""
    seen: set[tuple[str, str, str]] = set()
    for group in groups_here(mcis):
        pin, declared = group.placement, mcis.networks[group.network]
        place = (group.network, pin.connection, pin.region)
        prefixes = _prefixes(declared)
        if place in seen or declared.cidr is None or existing(mcis, group):
            continue
        here = [g for g in groups_here(mcis) if (g.network, *_place(g)) == place and g.count]
        private = any(network.kind_of(each) == "private" for each in here)
        known = catalog.zones(pin.region)
        used = max((known.index(z) + 1 for g in here for z in _zones(g) if z in known), default=0)
        if private and not network.fits(*prefixes, used):
            seen.add(place)
            yield problem(
                mcis,
                group,
                f"networks.{group.network}.cidr",
                code=checks.NETWORK_TOO_SMALL,
                summary="network too small",
                detail=f"{declared.cidr} has no room for public and private subnets in {used} zones of "
                f"{pin.connection}/{pin.region}",
                hint="use a larger `cidr`, or pin the zone",
            )


def _place(group: Group) -> tuple[str, str]:
    return group.placement.connection, group.placement.region


def _prefixes(declared: Network) -> tuple[int, int]:
    """How long the prefixes of a region's block and of a zone's part are."""
    block = checks.block_prefix(declared)
    return block, min(block + network.SPLIT_BITS, network.SMALLEST_PART)


def _seats(mcis: Mcis, group: Group) -> Mapping[checks.Subnet, int]:
    """How many VMs of a group are in each zone's subnet."""
    pin, (_, prefix) = group.placement, _prefixes(mcis.networks[group.network])
    zones = _zones(group)
    return {
        checks.Subnet(
            group.network,
            f"{pin.connection}/{pin.region} zone {zone} ({network.kind_of(group)} subnet)",
            2 ** (32 - prefix) - RESERVED,
        ): len(range(place, group.count, len(zones)))
        for place, zone in enumerate(zones)
    }


# ---------------------------------------------------------------- firewalls


def _rules(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    plan, count, away = Plan(mcis=mcis, members=(), public_keys={}), 0, 0
    for rule in peers.rules(plan, group):
        count += len(peers.ranges(plan, rule))
        for name in peers.groups(plan, rule) & mcis.groups.keys():
            other = mcis.groups[name]
            here = _same_vpc(mcis, group, other)
            count += min(other.count, 1) if here else other.count
            away += 0 if here else other.count
    if count > RULES_LIMIT:
        path = checks.walls_of(group)
        detail = f"group `{group.name}` needs {count} rules, a security group takes {RULES_LIMIT}"
        one_each = f"{away} of them are for single VMs elsewhere: name their range, or let in fewer groups"
        yield _over(
            mcis, group, path, detail, one_each if away else "name wider ranges of ports or addresses"
        )


def _same_vpc(mcis: Mcis, group: Group, other: Group) -> bool:
    if checks.side_by_side(group, other):
        return True
    if _place(group) != _place(other):
        return False
    mine, theirs = existing(mcis, group), existing(mcis, other)
    return bool(mine and theirs and mine.get("vpc") == theirs.get("vpc"))


def _hidden(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    """Members elsewhere are known by their public addresses; some have none."""
    return checks.unreachable(
        mcis, group, lambda other: _same_vpc(mcis, group, other), code=UNREACHABLE, outside="VPC"
    )
