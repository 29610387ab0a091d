"""Finding and sweeping what is ours on Google Cloud, whether in state or not.

Machines, disks and addresses are found by their labels; networks, subnetworks, routers and firewalls
have none and are found by their descriptions. Boot disks and NAT gateways go with what they belong to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from mcis_iac.clouds.base import Found
from mcis_iac.clouds.gcp.api import Api, Json, relative
from mcis_iac.clouds.gcp.labels import described, labels
from mcis_iac.errors import OperationError
from mcis_iac.model import Connection

CREATE_ADOPTS = False
ENV = "mcis-env"
# What uses something else goes first.
ORDER = ("instance", "disk", "address", "firewall", "router", "subnetwork", "network")
LABELLED = {"instances": "instance", "disks": "disk", "addresses": "address"}
DESCRIBED = {"routers": "router", "subnetworks": "subnetwork"}
EVERYWHERE = {"firewalls": "firewall", "networks": "network"}


def find(connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
    """Everything of the connection's project that carries all those tags, machines first."""
    with Api(connection) as api:
        return _find(api, tags)


def sweep(connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
    """Delete all of that, kind by kind, and return it; without tags nothing is ours."""
    if not tags:
        return ()
    with Api(connection) as api:
        found = _find(api, tags)
        for _, things in groupby(found, key=lambda each: each.kind):
            begun = [api.delete(each.id) for each in things]
            for operation in begun:
                if operation is not None:
                    api.wait(operation)
    return found


def _find(api: Api, tags: Mapping[str, str]) -> Sequence[Found]:
    wanted = labels(tags)
    found = [each for each in _ours(api) if wanted.items() <= each.tags.items()]
    if "mcis" in tags and ENV not in tags:
        found = [each for each in found if ENV not in each.tags]
    return sorted(found, key=lambda each: (ORDER.index(each.kind), each.name, each.id))


def _ours(api: Api) -> Iterator[Found]:
    for plural, kind in LABELLED.items():
        for item in _everywhere(api, plural, filter="labels.mcis:*"):
            yield _found(kind, item, item.get("labels", {}))
    for plural, kind in DESCRIBED.items():
        for item in _everywhere(api, plural):
            yield from _by_description(kind, item)
    for plural, kind in EVERYWHERE.items():
        for item in api.listed(f"projects/{api.project}/global/{plural}"):
            yield from _by_description(kind, item)


def _everywhere(api: Api, plural: str, **params: str) -> Iterator[Json]:
    """All of a kind; what is in a place that does not answer must not pass for gone."""
    for each in api.aggregated(api.project, plural, **params):
        if each.item is None:
            raise OperationError(
                summary="Google Cloud does not answer for every place",
                detail=f"{each.scope} could not be asked for {plural}",
                hint="try again later",
            )
        yield each.item


def _by_description(kind: str, item: Json) -> Iterator[Found]:
    tags = described(str(item.get("description", "")))
    if tags:
        yield _found(kind, item, tags)


def _found(kind: str, item: Json, tags: Mapping[str, str]) -> Found:
    return Found(kind=kind, id=relative(str(item["selfLink"])), name=str(item["name"]), tags=dict(tags))
