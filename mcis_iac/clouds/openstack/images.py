"""From what people call an image to its id, and from the external network's name to its id.

Images have the names each operator gives them, so an alias is a list of patterns, the likeliest first;
within the first that matches anything, images everybody sees go before one's own, newer before older.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from mcis_iac.clouds.base import Arch, ImageQuery, PlaceQuery
from mcis_iac.clouds.openstack import datafiles, session
from mcis_iac.errors import OperationError
from mcis_iac.model import Connection

ACTIVE = "active"
PUBLIC = "public"


def resolve(connection: Connection, queries: Sequence[ImageQuery]) -> Mapping[ImageQuery, str]:
    """The id of each; one that does not exist in its region is left out."""
    found: dict[ImageQuery, str] = {}
    for region in dict.fromkeys(query.region for query in queries):
        with session.opened(connection, region) as cloud:
            there = [image for image in cloud.image.images() if image.status == ACTIVE]
        for query in (query for query in queries if query.region == region):
            chosen = _chosen(there, query)
            if chosen is not None:
                found[query] = str(chosen.id)
    return found


def places(connection: Connection, queries: Sequence[PlaceQuery]) -> Mapping[PlaceQuery, str]:
    """The ids of external networks, the only names that stand for one here.

    OperationError when there is no such network.
    """
    found: dict[PlaceQuery, str] = {}
    for query in queries:
        with session.opened(connection, query.region) as cloud:
            network, others = external(cloud, query.name)
        if network is None:
            raise OperationError(
                summary="no such external network",
                detail=f"{connection.name}/{query.region}: `{query.name}` is not one network "
                "that leads outside",
                hint=f"set `external_network` of connections.{connection.name} to one of "
                f"{', '.join(others) or 'none: ask the operator'}",
            )
        found[query] = str(network.id)
    return found


def external(cloud: Any, name: str) -> tuple[Any, list[str]]:
    """The external network of that name, None unless there is exactly one; and the names of all."""
    outside = [each for each in cloud.network.networks() if each.is_router_external]
    named = [each for each in outside if each.name == name]
    return (named[0] if len(named) == 1 else None), sorted({str(each.name) for each in outside})


def _chosen(images: Sequence[Any], query: ImageQuery) -> Any:
    entry = dict(query.entry)
    if "id" in entry:
        return next((image for image in images if image.id == entry["id"]), None)
    if "name" in entry:
        return _newest(image for image in images if fnmatchcase(str(image.name), entry["name"]))
    known = datafiles.read("images")
    fitting = [image for image in images if _fits(image, query.arch, known["not"])]
    for pattern in known["aliases"].get(query.alias, ()):
        newest = _newest(image for image in fitting if fnmatchcase(_name(image), pattern))
        if newest is not None:
            return newest
    return None


def _newest(images: Iterator[Any]) -> Any:
    return max(
        images,
        key=lambda image: (image.visibility == PUBLIC, str(image.created_at), str(image.id)),
        default=None,
    )


def _name(image: Any) -> str:
    return str(image.name).lower()


def _fits(image: Any, arch: Arch, special: Sequence[str]) -> bool:
    """Whether it is an ordinary image for that processor; without a property, its name tells."""
    name, words = _name(image), datafiles.read("images")["arch"]
    if any(fnmatchcase(name, pattern) for pattern in special):
        return False
    declared = str(image.architecture or (image.properties or {}).get("hw_architecture") or "").lower()
    if declared:
        return declared in words[arch]
    others = (word for kind, kinds in words.items() if kind != arch for word in kinds)
    return not any(word in name for word in others)
