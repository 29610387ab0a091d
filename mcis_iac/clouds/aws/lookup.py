"""Finding and sweeping what carries our tags on EC2, in every region the account can use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mcis_iac.clouds.aws import kinds, spot, sweeping
from mcis_iac.clouds.aws.credentials import Access, translated
from mcis_iac.clouds.base import Found
from mcis_iac.model import Connection

CREATE_ADOPTS = False
ENV = "mcis-env"
BY_HAND = (
    "Spot machines on AWS have persistent requests, which outlive them and start others: cancel the request "
    "of a machine before deleting it (`aws ec2 cancel-spot-instance-requests`)."
)
# Regions are asked side by side: an account has about seventeen, most of them empty.
AT_ONCE = 8
IDS_AT_ONCE = 200


def find(connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
    """Everything that carries all those tags, machines first; what is gone already is left out.

    Before the machines come spot requests that would start others (see `spot`).

    Tags of an MCIS without an env do not mean the envs beside it. Ids are those the provider uses,
    names are the `Name` tags.
    """
    if not tags:
        return ()
    access = Access(connection)
    with translated(connection):
        found = [each for found in _everywhere(access, tags).values() for each in found]
    return sorted(found, key=lambda each: (kinds.rank(each.kind), each.name, each.id))


def sweep(connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
    """Delete all of that and return it; with no tag at all nothing is ours and nothing is deleted."""
    if not tags:
        return ()
    access = Access(connection)
    swept: list[Found] = []
    with translated(connection):
        for region, found in _everywhere(access, tags).items():
            sweeping.delete(access.client("ec2", region), found)
            swept += found
    return sorted(swept, key=lambda each: (kinds.rank(each.kind), each.name, each.id))


def holds(inputs: Mapping[str, Any]) -> bool:
    """Whether a machine was started by a request that outlives it."""
    market = inputs.get("instanceMarketOptions")
    options = market.get("spotOptions") if isinstance(market, Mapping) else None
    return isinstance(options, Mapping) and options.get("spotInstanceType") == "persistent"


def release(connection: Connection, machines: Mapping[str, Mapping[str, Any]]) -> None:
    """Cancel the spot requests of those machines."""
    access = Access(connection)
    by_region: dict[str, list[str]] = {}
    for id, inputs in machines.items():
        by_region.setdefault(str(inputs["region"]), []).append(id)
    with translated(connection):
        for region, ids in by_region.items():
            sweeping.cancel(access.client("ec2", region), ids)


def _everywhere(access: Access, tags: Mapping[str, str]) -> Mapping[str, Sequence[Found]]:
    clients = {region: access.client("ec2", region) for region in access.regions()}
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = pool.map(lambda client: list(_in_region(client, tags)), clients.values())
        return dict(zip(clients, found, strict=True))


def _in_region(client: Any, tags: Mapping[str, str]) -> Iterator[Found]:
    name, value = next(iter(tags.items()))
    filters = [{"Name": "key", "Values": [name]}, {"Name": "value", "Values": [value]}]
    tagged = sorted({str(row["ResourceId"]) for row in _rows(client, filters)})
    carried = _all_tags(client, tagged)
    wanted = [id for id in tagged if _meant(carried.get(id, {}), tags)]
    yield from spot.lingering(client, {id: carried[id] for id in wanted})
    for kind in kinds.KINDS:
        # Tags outlive what carried them: machines and gateways are shown for another hour.
        for id, known_as in kind.alive(client, wanted):
            mine = carried[id]
            yield Found(kind=kind.name, id=known_as, name=mine.get("Name", known_as), tags=mine)


def _meant(carried: Mapping[str, str], tags: Mapping[str, str]) -> bool:
    other_env = "mcis" in tags and ENV not in tags and ENV in carried
    return tags.items() <= carried.items() and not other_env


def _rows(client: Any, filters: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for page in client.get_paginator("describe_tags").paginate(Filters=list(filters)):
        yield from page["Tags"]


def _all_tags(client: Any, ids: Sequence[str]) -> Mapping[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(ids), IDS_AT_ONCE):
        wanted = {"Name": "resource-id", "Values": list(ids[start : start + IDS_AT_ONCE])}
        for row in _rows(client, [wanted]):
            found.setdefault(row["ResourceId"], {})[row["Key"]] = row["Value"]
    return found
