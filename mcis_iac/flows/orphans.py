"""Machines that carry the tags of an MCIS and are not in its state: nobody manages them, somebody pays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Found
from mcis_iac.engine import operations
from mcis_iac.errors import McisError
from mcis_iac.flows.asked import at_once
from mcis_iac.flows.ground import Standing
from mcis_iac.flows.stack import open_session
from mcis_iac.model import Connection
from mcis_iac.pipeline import Orphan

MACHINE = "instance"


def orphans(
    here: Standing, meant: Callable[[Connection], bool]
) -> tuple[tuple[Orphan, ...], tuple[str, ...]]:
    """Of all connections that are meant, and a sentence for each that does not answer."""
    known = {one.id for one in operations.state(open_session(here))}
    asked = {name: connection for name, connection in here.connections.items() if meant(connection)}
    found = at_once({name: _Search(connection, here) for name, connection in asked.items()})
    unasked = tuple(
        f"{name} could not be searched for what is in no state: {answer.detail or answer.summary}"
        for name, answer in found.items()
        if isinstance(answer, McisError)
    )
    return _unknown(found, asked, known), unasked


def _unknown(
    found: Mapping[str, Sequence[Found] | McisError],
    asked: Mapping[str, Connection],
    known: Collection[str | None],
) -> tuple[Orphan, ...]:
    """The machines whose ids the state does not have."""
    return tuple(
        Orphan(
            connection=name,
            cloud=asked[name].cloud,
            id=each.id,
            name=each.name,
            vm=each.tags.get("mcis-vm", ""),
        )
        for name, answer in found.items()
        if not isinstance(answer, McisError)
        for each in answer
        if each.kind == MACHINE and each.id not in known
    )


class _Search:
    """Everything of one connection that carries the tags."""

    def __init__(self, connection: Connection, here: Standing) -> None:
        self._connection, self._tags = connection, here.tags

    def __call__(self) -> Sequence[Found]:
        return registry.lookup(self._connection.cloud).find(self._connection, self._tags)
