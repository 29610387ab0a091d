"""Which clouds exist: one line each, loaded on first use."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import cast

from mcis_iac.clouds.base import DoctorModule, GraphModule, ImagesModule, LifecycleModule, LookupModule

CLOUDS: dict[str, str] = {
    "aws": "mcis_iac.clouds.aws",
    "azure": "mcis_iac.clouds.azure",
    "gcp": "mcis_iac.clouds.gcp",
    "local": "mcis_iac.clouds.local",
    "openstack": "mcis_iac.clouds.openstack",
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


@cache
def images(cloud: str) -> ImagesModule | None:
    """The cloud's search for images; None where a manifest's own words are all there is to know."""
    if find_spec(f"{CLOUDS[cloud]}.images") is None:
        return None
    return cast(ImagesModule, _load(cloud, "images"))


@cache
def doctor(cloud: str) -> DoctorModule | None:
    """The cloud's check of credentials, permissions and quotas; None where there are none."""
    if find_spec(f"{CLOUDS[cloud]}.doctor") is None:
        return None
    return cast(DoctorModule, _load(cloud, "doctor"))
