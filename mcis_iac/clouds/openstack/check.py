"""What an OpenStack cannot do of a manifest, or does differently. Works offline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcis_iac.clouds.common import checks
from mcis_iac.clouds.common.checks import problem
from mcis_iac.clouds.openstack import firstboot, labels, settings
from mcis_iac.model import Diagnostic, Group, Mcis, Severity
from mcis_iac.program import naming

NO_EXTERNAL_NETWORK = "MCIS275"
TOO_MUCH_USER_DATA = "MCIS276"
NO_SPOT = "MCIS277"
NOT_ACCEPTED = "MCIS278"
UNSEEN_ADDRESS = "MCIS279"
RESERVED = 4  # of every subnet: its own address, the broadcast one, the router's and that of DHCP
KEY_KINDS = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")


def check(mcis: Mcis) -> Iterator[Diagnostic]:
    """Problems by group, in the manifest's order."""
    for group in checks.groups_on(mcis, "openstack"):
        yield from _address(mcis, group)
        yield from _setup(mcis, group)
        yield from _spot(mcis, group)
        yield from _key(mcis, group)
        yield from _sources(mcis, group)
        yield from _labels(mcis, group)
    yield from _existing(mcis)
    here = checks.groups_on(mcis, "openstack")
    yield from checks.crowded(mcis, here, lambda group: _seats(mcis, group))


def notices(mcis: Mcis) -> list[str]:
    """What a user should know before the first `up`."""
    here = checks.groups_on(mcis, "openstack")
    return [*_about_addresses(mcis, here), *_about_disks(mcis, here), *_about_labels(mcis, here)]


def _about_addresses(mcis: Mcis, here: list[Group]) -> Iterator[str]:
    floating = sorted(group.name for group in here if group.public_ip == "ephemeral")
    if floating:
        names = ", ".join(floating)
        yield f"openstack: public addresses of {names} are floating ones, which stay until the VM goes"
    shut = sorted(g.name for g in here if g.public_ip == "none" and not _has_way_out(mcis, g))
    if shut:
        names = ", ".join(shut)
        yield f"openstack: without an external network VMs of {names} reach nothing outside their network"


def _about_disks(mcis: Mcis, here: list[Group]) -> Iterator[str]:
    unmapped = {
        disk.type
        for group in here
        for disk in (*((group.disk,) if group.disk.size_gib else ()), *group.disks)
        if disk.type != "balanced"
        and settings.volume_type(mcis.connections[group.placement.connection], disk) is None
    }
    if unmapped:
        words = ", ".join(sorted(unmapped))
        yield f"openstack: disks of type {words} get the cloud's default volume type (see `volume_types`)"


def _about_labels(mcis: Mcis, here: list[Group]) -> Iterator[str]:
    long = {
        name
        for group in here
        for name, value in (*mcis.labels.items(), *group.labels.items())
        if not labels.fits(name, value)
    }
    if long:
        words = ", ".join(sorted(long))
        yield f"openstack: label {words} is too long for network tags, so only VMs and volumes have it"


def _has_way_out(mcis: Mcis, group: Group) -> bool:
    pin = group.placement
    connection = mcis.connections[pin.connection]
    if settings.existing(mcis, group.network, connection, pin.region) is not None:
        return True
    return settings.leads_outside(connection, pin.region)


def _address(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    pin = group.placement
    connection = mcis.connections[pin.connection]
    if group.public_ip == "none" or settings.external_network(connection, pin.region) is not None:
        return
    yield problem(
        mcis,
        group,
        f"groups.{group.name}.public_ip",
        code=NO_EXTERNAL_NETWORK,
        summary="no external network",
        detail=f"connection `{connection.name}` names no network for public addresses in {pin.region}",
        hint=f"add `external_network: NAME` to connections.{connection.name} "
        "(`openstack network list --external` lists them), or set `public_ip: false`",
    )


def _setup(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    key = checks.SAMPLE_KEY
    public_key = checks.public_key(mcis, group) or key.public
    bytes_used = firstboot.size(group, checks.last_vm(group), public_key, key)
    if bytes_used > firstboot.LIMIT:
        yield problem(
            mcis,
            group,
            f"groups.{group.name}.setup",
            code=TOO_MUCH_USER_DATA,
            summary="setup too large for OpenStack",
            detail=f"{bytes_used:,} bytes of first-boot instructions; OpenStack takes {firstboot.LIMIT:,}",
            hint="fetch large files in `setup.run` instead of writing them into the manifest",
        )


def _spot(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    if group.placement.spot:
        yield problem(
            mcis,
            group,
            f"groups.{group.name}.placement.spot",
            code=NO_SPOT,
            summary="no spot VMs on OpenStack",
            detail="OpenStack sells no capacity that it may take back",
            hint="leave `spot` out",
        )


def _key(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    kind = checks.key_kind(mcis, group)
    if kind and kind not in KEY_KINDS:
        yield Diagnostic(
            code=NOT_ACCEPTED,
            severity=Severity.ERROR,
            summary="not accepted by OpenStack",
            detail=f"key `{group.key}` is of kind {kind}, which key pairs cannot be",
            notes=(f"kinds it accepts: {', '.join(KEY_KINDS)}",),
            span=mcis.span(f"keys.{group.key}"),
            group=group.name,
        )


def _existing(mcis: Mcis) -> Iterator[Diagnostic]:
    used = {
        (g.network, g.placement.connection, g.placement.region) for g in checks.groups_on(mcis, "openstack")
    }
    for network, connection, region in sorted(used):
        words = settings.existing(mcis, network, mcis.connections[connection], region)
        if words is None or (words.get("network") and words.keys() <= {"network", "subnet"}):
            continue
        yield Diagnostic(
            code=NOT_ACCEPTED,
            severity=Severity.ERROR,
            summary="not accepted by OpenStack",
            detail="an existing network is `{network: ID}` or `{network: ID, subnet: ID}`",
            hint="`openstack network list` shows the ids",
            span=mcis.span(f"networks.{network}.existing.{connection}.{region}"),
        )


def _sources(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    """A group elsewhere without public addresses shows none that a rule here could name."""
    for wall, other in checks.hidden(mcis, group, lambda other: checks.side_by_side(group, other)):
        yield problem(
            mcis,
            group,
            f"firewalls.{wall.name}",
            code=UNSEEN_ADDRESS,
            severity=Severity.WARNING,
            summary="firewall source without a public address",
            detail=f"packets of group `{other.name}` arrive from an address that is not known here",
            hint=f"give {other.name} public addresses, or name the address it leaves its network by",
        )


def _labels(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    theirs = len(list(checks.labels(mcis, group)))
    tags = naming.tags(mcis, group=group.name, vm=checks.last_vm(group), labels=group.labels)
    whole = len(labels.metadata(tags))
    if whole > labels.ITEMS_LIMIT:
        yield problem(
            mcis,
            group,
            f"groups.{group.name}.labels",
            code=NOT_ACCEPTED,
            summary="not accepted by OpenStack",
            detail=f"{theirs} labels and {whole - theirs} of mcis; "
            f"a server takes {labels.ITEMS_LIMIT} metadata items",
            hint="use fewer labels",
        )


def _seats(mcis: Mcis, group: Group) -> Mapping[checks.Subnet, int]:
    """All zones of a region share a subnet."""
    pin, prefix = group.placement, checks.block_prefix(mcis.networks[group.network])
    place = f"{pin.connection}/{pin.region}"
    return {checks.Subnet(group.network, place, 2 ** (32 - prefix) - RESERVED): group.count}
