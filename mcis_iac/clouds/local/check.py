"""What the embedded cloud cannot do of a manifest, or does differently."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mcis_iac.clouds.common import checks
from mcis_iac.model import Diagnostic, Group, Mcis, Severity

NO_SYSTEMD = "MCIS250"
BAD_IMAGE = "MCIS251"
OTHER_CLOUD = "MCIS252"
# Where a command begins, not where its name is a word in a text.
_SYSTEMCTL = re.compile(r"(?:^|[;&|(]|\bsudo\b)\s*(?:\S*/)?(systemctl|service|journalctl)\s")


def check(mcis: Mcis) -> Iterator[Diagnostic]:
    """Problems by group, in the manifest's order."""
    for group in checks.groups_on(mcis, "local"):
        yield from _setup(mcis, group)
        yield from _image(mcis, group)
        yield from _sources(mcis, group)


def notices(mcis: Mcis) -> list[str]:
    """What a user should know before the first boot."""
    here = checks.groups_on(mcis, "local")
    said: list[str] = []
    aliases = sorted({group.image for group in here if group.image not in mcis.images})
    if aliases:
        said.append(f"local: image {', '.join(aliases)} is this host's own system")
    fetching = sorted(group.name for group in here if group.setup.packages)
    if fetching:
        names = ", ".join(fetching)
        said.append(f"local: VMs have no way to the internet, so packages of {names} must be on the host")
    sized = sorted(group.name for group in here if group.disk.size_gib is not None)
    if sized:
        said.append(f"local: boot disks share the host's, so the disk size of {', '.join(sized)} is no limit")
    return said


def _setup(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    for position, command in enumerate(group.setup.run):
        found = _SYSTEMCTL.search(f"{command} ")
        if found:
            yield checks.problem(
                mcis,
                group,
                f"groups.{group.name}.setup.run.{position}",
                code=NO_SYSTEMD,
                severity=Severity.WARNING,
                summary="no service manager on the local cloud",
                detail=f"`{found[1]}` fails here: a local VM runs sshd and nothing else",
                hint="start the service from an executable /etc/rc.local, which runs at every start",
            )


def _image(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    entry = mcis.images[group.image].by_cloud.get("local") if group.image in mcis.images else None
    if entry is None or entry.get("host") is True:
        return
    problem = "`host: true` or `dir: PATH` is expected"
    if isinstance(entry.get("dir"), str):
        folder = directory(mcis, str(entry["dir"]))
        if folder.is_dir():
            return
        problem = f"there is no folder {entry['dir']}"
    path, summary = f"images.{group.image}.local", "image cannot be used on the local cloud"
    yield checks.problem(mcis, group, path, code=BAD_IMAGE, summary=summary, detail=problem)


def directory(mcis: Mcis, written: str) -> Path:
    """A folder named in the manifest, which relative paths start from."""
    return (mcis.folder / Path(written).expanduser()).resolve()


def _sources(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    """A security group here cannot see the members of a group on another cloud."""
    for wall, other in checks.sources(mcis, group):
        cloud = mcis.connections[other.placement.connection].cloud
        if cloud != "local":
            yield checks.problem(
                mcis,
                group,
                f"firewalls.{wall.name}",
                code=OTHER_CLOUD,
                severity=Severity.WARNING,
                summary="firewall source on another cloud",
                detail=f"group `{other.name}` is on {cloud}, which a local security group cannot see",
                hint="name the addresses as a CIDR",
            )
