"""Before machines go: giving up what would outlive them, in the clouds that have such things."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import CanRelease
from mcis_iac.engine import operations
from mcis_iac.engine.session import Session
from mcis_iac.errors import McisError
from mcis_iac.flows.ground import Standing
from mcis_iac.program import naming
from mcis_iac.program.graph import Graph


def release(here: Standing, session: Session, names: Collection[str] | None = None) -> tuple[str, ...]:
    """Give up what those VMs hold (None = all); a sentence for each connection where that failed.

    Neither the state nor a cloud is asked where nothing can be held.
    """
    nobody_goes = names is not None and not names
    clouds = {} if nobody_goes else dict(_able(here))
    if not clouds or session.absent:
        return ()
    machines = [one for one in operations.state(session) if names is None or one.key in names]
    failed: list[str] = []
    for name, lookup in clouds.items():
        provider = naming.provider(name)
        mine = {one.id: one for one in machines if one.id and one.provider == provider}
        holding = {id: one for id, one in mine.items() if lookup.holds(one.inputs)}
        if not holding:
            continue
        try:
            lookup.release(here.connections[name], {id: one.inputs for id, one in holding.items()})
        except McisError as error:  # it keeps nobody from deleting, but leaves something to do
            listed = ", ".join(one.key for one in holding.values())
            failed.append(f"{listed}: {error.detail or error.summary}; {lookup.BY_HAND}")
    return tuple(failed)


def _able(here: Standing) -> Iterator[tuple[str, CanRelease]]:
    for name, connection in here.connections.items():
        lookup = registry.lookup(connection.cloud)
        if isinstance(lookup, CanRelease):
            yield name, lookup


def by_hand(graph: Graph, clouds: Collection[str]) -> tuple[str, ...]:
    """What has to be done where the machines of a graph are deleted without mcis, a sentence each."""
    able = [lookup for cloud in sorted(clouds) if isinstance(lookup := registry.lookup(cloud), CanRelease)]
    inputs: list[Mapping[str, Any]] = [resource.inputs for resource in graph.resources]
    return tuple(lookup.BY_HAND for lookup in able if any(map(lookup.holds, inputs)))
