"""Whether Google Cloud can be used: credentials, project, permissions, quotas. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mcis_iac.clouds.base import Check, Demand
from mcis_iac.clouds.gcp import catalogue, credentials
from mcis_iac.clouds.gcp.api import Api, Json, NotThere
from mcis_iac.errors import McisError
from mcis_iac.model import Connection

SHOWN = 5
SPOT = "PREEMPTIBLE_CPUS"
UNITS = {
    "CPUS": "vCPUs",
    SPOT: "spot vCPUs",
    "INSTANCES": "VMs",
    "IN_USE_ADDRESSES": "public addresses",
    "CPUS_ALL_REGIONS": "vCPUs in all regions",
    "NETWORKS": "networks",
    "SSD_TOTAL_GB": "GB of disks",
}


def check(connection: Connection, demands: Sequence[Demand]) -> Iterator[Check]:
    """Credentials and project first, the rest only when those work; problems are answers, not errors."""
    try:
        api = Api(connection)
    except McisError as problem:
        yield _failed("credentials", problem)
        return
    with api:
        try:
            project = api.get(f"projects/{api.project}")
        except NotThere as problem:
            yield _failed("project", problem, f"check connections.{connection.name}.project")
            return
        except McisError as problem:
            yield _failed("credentials", problem)
            return
        yield Check(topic="credentials", ok=True, found=credentials.source(connection))
        yield Check(topic="project", ok=True, found=api.project)
        yield _permissions(api)
        demands = [_told(api, demand) for demand in demands]
        yield from _project_quotas(project, demands)
        for demand in demands:
            yield from _region(api, demand)


def _failed(topic: str, problem: McisError, hint: str = "") -> Check:
    return Check(topic=topic, ok=False, found=problem.summary, why=problem.detail, hint=hint or problem.hint)


def _permissions(api: Api) -> Check:
    topic, wanted = "permissions", list(catalogue.data("permissions")["permissions"])
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


def _told(api: Api, demand: Demand) -> Demand:
    """With the processors of types that only Google knows; of one that is not there `_type` tells."""
    return demand.told({name: _processors(api, demand.region, name) for name, _ in demand.uncounted})


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


def _project_quotas(project: Json, demands: Sequence[Demand]) -> Iterator[Check]:
    # A network spans all regions, so a second region needs no second one.
    wanted = {
        "CPUS_ALL_REGIONS": sum(demand.vcpus for demand in demands),
        "NETWORKS": max((demand.networks for demand in demands), default=0),
    }
    yield from _quotas("", project, wanted)


def _region(api: Api, demand: Demand) -> Iterator[Check]:
    topic = demand.region
    try:
        region = api.get(f"projects/{api.project}/regions/{demand.region}")
    except McisError as problem:
        yield _failed(topic, problem)
        return
    if region.get("status", "UP") != "UP":
        yield Check(
            topic=topic, ok=False, found=f"the region is {region['status']}", hint="use another region"
        )
    apart = _spot_apart(region)
    wanted = {
        "CPUS": demand.vcpus - demand.spot.vcpus * apart,
        SPOT: demand.spot.vcpus * apart,
        "INSTANCES": float(demand.vms),
        "IN_USE_ADDRESSES": float(demand.public_ips),
        "SSD_TOTAL_GB": float(demand.disk_gib),
    }
    types = set(demand.types) - (set(demand.spot.types) if apart else set())
    own = _own_quota(region, types)
    if own:
        yield from _quotas(f" in {demand.region}", region, {own: wanted.pop("CPUS")})
    yield from _quotas(f" in {demand.region}", region, wanted)
    yield from (_type(api, demand.region, each) for each in sorted(set(demand.types)))


def _spot_apart(region: Json) -> bool:
    """Whether spot VMs have a quota of their own there; without one they are among all the others."""
    return any(quota.get("metric") == SPOT and quota.get("limit") for quota in region.get("quotas", ()))


def _type(api: Api, region: str, machine_type: str) -> Check:
    """Whether every zone has the type: VMs without a zone of their own take the zones in turn."""
    topic, facts = f"{machine_type} in {region}", catalogue.facts().regions.get(region)
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


def _own_quota(region: Json, types: Iterable[str]) -> str | None:
    """The quota of the one series that is wanted, if it has its own; `CPUS` is for the others."""
    series = {catalogue.family(machine_type).upper() for machine_type in types}
    metric = f"{series.pop()}_CPUS" if len(series) == 1 else None
    return metric if metric in {quota.get("metric") for quota in region.get("quotas", ())} else None


def _quotas(place: str, answer: Json, wanted: Mapping[str, float]) -> Iterator[Check]:
    quotas = {str(quota.get("metric")): quota for quota in answer.get("quotas", ())}
    for metric, amount in wanted.items():
        if amount and metric in quotas:
            unit = UNITS.get(metric, UNITS["CPUS"])
            yield _quota(f"{unit}{place}", metric, quotas[metric], amount)


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
