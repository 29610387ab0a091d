"""Facts as data files: `clouds/<name>/data/*.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from mcis_iac.clouds.base import Facts, RegionFact

Rows = Mapping[str, Mapping[str, Any]]


@cache
def read(cloud: str, name: str) -> dict[str, Any]:
    """The content of a cloud's `data/<name>.json`."""
    path = resources.files("mcis_iac.clouds") / cloud / "data" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def known(
    regions: Rows,
    types: Rows,
    *,
    default_type: str,
    image_aliases: Iterable[str],
    other_regions: Iterable[str] = (),
) -> Facts:
    """The facts of a cloud with public regions, of whose many types the tables have a few."""
    return Facts(
        regions={name: _region(name, row) for name, row in regions.items()},
        types={
            name: {"vcpus": float(row["vcpus"]), "memory_gib": float(row["memory_gib"])}
            for name, row in types.items()
        },
        default_type=default_type,
        image_aliases=tuple(image_aliases),
        types_complete=False,
        other_regions=tuple(other_regions),
    )


def _region(name: str, row: Mapping[str, Any]) -> RegionFact:
    return RegionFact(
        name=name, zones=tuple(row["zones"]), latitude=row["latitude"], longitude=row["longitude"]
    )
