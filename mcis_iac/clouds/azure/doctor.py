"""Whether Azure can be used: who we are there, what is switched on, and whether there is room.

Everything is asked, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mcis_iac.clouds.azure import arm, credentials, facts
from mcis_iac.clouds.azure.arm import Arm, Json
from mcis_iac.clouds.base import Check, Demand
from mcis_iac.errors import McisError
from mcis_iac.model import Connection

NAMESPACES = ("Microsoft.Compute", "Microsoft.Network")
# What is counted under which name, per service.
COMPUTE = (("cores", "vCPUs"), ("lowPriorityCores", "spot vCPUs"), ("virtualMachines", "VMs"))
NETWORK = (
    ("PublicIPAddresses", "public addresses"),
    ("StandardSkuPublicIpAddresses", "standard public addresses"),
    ("VirtualNetworks", "networks"),
    ("NetworkInterfaces", "network interfaces"),
)
QUOTAS = "https://portal.azure.com/#view/Microsoft_Azure_Capacity/QuotaMenuBlade"


def check(connection: Connection, demands: Sequence[Demand]) -> Iterator[Check]:
    """Credentials first; providers and quotas only when those work. Raises nothing."""
    topic = "credentials"
    try:
        cloud = Arm(connection)
    except McisError as error:
        yield _failed(topic, error)
        return
    with cloud:
        try:
            account = cloud.get(cloud.account("").rstrip("/"), version=arm.VERSIONS["microsoft.resources"])
        except McisError as error:
            yield _failed(topic, error)
            return
        yield _account(topic, connection, account)
        for namespace in NAMESPACES:
            yield _registered(cloud, namespace)
        for demand in sorted(demands, key=lambda demand: demand.region):
            yield from _room(cloud, demand)


def _failed(topic: str, error: McisError) -> Check:
    return Check(topic=topic, ok=False, found=error.summary, why=error.detail, hint=error.hint)


def _account(topic: str, connection: Connection, account: Mapping[str, object]) -> Check:
    name, state = account.get("displayName", ""), str(account.get("state", "unknown"))
    found = f"subscription {account.get('subscriptionId')} ({name}) through {credentials.way(connection)}"
    if state == "Enabled":
        return Check(topic=topic, ok=True, found=found)
    return Check(
        topic=topic,
        ok=False,
        found=f"{found} is {state}",
        why="nothing can be created in a subscription that is not enabled",
        hint="enable it in the portal, or name another one in the connection",
    )


def _registered(cloud: Arm, namespace: str) -> Check:
    topic = namespace
    try:
        row = cloud.get(cloud.account(f"providers/{namespace}"), version=arm.VERSIONS["microsoft.resources"])
    except McisError as error:
        return _failed(topic, error)
    state = str(row.get("registrationState", "unknown"))
    if state == "Registered":
        return Check(topic=topic, ok=True, found="registered")
    return Check(
        topic=topic,
        ok=False,
        found=state,
        why="a subscription can only have resources of registered providers",
        hint=f"az provider register --namespace {namespace} --wait",
    )


def _room(cloud: Arm, demand: Demand) -> Iterator[Check]:
    """Usage and limits of one region beside what the manifest wants of it as a whole."""
    offered, trouble = _offered(cloud, demand)
    demand = demand.told({size: _processors(offered.get(size.lower(), {})) for size, _ in demand.uncounted})
    addresses = demand.public_ips + demand.gateways
    wanted = {
        "cores": demand.vcpus - demand.spot.vcpus,
        "lowPriorityCores": demand.spot.vcpus,
        "virtualMachines": demand.vms,
        "PublicIPAddresses": addresses,
        "StandardSkuPublicIpAddresses": addresses,
        "VirtualNetworks": demand.networks,
        "NetworkInterfaces": demand.vms,
    }
    counted: dict[str, Json] = {}
    for namespace, kinds in (("Microsoft.Compute", COMPUTE), ("Microsoft.Network", NETWORK)):
        path = cloud.account(f"providers/{namespace}/locations/{demand.region}/usages")
        try:
            rows = list(cloud.listed(path, version=arm.version(namespace)))
        except McisError as error:
            yield _failed(f"quotas of {namespace} in {demand.region}", error)
            continue
        usages = {str(row.get("name", {}).get("value")).lower(): row for row in rows}
        counted |= usages
        for name, words in kinds:
            row = usages.get(name.lower())
            if row is not None and wanted[name]:
                yield _quota(f"{words} in {demand.region}", wanted[name], row)
    yield from trouble or _sizes(demand, offered, counted)


def _quota(topic: str, wanted: float, row: Json) -> Check:
    used, limit = _used(row)
    found = f"{wanted:g} wanted, {used:,} of {limit:,} used"
    if wanted <= limit - used:
        return Check(topic=topic, ok=True, found=found)
    return Check(
        topic=topic,
        ok=False,
        found=found,
        why="VMs beyond the quota are refused; those that run already are among the used ones",
        hint=f"ask for more at {QUOTAS}, or use another region",
    )


def _used(row: Json) -> tuple[int, int]:
    return int(row.get("currentValue", 0)), int(row.get("limit", 0))


# ---------------------------------------------------------------- sizes


def _offered(cloud: Arm, demand: Demand) -> tuple[Mapping[str, Json], Sequence[Check]]:
    """The sizes of the region by name in small letters, or what keeps us from knowing them."""
    if not demand.types:
        return {}, ()
    picked = {"$filter": f"location eq '{demand.region}'"}
    path = cloud.account("providers/Microsoft.Compute/skus")
    try:
        rows = list(cloud.listed(path, version=arm.version("Microsoft.Compute/skus"), **picked))
    except McisError as error:
        return {}, (_failed(f"sizes in {demand.region}", error),)
    machines = (row for row in rows if row.get("resourceType") == "virtualMachines")
    return {str(row["name"]).lower(): row for row in machines}, ()


def _processors(row: Mapping[str, Any]) -> float:
    told = (each["value"] for each in row.get("capabilities", ()) if each.get("name") == "vCPUs")
    return float(next(told, 0))


def _sizes(demand: Demand, offered: Mapping[str, Json], counted: Mapping[str, Json]) -> Iterator[Check]:
    """Whether the subscription may have the sizes there: many are not for everybody everywhere."""
    for size in sorted(set(demand.types)):
        row = offered.get(size.lower())
        # Spot VMs of all families share one quota, which is counted already.
        family = None
        if row is not None and size not in demand.spot.types:
            family = counted.get(str(row.get("family", "")).lower())
        yield _size(f"{size} in {demand.region}", row, family, zoned=bool(facts.zones(demand.region)))


def _size(topic: str, row: Json | None, family: Json | None, *, zoned: bool) -> Check:
    other = "take another type or another region: az vm list-skus --location REGION --zone"
    if row is None:
        return Check(topic=topic, ok=False, found="not there", why="the region does not have it", hint=other)
    restrictions = list(row.get("restrictions", ()))
    if any(each.get("type") == "Location" for each in restrictions):
        why = "Azure does not let this subscription have it there"
        return Check(topic=topic, ok=False, found="restricted", why=why, hint=other)
    shut = {zone for each in restrictions for zone in each.get("restrictionInfo", {}).get("zones", ())}
    everywhere = {zone for place in row.get("locationInfo", ()) for zone in place.get("zones", ())}
    zones = sorted(everywhere - shut)
    if zoned and (shut or not zones):
        found = f"in zone {', '.join(zones)} only" if zones else "in no zone"
        why = "VMs take the zones of a region in turn unless one is pinned"
        hint = f"pin a zone that has it, or {other}"
        return Check(topic=topic, ok=False, found=found, why=why, hint=hint)
    if family is not None and _used(family)[0] >= _used(family)[1]:
        used, limit = _used(family)
        found = f"{used:,} of {limit:,} vCPUs of its family used"
        why = "every family of sizes has a quota of its own beside the region's"
        hint = f"ask for more at {QUOTAS}, or use another type"
        return Check(topic=topic, ok=False, found=found, why=why, hint=hint)
    return Check(topic=topic, ok=True, found=f"in zones {', '.join(zones)}" if zoned else "is there")
