"""The ids behind the names a manifest has for what is there already, such as a network of the operator.

A cloud tells them once; from then on the lock has them, so that every checkout and every offline verb
sees the same. A name that changes is asked for anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import CanName, PlaceQuery
from mcis_iac.model import Mcis, Member
from mcis_iac.placement.lock_data import Place

Places = Mapping[str, Mapping[str, Place]]


def wanted(mcis: Mcis, members: Iterable[Member]) -> Iterator[tuple[str, PlaceQuery]]:
    """Every name in use that stands for an id, with its connection; works offline."""
    for connection, region in dict.fromkeys((member.connection, member.region) for member in members):
        module = registry.graph(mcis.connections[connection].cloud)
        if isinstance(module, CanName):
            for what, name in module.names(mcis.connections[connection], region).items():
                yield connection, PlaceQuery(region=region, what=what, name=name)


def kept(mcis: Mcis, members: Iterable[Member], before: Places) -> Places:
    """What of the ids known so far still belongs to a name in use."""
    found: dict[str, dict[str, Place]] = {}
    for connection, query in wanted(mcis, members):
        place = f"{connection}/{query.region}"
        known = before.get(place, {}).get(query.what)
        if known is not None and known.name == query.name:
            found.setdefault(place, {})[query.what] = known
    return found


def learned(before: Places, connection: str, ids: Mapping[PlaceQuery, str]) -> Places:
    """The ids known so far and those a cloud has told."""
    found = {place: dict(known) for place, known in before.items()}
    for query, id in ids.items():
        known = found.setdefault(f"{connection}/{query.region}", {})
        known[query.what] = Place(name=query.name, id=id)
    return found


def ids(places: Places) -> Mapping[str, Mapping[str, str]]:
    """What a plan wants to know of them."""
    return {place: {what: each.id for what, each in known.items()} for place, known in places.items()}
