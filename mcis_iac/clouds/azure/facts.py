"""What is known of Azure without asking it, from the tables in `data/`."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from mcis_iac.clouds.base import Arch, Facts
from mcis_iac.clouds.common import tables

DEFAULT_TYPE = "Standard_B2s"
# Standard_D2pds_v5: family, vCPUs, features in small letters, generation. `p` is an Arm processor.
_SIZE = re.compile(
    r"(?P<family>[A-Z]+)\d+(?:-\d+)?(?P<features>[a-z]*)(?:_[A-Z0-9]+)?(?:_v(?P<version>\d+))?\Z"
)
NVME_SINCE = 6  # generations that show their disks as NVMe only


def table(name: str) -> dict[str, Any]:
    """One file of `data/`."""
    return tables.read("azure", name)


@cache
def facts() -> Facts:
    """Regions with availability zones, a selection of sizes, the images known by alias."""
    return tables.known(
        table("regions")["regions"],
        table("types")["types"],
        default_type=DEFAULT_TYPE,
        image_aliases=table("images")["aliases"],
        other_regions=table("regions")["others"],
    )


def arch(size: str) -> Arch:
    """The processor architecture of a size, which its name tells."""
    return "arm64" if "p" in _part(size, "features") else "amd64"


def takes_premium(size: str) -> bool:
    """Whether Premium SSD disks can be attached: sizes with an `s` among their features."""
    return "s" in _part(size, "features")


def is_burstable(size: str) -> bool:
    """Whether the size is of the B series, whose processors are shared."""
    return _part(size, "family") == "B"


def shows_nvme(size: str) -> bool:
    """Whether the size has NVMe disks only, which are found under another path than SCSI ones."""
    if not _part(size, "family").startswith(("D", "E", "F", "L", "M", "B")):
        return False
    return int(_part(size, "version") or 0) >= NVME_SINCE


def _part(size: str, name: str) -> str:
    found = _SIZE.match(size.removeprefix("Standard_"))
    return (found[name] or "") if found else ""


def zones(region: str) -> tuple[str, ...]:
    """The availability zones of a region, none for one that is not in the table."""
    known = facts().regions.get(region)
    return known.zones if known else ()
