"""What the local cloud offers everywhere: regions, zones and flavors, from the data files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

ZONES = ("a", "b", "c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A place; `index` decides its part of the address pool and never changes."""

    name: str
    index: int
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """Limits of an instance, not reservations."""

    name: str
    cpu: float
    memory_mib: int


def text(name: str) -> str:
    """The contents of one data file."""
    return (files("mcis_iac.local_cloud") / "data" / name).read_text(encoding="utf-8")


@cache
def regions() -> Mapping[str, Region]:
    """By name, in the order of their index."""
    return {row["name"]: Region(**row) for row in json.loads(text("regions.json"))}


@cache
def flavors() -> Mapping[str, Flavor]:
    """By name, smallest first."""
    return {name: Flavor(name=name, **row) for name, row in json.loads(text("flavors.json")).items()}
