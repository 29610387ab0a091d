"""Facts about Google Cloud, read from `data/`: regions, machine types, images, limits."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from mcis_iac.clouds.base import Arch, Facts
from mcis_iac.clouds.common import tables

DiskKind = Literal["cheap", "balanced", "fast"]


def data(name: str) -> dict[str, Any]:
    """A file of `data/` by its name without the ending."""
    return tables.read("gcp", name)


@cache
def facts() -> Facts:
    """Every region with its zones (by their letters), a selection of types, the built-in images."""
    return tables.known(
        data("regions")["regions"],
        data("types")["types"],
        default_type=data("types")["default"],
        image_aliases=data("images")["images"],
    )


def zone_name(region: str, zone: str) -> str:
    """The zone as Google writes it: `asia-northeast3-a`."""
    return f"{region}-{zone}"


def family(machine_type: str) -> str:
    """The series of a machine type: `e2` of `e2-standard-2`."""
    return machine_type.partition("-")[0]


def arch(machine_type: str) -> Arch:
    """The architecture of a machine type, known or not: whole series have the same."""
    return "arm64" if family(machine_type) in data("types")["families"]["arm64"] else "amd64"


def has_gpu(machine_type: str) -> bool:
    """Whether the machine type comes with GPUs; such machines cannot be moved while they run."""
    return family(machine_type) in data("types")["families"]["gpu"]


def disk_type(machine_type: str, kind: DiskKind) -> str:
    """The disk type for a machine: not every series takes every one."""
    rows = data("types")["disks"]
    row = next((row for row in rows if family(machine_type) in row["families"]), rows[-1])
    found: str = row[kind]
    return found


def limit(name: str) -> int:
    """A limit by its name in `data/limits.json`."""
    found: int = data("limits")[name]
    return found
