"""Machines that carry the tags of an MCIS and are not in its state: nobody manages them, somebody pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Found
from mcis_iac.engine import operations
from mcis_iac.flows.asked import at_once
from mcis_iac.flows.ground import Standing
from mcis_iac.flows.stack import open_session
from mcis_iac.model import Connection
from mcis_iac.pipeline import Orphan

MACHINE = "instance"


def orphans(here: Standing, meant: Callable[[Connection], bool]) -> tuple[Orphan, ...]:
    """Of all connections that are meant and answer: one that does not is told by the statuses it lacks."""
    known = {one.id for one in operations.state(open_session(here))}
    asked = {name: connection for name, connection in here.connections.items() if meant(connection)}
    found = at_once({name: _Search(connection, here) for name, connection in asked.items()})
    return tuple(
        Orphan(
            connection=name,
            cloud=asked[name].cloud,
            id=each.id,
            name=each.name,
            vm=each.tags.get("mcis-vm", ""),
        )
        for name, answer in found.items()
        if not isinstance(answer, Exception)
        for each in answer
        if each.kind == MACHINE and each.id not in known
    )


class _Search:
    """Everything of one connection that carries the tags."""

    def __init__(self, connection: Connection, here: Standing) -> None:
        self._connection, self._tags = connection, here.tags

    def __call__(self) -> Sequence[Found]:
        return registry.lookup(self._connection.cloud).find(self._connection, self._tags)
