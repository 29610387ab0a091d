"""Whether an OpenStack can be used, found out by reading: the way in, networks, flavors, quotas."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from mcis_iac.clouds.base import Check, Demand
from mcis_iac.clouds.openstack import images, session, settings
from mcis_iac.errors import McisError
from mcis_iac.model import Connection

Look = Callable[[], Iterator[Check]]
UNLIMITED = -1
MIB_PER_GIB = 1024
# Neutron puts these into every new security group: everything may go out, IPv4 and IPv6.
RULES_OF_ITS_OWN = 2
ASK = "ask the operator for a higher quota, or delete what is no longer used"


def check(connection: Connection, demands: Sequence[Demand]) -> Iterator[Check]:
    """Credentials first; the rest, region by region, only when those work."""
    yield from _file(connection)
    try:
        with session.opened(connection) as cloud:
            cloud.authorize()
            known = session.regions(cloud, connection)
    except McisError as error:
        yield _failed("credentials", error)
        return
    yield Check(topic="credentials", ok=True, found=f"regions {', '.join(known)}")
    for demand in demands:
        yield from _region(connection, demand, known)


def _file(connection: Connection) -> Iterator[Check]:
    """The provider runs in another folder and does not find what is only in this one."""
    here = Path.cwd() / "clouds.yaml"
    if "OS_CLIENT_CONFIG_FILE" in os.environ or not here.exists() or not connection.settings.get("os_cloud"):
        return
    hint = f"export OS_CLIENT_CONFIG_FILE={here}, or move it to ~/.config/openstack"
    why = "the provider does not look into this folder"
    yield Check(topic="clouds.yaml", ok=False, found=str(here), why=why, hint=hint)


def _failed(topic: str, error: McisError) -> Check:
    return Check(topic=topic, ok=False, found=error.summary, why=error.detail, hint=error.hint)


def _region(connection: Connection, demand: Demand, known: Sequence[str]) -> Iterator[Check]:
    if demand.region not in known:
        hint = f"choose one of {', '.join(known)}"
        yield Check(topic=demand.region, ok=False, found="no such region", hint=hint)
        return
    try:
        with session.opened(connection, demand.region) as cloud:
            looks: dict[str, Look] = {
                "external network": lambda: _outside(cloud, connection, demand),
                "machines": lambda: _machines(cloud, demand),
                "networking": lambda: _networking(cloud, connection, demand),
                "volumes": lambda: _volumes(cloud, demand),
            }
            for what, look in looks.items():
                yield from _looked(look, connection, f"{what} in {demand.region}")
    except McisError as error:
        yield _failed(demand.region, error)


def _looked(look: Look, connection: Connection, topic: str) -> list[Check]:
    """What one look finds; a service that does not answer hides nothing of the others."""
    try:
        with session.translating(connection):
            return list(look())
    except McisError as error:
        return [_failed(topic, error)]


def _outside(cloud: Any, connection: Connection, demand: Demand) -> Iterator[Check]:
    name = settings.external_network(connection, demand.region)
    if name is None:
        return
    network, others = images.external(cloud, name)
    yield Check(
        topic=f"external network in {demand.region}",
        ok=network is not None,
        found=f"{name} is {network.id}" if network is not None else f"`{name}` is not one that leads outside",
        hint="" if network is not None else f"these do: {', '.join(others) or 'none; ask the operator'}",
    )


def _machines(cloud: Any, demand: Demand) -> Iterator[Check]:
    flavors = {str(flavor.name): flavor for flavor in cloud.compute.flavors()} if demand.types else {}
    if demand.types:
        yield _flavors(demand, flavors)
    demand = demand.told({name: flavor.vcpus or 0 for name, flavor in flavors.items()})
    ram = sum((flavors[name].ram or 0) * count for name, count in demand.uncounted if name in flavors)
    limits, place = cloud.compute.get_limits().absolute, demand.region
    yield from _quota(f"instances in {place}", demand.vms, limits.instances, limits.instances_used)
    yield from _quota(f"vCPUs in {place}", demand.vcpus, limits.total_cores, limits.total_cores_used)
    yield from _quota(
        f"GiB of RAM in {place}", _gib(ram), _gib(limits.total_ram), _gib(limits.total_ram_used)
    )


def _flavors(demand: Demand, known: Collection[str]) -> Check:
    missing = sorted(set(demand.types) - set(known))
    there = f"there are {', '.join(sorted(known))}"
    hint = there if known else "there is none at all: ask the operator to let this project have some"
    return Check(
        topic=f"flavors in {demand.region}",
        ok=not missing,
        found=f"no flavor {', '.join(missing)}" if missing else ", ".join(sorted(set(demand.types))),
        hint=hint if missing else "",
    )


def _gib(mib: int | None) -> float | None:
    return mib if mib is None or mib == UNLIMITED else mib / MIB_PER_GIB


def _networking(cloud: Any, connection: Connection, demand: Demand) -> Iterator[Check]:
    quota = cloud.network.get_quota(cloud.current_project_id, details=True)
    routers = demand.networks if settings.leads_outside(connection, demand.region) else 0
    wanted = (
        ("floating addresses", demand.public_ips, quota.floating_ips),
        ("networks", demand.networks, quota.networks),
        ("subnets", demand.networks, quota.subnets),
        ("routers", routers, quota.routers),
        ("ports", demand.vms + routers, quota.ports),
        ("security groups", demand.walls, quota.security_groups),
        ("rules", demand.rules + RULES_OF_ITS_OWN * demand.walls, quota.security_group_rules),
    )
    for what, number, figures in wanted:
        if figures:
            used = (figures.get("used") or 0) + (figures.get("reserved") or 0)
            yield from _quota(f"{what} in {demand.region}", number, figures.get("limit"), used)


def _volumes(cloud: Any, demand: Demand) -> Iterator[Check]:
    if not demand.disks:
        return
    place = demand.region
    if not cloud.has_service("block-storage"):
        hint = "leave `disks` out, or use another region"
        yield Check(topic=f"volumes in {place}", ok=False, found="no block storage service", hint=hint)
        return
    limits = cloud.block_storage.get_limits().absolute
    yield from _quota(
        f"volumes in {place}", demand.disks, limits.max_total_volumes, limits.total_volumes_used
    )
    gib, used = limits.max_total_volume_gigabytes, limits.total_gigabytes_used
    yield from _quota(f"GiB of volumes in {place}", demand.disk_gib, gib, used)


def _quota(topic: str, wanted: float | None, limit: float | None, used: float | None) -> Iterator[Check]:
    """Nothing where nothing is wanted."""
    if not wanted:
        return
    if limit is None or limit == UNLIMITED:
        yield Check(topic=topic, ok=True, found=f"{wanted:g} wanted, unlimited")
        return
    free = limit - (used or 0)
    fine = wanted <= free
    yield Check(
        topic=topic,
        ok=fine,
        found=f"{wanted:g} wanted, {free:g} of {limit:g} free",
        # What is up already counts as used: then the demand is met although it looks too large.
        why="" if fine else "running VMs of this MCIS count as used, too",
        hint="" if fine else ASK,
    )
