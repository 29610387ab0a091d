"""What Google Cloud cannot do of a manifest, or does differently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mcis_iac.clouds.common import checks
from mcis_iac.clouds.common.checks import existing, problem
from mcis_iac.clouds.gcp import catalogue, labels
from mcis_iac.clouds.gcp.machine import first_boot
from mcis_iac.model import Diagnostic, Disk, Group, Mcis, Severity
from mcis_iac.program import naming

TOO_LARGE = "MCIS265"
UNNAMED_SOURCE = "MCIS266"
BAD_DISK = "MCIS267"
BAD_IMAGE = "MCIS268"
BAD_NETWORK = "MCIS269"
OVER_LIMIT = "MCIS280"
IMAGE_WORDS = ("id", "name", "family")
RESERVED = 4  # addresses of every subnetwork that Google keeps


def check(mcis: Mcis) -> Iterator[Diagnostic]:
    """Problems by group, in the manifest's order."""
    for group in checks.groups_on(mcis, "gcp"):
        yield from _image(mcis, group)
        yield from _network(mcis, group)
        yield from _first_boot(mcis, group)
        yield from _disks(mcis, group)
        yield from _sources(mcis, group)
        yield from _labels(mcis, group)
    here = checks.groups_on(mcis, "gcp")
    yield from checks.crowded(mcis, here, lambda group: _seats(mcis, group))


def notices(mcis: Mcis) -> list[str]:
    """What a user should know before the first boot."""
    here = checks.groups_on(mcis, "gcp")
    said: list[str] = []
    spot = sorted(group.name for group in here if group.placement.spot)
    if spot:
        said.append(
            f"gcp: spot VMs of {', '.join(spot)} are stopped, not deleted, when Google wants them back"
        )
    changed = sorted({key for g in here for key in labels.changed(naming.tags(mcis, labels=g.labels))})
    if changed:
        said.append(
            f"gcp: labels are lower case there, with `_` for other characters: {', '.join(changed)} differ"
        )
    bound = sorted({g.name for g in here if g.public_ip == "none" and existing(mcis, g) is not None})
    if bound:
        said.append(
            f"gcp: {', '.join(bound)} reach the internet only if the existing network has a Cloud NAT"
        )
    return said


def _image(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    entry = mcis.images[group.image].by_cloud.get("gcp") if group.image in mcis.images else None
    if entry is None or sum(word in entry for word in IMAGE_WORDS) == 1:
        return
    yield problem(
        mcis,
        group,
        f"images.{group.image}.gcp",
        code=BAD_IMAGE,
        summary="image cannot be used on gcp",
        detail="one of `family: NAME`, `name: NAME` or `id: projects/P/global/images/NAME` is expected",
        hint="`project: NAME` beside family or name says whose image it is",
    )


def _network(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    given, pin = existing(mcis, group), group.placement
    if given is None or given.get("network"):
        return
    yield problem(
        mcis,
        group,
        f"networks.{group.network}.existing.{pin.connection}.{pin.region}",
        code=BAD_NETWORK,
        summary="existing network is not named",
        detail="`network: NAME` is expected",
        hint="`subnetwork: NAME` when it is called otherwise, `project: NAME` when it is another project's",
    )


def _seats(mcis: Mcis, group: Group) -> Mapping[checks.Subnet, int]:
    """The zones of a region share a subnetwork."""
    pin, prefix = group.placement, checks.block_prefix(mcis.networks[group.network])
    place = f"{pin.connection}/{pin.region}"
    return {checks.Subnet(group.network, place, 2 ** (32 - prefix) - RESERVED): group.count}


def _labels(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    theirs = len(list(checks.labels(mcis, group)))
    vm = checks.last_vm(group)
    whole = len(labels.labels(naming.tags(mcis, group=group.name, vm=vm, labels=group.labels)))
    limit = catalogue.limit("labels")
    if whole > limit:
        yield problem(
            mcis,
            group,
            f"groups.{group.name}.labels",
            code=OVER_LIMIT,
            summary="over a limit of gcp",
            detail=f"{theirs} labels and {whole - theirs} of mcis; a resource takes {limit}",
            hint="use fewer labels",
        )


def _first_boot(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    key = checks.SAMPLE_KEY
    public_key = checks.public_key(mcis, group) or key.public
    text = first_boot(mcis, group, checks.last_vm(group), public_key, key)
    size, limit = checks.size(text), catalogue.limit("metadata_value_bytes")
    if size > limit:
        yield problem(
            mcis,
            group,
            f"groups.{group.name}.setup",
            code=TOO_LARGE,
            summary="first-boot instructions too large for gcp",
            detail=f"{size:,} bytes with all that mcis adds; a metadata value has at most {limit:,}",
            hint="fetch large files in `run`, or copy them after the VMs are up",
        )


def _disks(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    yield from _disk(mcis, group, group.disk, f"groups.{group.name}.disk.size")
    for position, disk in enumerate(group.disks):
        yield from _disk(mcis, group, disk, f"groups.{group.name}.disks.{position}.size")


def _disk(mcis: Mcis, group: Group, disk: Disk, path: str) -> Iterator[Diagnostic]:
    least, most = catalogue.limit("disk_min_gib"), catalogue.limit("disk_max_gib")
    if disk.size_gib is not None and not least <= disk.size_gib <= most:
        yield problem(
            mcis,
            group,
            path,
            code=BAD_DISK,
            summary="disk size not possible on gcp",
            detail=f"a disk has {least} to {most:,} GiB there",
        )


def _sources(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    """Who is not in the same network is let in by address, which takes one that is known."""
    for wall in (mcis.firewalls[name] for name in group.firewalls):
        words = {source for rule in wall.rules for source in rule.sources}
        named = {word.removeprefix("group:") for word in words} & mcis.groups.keys()
        away = [mcis.groups[name] for name in sorted(mcis.groups if "mcis" in words else named)]
        away = [other for other in away if not _together(mcis, group, other)]
        yield from (_hidden(mcis, group, wall.name, o) for o in away if o.public_ip == "none" and o.count)
        count, limit = sum(other.count for other in away), catalogue.limit("firewall_ranges")
        if count > limit:
            yield _source(
                mcis,
                group,
                wall.name,
                f"{count:,} VMs are in other networks; a firewall names at most {limit:,} addresses",
                "name their addresses as a CIDR",
            )


def _hidden(mcis: Mcis, group: Group, wall: str, other: Group) -> Diagnostic:
    found = _source(
        mcis,
        group,
        wall,
        f"group `{other.name}` is in another network and has no public address of its own",
        "give it a public_ip, or connect the networks: its private addresses are let in",
    )
    return replace(found, severity=Severity.WARNING)


def _source(mcis: Mcis, group: Group, wall: str, detail: str, hint: str) -> Diagnostic:
    summary = "firewall source cannot be named on gcp"
    path = f"firewalls.{wall}"
    return problem(mcis, group, path, code=UNNAMED_SOURCE, summary=summary, detail=detail, hint=hint)


def _together(mcis: Mcis, one: Group, other: Group) -> bool:
    """Whether two groups are in one network, which spans the regions of a connection."""
    same = (one.placement.connection, one.network) == (other.placement.connection, other.network)
    return same and (existing(mcis, one) is None) == (existing(mcis, other) is None)
