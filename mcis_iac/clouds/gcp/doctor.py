"""Whether Google Cloud can be used: credentials, project, permissions, quotas. Only reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mcis_iac.clouds.base import Check, Demand
from mcis_iac.clouds.gcp import catalogue, credentials
from mcis_iac.clouds.gcp.api import Api, Json, NotThere
from mcis_iac.errors import McisError
from mcis_iac.model import Connection

SHOWN = 5
UNITS = {
    "CPUS": "vCPUs",
    "INSTANCES": "VMs",
    "IN_USE_ADDRESSES": "public addresses",
    "CPUS_ALL_REGIONS": "vCPUs in all regions",
    "NETWORKS": "networks",
    "SSD_TOTAL_GB": "GB of disks",
}


def check(connection: Connection, demands: Sequence[Demand]) -> Iterator[Check]:
    """Credentials and project first, the rest only when those work; problems are answers, not errors."""
    name = connection.name
    try:
        api = Api(connection)
    except McisError as problem:
        yield _failed(f"{name} credentials", problem)
        return
    with api:
        try:
            project = api.get(f"projects/{api.project}")
        except NotThere as problem:
            yield _failed(f"{name} project", problem, f"check connections.{name}.project")
            return
        except McisError as problem:
            yield _failed(f"{name} credentials", problem)
            return
        yield Check(topic=f"{name} credentials", ok=True, found=credentials.source(connection))
        yield Check(topic=f"{name} project", ok=True, found=api.project)
        yield _permissions(api, name)
        demands = [replace(each, vcpus=each.vcpus + _uncounted(api, each)) for each in demands]
        yield from _project_quotas(name, project, demands)
        for demand in demands:
            yield from _region(api, name, demand)


def _failed(topic: str, problem: McisError, hint: str = "") -> Check:
    return Check(topic=topic, ok=False, found=problem.summary, why=problem.detail, hint=hint or problem.hint)


def _permissions(api: Api, name: str) -> Check:
    topic, wanted = f"{name} permissions", list(catalogue.data("permissions")["permissions"])
    try:
        missing = sorted(set(wanted) - api.allowed(wanted))
    except McisError as problem:
        hint = f"gcloud services enable cloudresourcemanager.googleapis.com --project {api.project}"
        return _failed(topic, problem, hint)
    if not missing:
        return Check(topic=topic, ok=True, found=f"all {len(wanted)} that are needed")
    more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    return Check(
        topic=topic,
        ok=False,
        found=f"{len(missing)} of {len(wanted)} are missing",
        why=", ".join(missing[:SHOWN]) + more,
        hint="grant the role Compute Admin (roles/compute.admin), or a role of your own with these",
    )


def _uncounted(api: Api, demand: Demand) -> float:
    """The processors of types that only Google knows; of one that is not there `_type` tells."""
    return sum(count * _processors(api, demand.region, name) for name, count in demand.uncounted)


def _processors(api: Api, region: str, machine_type: str) -> float:
    facts = catalogue.facts().regions.get(region)
    for zone in facts.zones if facts else ():
        where = catalogue.zone_name(region, zone)
        try:
            found = api.get(f"projects/{api.project}/zones/{where}/machineTypes/{machine_type}")
        except McisError:
            continue
        return float(found.get("guestCpus", 0))
    return 0


def _project_quotas(name: str, project: Json, demands: Sequence[Demand]) -> Iterator[Check]:
    # A network spans all regions, so a second region needs no second one.
    wanted = {
        "CPUS_ALL_REGIONS": sum(demand.vcpus for demand in demands),
        "NETWORKS": max((demand.networks for demand in demands), default=0),
    }
    yield from _quotas(name, "", project, wanted)


def _region(api: Api, name: str, demand: Demand) -> Iterator[Check]:
    topic = f"{name} {demand.region}"
    try:
        region = api.get(f"projects/{api.project}/regions/{demand.region}")
    except McisError as problem:
        yield _failed(topic, problem)
        return
    if region.get("status", "UP") != "UP":
        yield Check(
            topic=topic, ok=False, found=f"the region is {region['status']}", hint="use another region"
        )
    wanted = {
        "CPUS": demand.vcpus,
        "INSTANCES": float(demand.vms),
        "IN_USE_ADDRESSES": float(demand.public_ips),
        "SSD_TOTAL_GB": float(demand.disk_gib),
    }
    own = _own_quota(region, demand)
    if own:
        yield from _quotas(name, f"{demand.region} ", region, {own: wanted.pop("CPUS")})
    yield from _quotas(name, f"{demand.region} ", region, wanted)
    yield from (_type(api, name, demand.region, each) for each in sorted(set(demand.types)))


def _type(api: Api, name: str, region: str, machine_type: str) -> Check:
    """Whether every zone has the type: VMs without a zone of their own take the zones in turn."""
    topic, facts = f"{name} {region} {machine_type}", catalogue.facts().regions.get(region)
    zones = facts.zones if facts else ()
    try:
        missing = [zone for zone in zones if not _offered(api, region, zone, machine_type)]
    except McisError as problem:
        return _failed(topic, problem)
    if not missing:
        return Check(topic=topic, ok=True, found=f"in zones {', '.join(zones)}")
    hint = "choose another type" if len(missing) == len(zones) else "pin `zone:`, or choose another type"
    return Check(topic=topic, ok=False, found=f"not in zone {', '.join(missing)}", hint=hint)


def _offered(api: Api, region: str, zone: str, machine_type: str) -> bool:
    where = catalogue.zone_name(region, zone)
    try:
        api.get(f"projects/{api.project}/zones/{where}/machineTypes/{machine_type}")
    except NotThere:
        return False
    return True


def _own_quota(region: Json, demand: Demand) -> str | None:
    """The quota of the one series that is wanted, if it has its own; `CPUS` is for the others."""
    series = {catalogue.family(machine_type).upper() for machine_type in demand.types}
    metric = f"{series.pop()}_CPUS" if len(series) == 1 else None
    return metric if metric in {quota.get("metric") for quota in region.get("quotas", ())} else None


def _quotas(name: str, place: str, answer: Json, wanted: Mapping[str, float]) -> Iterator[Check]:
    quotas = {str(quota.get("metric")): quota for quota in answer.get("quotas", ())}
    for metric, amount in wanted.items():
        if amount and metric in quotas:
            unit = UNITS.get(metric, UNITS["CPUS"])
            yield _quota(f"{name} {place}{unit}", metric, quotas[metric], amount)


def _quota(topic: str, metric: str, quota: Json, amount: float) -> Check:
    limit, usage = float(quota.get("limit", 0)), float(quota.get("usage", 0))
    enough = amount <= limit - usage
    return Check(
        topic=topic,
        ok=enough,
        found=f"{amount:g} wanted, {limit - usage:g} of {limit:g} free",
        why="" if enough else f"quota {metric}; what this MCIS runs already is counted as used",
        hint="" if enough else f"ask for more {metric}: https://console.cloud.google.com/iam-admin/quotas",
    )
