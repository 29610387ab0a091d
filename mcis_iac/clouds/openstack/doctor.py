"""Whether an OpenStack can be used, found out by reading: the way in, networks, flavors, quotas."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mcis_iac.clouds.base import Check, Demand
from mcis_iac.clouds.openstack import images, session, settings
from mcis_iac.errors import McisError
from mcis_iac.model import Connection

Look = Callable[[Any, Connection, Demand], Iterator[Check]]
UNLIMITED = -1
ASK = "ask the operator for a higher quota, or delete what is no longer used"


def check(connection: Connection, demands: Sequence[Demand]) -> Iterator[Check]:
    """Credentials first; the rest, region by region, only when those work."""
    yield from _file(connection)
    try:
        with session.opened(connection) as cloud:
            cloud.authorize()
            known = session.regions(cloud, connection)
    except McisError as error:
        yield _failed(f"credentials {connection.name}", error)
        return
    yield Check(topic=f"credentials {connection.name}", ok=True, found=f"regions {', '.join(known)}")
    for demand in demands:
        yield from _region(connection, demand, known)


def _file(connection: Connection) -> Iterator[Check]:
    """The provider runs in another folder and does not find what is only in this one."""
    here = Path.cwd() / "clouds.yaml"
    if "OS_CLIENT_CONFIG_FILE" in os.environ or not here.exists() or not connection.settings.get("os_cloud"):
        return
    hint = f"export OS_CLIENT_CONFIG_FILE={here}, or move it to ~/.config/openstack"
    why = "the provider does not look into this folder"
    yield Check(topic=f"clouds.yaml {connection.name}", ok=False, found=str(here), why=why, hint=hint)


def _failed(topic: str, error: McisError) -> Check:
    return Check(topic=topic, ok=False, found=error.summary, why=error.detail, hint=error.hint)


def _region(connection: Connection, demand: Demand, known: Sequence[str]) -> Iterator[Check]:
    topic = f"region {connection.name}/{demand.region}"
    if demand.region not in known:
        hint = f"choose one of {', '.join(known)}"
        yield Check(topic=topic, ok=False, found="no such region", hint=hint)
        return
    try:
        with session.opened(connection, demand.region) as cloud:
            for look in (_outside, _flavors, _machines, _networking, _volumes):
                yield from _looked(look, cloud, connection, demand)
    except McisError as error:
        yield _failed(topic, error)


def _looked(look: Look, cloud: Any, connection: Connection, demand: Demand) -> list[Check]:
    """What one look finds; a service that does not answer hides nothing of the others."""
    try:
        with session.translating(connection):
            return list(look(cloud, connection, demand))
    except McisError as error:
        return [_failed(f"{look.__name__.strip('_')} {connection.name}/{demand.region}", error)]


def _outside(cloud: Any, connection: Connection, demand: Demand) -> Iterator[Check]:
    name = settings.external_network(connection, demand.region)
    if name is None:
        return
    network, others = images.external(cloud, name)
    yield Check(
        topic=f"external network {connection.name}/{demand.region}",
        ok=network is not None,
        found=f"{name} is {network.id}" if network is not None else f"`{name}` is not one that leads outside",
        hint="" if network is not None else f"these do: {', '.join(others) or 'none; ask the operator'}",
    )


def _flavors(cloud: Any, connection: Connection, demand: Demand) -> Iterator[Check]:
    if not demand.types:
        return
    known = {flavor.name for flavor in cloud.compute.flavors(details=False)}
    missing = sorted(set(demand.types) - known)
    yield Check(
        topic=f"flavors {connection.name}/{demand.region}",
        ok=not missing,
        found=f"no flavor {', '.join(missing)}" if missing else f"{', '.join(sorted(set(demand.types)))}",
        hint=f"there are {', '.join(sorted(known))}" if missing else "",
    )


def _machines(cloud: Any, connection: Connection, demand: Demand) -> Iterator[Check]:
    limits = cloud.compute.get_limits().absolute
    place = f"{connection.name}/{demand.region}"
    yield _quota(f"quota instances {place}", demand.vms, limits.instances, limits.instances_used)
    yield _quota(f"quota vCPUs {place}", demand.vcpus, limits.total_cores, limits.total_cores_used)


def _networking(cloud: Any, connection: Connection, demand: Demand) -> Iterator[Check]:
    quota = cloud.network.get_quota(cloud.current_project_id, details=True)
    place = f"{connection.name}/{demand.region}"
    routers = demand.networks if settings.external_network(connection, demand.region) else 0
    wanted = (
        ("floating addresses", demand.public_ips, quota.floating_ips),
        ("networks", demand.networks, quota.networks),
        ("routers", routers, quota.routers),
        ("ports", demand.vms, quota.ports),
    )
    for what, number, figures in wanted:
        if number and figures:
            yield _quota(f"quota {what} {place}", number, figures.get("limit"), figures.get("used"))


def _volumes(cloud: Any, connection: Connection, demand: Demand) -> Iterator[Check]:
    if not demand.disks:
        return
    place = f"{connection.name}/{demand.region}"
    if not cloud.has_service("block-storage"):
        hint = "leave `disks` out, or use another region"
        yield Check(topic=f"volumes {place}", ok=False, found="no block storage service", hint=hint)
        return
    limits = cloud.block_storage.get_limits().absolute
    yield _quota(f"quota volumes {place}", demand.disks, limits.max_total_volumes, limits.total_volumes_used)
    gib, used = limits.max_total_volume_gigabytes, limits.total_gigabytes_used
    yield _quota(f"quota volume GiB {place}", demand.disk_gib, gib, used)


def _quota(topic: str, wanted: float, limit: int | None, used: int | None) -> Check:
    if limit is None or limit == UNLIMITED:
        return Check(topic=topic, ok=True, found="unlimited")
    free = limit - (used or 0)
    found = f"{wanted:g} wanted, {free} of {limit} free"
    fine = wanted <= free
    # What is up already counts as used: then the demand is met although it looks too large.
    why = "" if fine else "running VMs of this MCIS count as used, too"
    return Check(topic=topic, ok=fine, found=found, why=why, hint="" if fine else ASK)
