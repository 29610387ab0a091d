"""Which clouds exist: one line each, loaded on first use."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import cast

from mcis_iac.clouds.base import GraphModule, LifecycleModule, LookupModule

CLOUDS: dict[str, str] = {
    "local": "mcis_iac.clouds.local",
}


@cache
def _load(cloud: str, part: str) -> object:
    return import_module(f"{CLOUDS[cloud]}.{part}")


def graph(cloud: str) -> GraphModule:
    """The cloud's resource graphs and facts; KeyError for an unknown cloud."""
    return cast(GraphModule, _load(cloud, "graph"))


def lookup(cloud: str) -> LookupModule:
    """The cloud's search by tag."""
    return cast(LookupModule, _load(cloud, "lookup"))


def lifecycle(cloud: str) -> LifecycleModule:
    """The cloud's view of running VMs."""
    return cast(LifecycleModule, _load(cloud, "lifecycle"))
