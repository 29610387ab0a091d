"""What Azure cannot carry of a manifest, and what is different there."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

from mcis_iac.clouds import boot, peers
from mcis_iac.clouds.azure import facts, labels, machine, network, pictures
from mcis_iac.clouds.common import checks
from mcis_iac.clouds.common.checks import existing, problem
from mcis_iac.model import Diagnostic, Group, Mcis, Plan, Severity

CUSTOM_DATA = "MCIS270"
LOGIN = "MCIS271"
OVER_LIMIT = "MCIS272"
OWN = "MCIS273"
UNREACHABLE = "MCIS274"
CUSTOM_DATA_LIMIT = 65_535
USER_LIMIT = 64
ADDRESSES_LIMIT = 4_000
RULES_LIMIT = 1_000
RSA_BITS = 2_048
KEY_KINDS = ("ssh-rsa", "ssh-ed25519")
DISK_LIMIT_GIB = 32_767
RESERVED = 5  # addresses of every subnet that Azure keeps


def check(mcis: Mcis) -> Iterator[Diagnostic]:
    """Problems by group, in the manifest's order."""
    for group in checks.groups_on(mcis, "azure"):
        yield from _custom_data(mcis, group)
        yield from _user(mcis, group)
        yield from _key(mcis, group)
        yield from _labels(mcis, group)
        yield from _disks(mcis, group)
        yield from _spot(mcis, group)
        yield from _image(mcis, group)
        yield from _network(mcis, group)
        yield from _addresses(mcis, group)
        yield from _hidden(mcis, group)
    here = checks.groups_on(mcis, "azure")
    yield from checks.crowded(mcis, here, lambda group: _seats(mcis, group))


def notices(mcis: Mcis) -> list[str]:
    """What a user should know before money is spent or Azure refuses."""
    here = checks.groups_on(mcis, "azure")
    said: list[str] = []
    private = (g for g in here if g.public_ip == "none" and g.count and existing(mcis, g) is None)
    for place, names in checks.by_network(private):
        said.append(
            f"azure: {names} without public addresses reach the internet through one NAT "
            f"gateway ({place}), which costs by the hour and by traffic"
        )
    spot = sorted(group.name for group in here if group.placement.spot)
    if spot:
        said.append(
            f"azure: spot VMs of {', '.join(spot)} are deallocated, not deleted, when Azure takes them back"
        )
    for urn in sorted({urn for group in here for urn in _with_terms(mcis, group)}):
        said.append(
            f"azure: the terms of image {urn} must be accepted once per subscription: "
            f"az vm image terms accept --urn {urn}:latest"
        )
    return said


def _with_terms(mcis: Mcis, group: Group) -> Iterator[str]:
    own = pictures.entry(mcis, group.image)
    if own is None and pictures.has_plan(group.image):
        urn = pictures.urn_of(group.image, facts.arch(group.placement.type or facts.DEFAULT_TYPE))
        if urn:
            yield urn
    elif own and own.get("plan") is True and isinstance(own.get("urn"), str):
        yield str(own["urn"]).rpartition(":")[0]


# ---------------------------------------------------------------- one VM


def _custom_data(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    mounts = machine.mounts(group, group.placement.type or facts.DEFAULT_TYPE)
    size = checks.size(boot.cloud_config(checks.first_boot(mcis, group, mounts)))
    if size > CUSTOM_DATA_LIMIT:
        yield problem(
            mcis,
            group,
            f"groups.{group.name}.setup",
            code=CUSTOM_DATA,
            summary="too much for the first boot on Azure",
            detail=f"{size:,} bytes of custom data, Azure takes {CUSTOM_DATA_LIMIT:,}",
            hint="bring large files with an action, or have `run` fetch them",
        )


def _user(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    detail = ""
    if group.user.lower() in facts.table("users")["refused"]:
        detail = f"Azure makes no user `{group.user}`"
    elif len(group.user) > USER_LIMIT:
        detail = f"{len(group.user)} characters, Azure takes {USER_LIMIT}"
    elif group.user.endswith("."):
        detail = f"`{group.user}` ends with a dot"
    if detail:
        yield _login(
            mcis, group, f"groups.{group.name}.user", detail, "leave it out for `mcis`, or choose another"
        )


def _key(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    kind, _, rest = checks.public_key(mcis, group).partition(" ")
    detail = ""
    if kind and kind not in KEY_KINDS:
        detail = f"`{kind}`; Azure takes {' and '.join(KEY_KINDS)}"
    elif kind == "ssh-rsa" and 0 < _bits(rest) < RSA_BITS:
        detail = f"RSA with {_bits(rest):,} bits; Azure takes {RSA_BITS:,} and more"
    if detail:
        hint = "ssh-keygen -t ed25519 makes one that every cloud takes"
        yield _login(mcis, group, f"keys.{group.key}", detail, hint)


def _bits(rest: str) -> int:
    """The length of an RSA key's modulus, the third of its fields; 0 for what is no such key."""
    try:
        blob = base64.b64decode(rest.split(maxsplit=1)[0], validate=True)
    except (ValueError, IndexError):
        return 0
    for _ in range(2):
        blob = blob[4 + int.from_bytes(blob[:4], "big") :]
    length = int.from_bytes(blob[:4], "big")
    return int.from_bytes(blob[4 : 4 + length], "big").bit_length()


def _login(mcis: Mcis, group: Group, path: str, detail: str, hint: str) -> Diagnostic:
    return problem(
        mcis, group, path, code=LOGIN, summary="login not accepted by Azure", detail=detail, hint=hint
    )


def _labels(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    found = list(checks.labels(mcis, group))
    if len(found) + labels.OURS > labels.TAGS_LIMIT:
        detail = f"{len(found)} labels and {labels.OURS} tags of mcis; a resource takes {labels.TAGS_LIMIT}"
        yield _over(mcis, group, f"groups.{group.name}.labels", detail, "use fewer labels")
    for name, value, owner in found:
        if labels.tag_name(name) != name or labels.tag_value(value) != value:
            detail = f"label `{name[:60]}` is cut or has other characters as a tag"
            hint = (
                f"tag names have {labels.NAME_LIMIT} characters without < > % & \\ ? /, "
                f"values {labels.VALUE_LIMIT}"
            )
            yield _over(mcis, group, owner, detail, hint, severity=Severity.WARNING)


def _disks(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    size = group.placement.type or facts.DEFAULT_TYPE
    path = f"groups.{group.name}"
    fast = group.disk.type == "fast" or any(disk.type == "fast" for disk in group.disks)
    if fast and not facts.takes_premium(size):
        detail = f"{size} cannot have disks of type fast (Premium SSD)"
        yield _over(mcis, group, f"{path}.placement.type", detail, "take a size with an s, such as D2s_v5")
    if len(group.disks) > len(machine.LUNS):
        detail = f"{len(group.disks)} data disks, a VM takes {len(machine.LUNS)} at most"
        yield _over(mcis, group, f"{path}.disks", detail, "use fewer and larger ones")
    for position, disk in enumerate(group.disks):
        if (disk.size_gib or 0) > DISK_LIMIT_GIB:
            detail = f"{disk.size_gib:,} GiB, a disk has {DISK_LIMIT_GIB:,} at most"
            yield _over(mcis, group, f"{path}.disks.{position}.size", detail, "use several disks")


def _spot(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    size = group.placement.type or facts.DEFAULT_TYPE
    if group.placement.spot and facts.is_burstable(size):
        detail = f"{size} is not sold as spot, no size of its series is"
        hint = "pin a type of another series, such as Standard_D2s_v5"
        yield _over(mcis, group, f"groups.{group.name}.placement", detail, hint)


def _over(
    mcis: Mcis, group: Group, path: str, detail: str, hint: str, *, severity: Severity = Severity.ERROR
) -> Diagnostic:
    return problem(
        mcis, group, path, code=OVER_LIMIT, summary="over a limit of Azure", detail=detail, hint=hint,
        severity=severity,
    )  # fmt: skip


# ---------------------------------------------------------------- what the user already has


def _image(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    own = pictures.entry(mcis, group.image)
    if own is None or not own:
        return
    urn, id_ = own.get("urn"), own.get("id")
    detail = ""
    if (urn is None) == (id_ is None):
        detail = "either `urn` or `id` is expected"
    elif urn is not None and (
        not isinstance(urn, str) or len(list(filter(None, urn.split(":")))) != pictures.PARTS
    ):
        detail = f"`{urn}` is not publisher:offer:sku:version"
    elif id_ is not None and not str(id_).startswith("/"):
        detail = f"`{id_}` is no resource id"
    if detail:
        hint = 'urn: "Canonical:ubuntu-24_04-lts:server:latest", or id: /subscriptions/.../images/base'
        yield _owned(mcis, group, f"images.{group.image}.azure", detail, hint)


def _network(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    given, pin = existing(mcis, group), group.placement
    if given is None:
        return
    subnets = [str(given[name]) for name in ("subnet", "private_subnet") if given.get(name)]
    named = all(given.get(name) for name in ("resource_group", "vnet"))
    account = given.get("subscription") or mcis.connections[pin.connection].settings.get("subscription")
    detail = ""
    if not given.get("subnet"):
        detail = "`subnet` is expected"
    elif not all(subnet.startswith("/") for subnet in subnets):
        if not named:
            detail = "a subnet's name needs `resource_group` and `vnet` beside it"
        elif not account:
            detail = f"`subscription` is expected, here or in connection `{pin.connection}`"
    if detail:
        path = f"networks.{group.network}.existing.{pin.connection}.{pin.region}"
        yield _owned(mcis, group, path, detail, "{resource_group: hub, vnet: corp, subnet: servers}")


def _owned(mcis: Mcis, group: Group, path: str, detail: str, hint: str) -> Diagnostic:
    return problem(
        mcis, group, path, code=OWN, summary="not named as Azure needs it", detail=detail, hint=hint
    )


def _seats(mcis: Mcis, group: Group) -> Mapping[checks.Subnet, int]:
    """All VMs of a group are in one half of the region's block, those without an address in the other."""
    pin, prefix = group.placement, checks.block_prefix(mcis.networks[group.network]) + 1
    half = network.PRIVATE if group.public_ip == "none" else network.PUBLIC
    place = f"{pin.connection}/{pin.region} ({half} subnet)"
    return {checks.Subnet(group.network, place, 2 ** (32 - prefix) - RESERVED): group.count}


# ---------------------------------------------------------------- firewalls


def _addresses(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    plan = Plan(mcis=mcis, members=(), public_keys={})
    count, rules = 0, 1  # the last rule closes what no other allows
    for rule in peers.rules(plan, group):
        ranges = peers.ranges(plan, rule)
        named = [mcis.groups[name] for name in peers.groups(plan, rule) & mcis.groups.keys()]
        beside = sum(checks.side_by_side(group, other) for other in named)
        away = [other.count for other in named if other.count and not checks.side_by_side(group, other)]
        count += len(ranges) + sum(away)
        rules += bool(ranges) + (1 if "mcis" in rule.sources else beside) + len(away)
    path = checks.walls_of(group)
    if count > ADDRESSES_LIMIT:
        detail = f"{count:,} addresses for group `{group.name}`, a security group takes {ADDRESSES_LIMIT:,}"
        yield _over(mcis, group, path, detail, "name ranges, or let in fewer groups of other places")
    if rules > RULES_LIMIT:
        detail = f"group `{group.name}` needs {rules:,} rules, a security group takes {RULES_LIMIT:,}"
        yield _over(mcis, group, path, detail, "name wider ranges of ports, or let in fewer groups")


def _hidden(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    """Members elsewhere are known by their public addresses; some have none."""
    return checks.unreachable(
        mcis, group, lambda other: checks.side_by_side(group, other), code=UNREACHABLE, outside="network"
    )
