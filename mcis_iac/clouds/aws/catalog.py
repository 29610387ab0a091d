"""Facts of AWS from the data files: regions, zones, types, image aliases."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from mcis_iac.clouds.base import Arch, Facts
from mcis_iac.clouds.common import tables

DEFAULT_TYPE = "t3.micro"
# The families with Amazon's own processors have a g behind the number: t4g, m7gd, c7gn; and a1.
_ARM = re.compile(r"(?:a1|[a-z]+\d+[a-z]*g[a-z]*)[.-]")


def table(name: str) -> dict[str, Any]:
    """The table of `data/<name>.json`; it has the same name inside."""
    found: dict[str, Any] = tables.read("aws", name)[name]
    return found


@cache
def facts() -> Facts:
    """What is known without asking; the types are a few of many."""
    return tables.known(
        table("regions"),
        table("types"),
        default_type=DEFAULT_TYPE,
        image_aliases=table("images"),
        other_regions=tables.read("aws", "regions")["others"],
    )


def arch(kind: str) -> Arch:
    """The processor architecture of an instance type, by its name where the table lacks it."""
    row = table("types").get(kind)
    if row is not None:
        return "arm64" if row["arch"] == "arm64" else "amd64"
    return "arm64" if _ARM.match(kind) else "amd64"


def zones(region: str) -> tuple[str, ...]:
    """The letters of a region's zones; none where the region is not known."""
    fact = facts().regions.get(region)
    return fact.zones if fact else ()
