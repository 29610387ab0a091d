"""Manifests as values, for tests that begin after the text has been read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mcis_iac.model import Connection, Group, Mcis, Network, Pin, Plan
from mcis_iac.placement.lock import Lock
from mcis_iac.placement.members import Settled, settle

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8"
SEOUL, TOKYO = "local-seoul", "local-tokyo"


def a_group(name: str, count: int = 1, *, region: str = SEOUL, cloud: str = "local", **fields: Any) -> Group:
    """A pinned group; `zone`, `type` and `connection` go to its pin, the rest are its own fields."""
    pin = {part: fields.pop(part) for part in ("zone", "type") if part in fields}
    connection = fields.pop("connection", cloud)
    return Group(name=name, count=count, placement=Pin(connection=connection, region=region, **pin), **fields)


def an_mcis(*groups: Group, **fields: Any) -> Mcis:
    """An MCIS called `shop` of those groups; every connection is of the local cloud unless given."""
    names = {group.placement.connection for group in groups} | {"local"}
    whole: dict[str, Any] = {
        "name": "shop",
        "file": "mcis.yaml",
        "folder": Path("/nowhere"),
        "groups": {group.name: group for group in groups},
        "connections": {name: Connection(name=name, cloud="local") for name in sorted(names)},
        "networks": {"main": Network(name="main")},
    }
    return Mcis(**(whole | fields))


def settled(
    mcis: Mcis,
    lock: Lock | None = None,
    *,
    remove: Sequence[str] = (),
    retry_dropped: bool = False,
    keys: Mapping[str, str] | None = None,
) -> Settled:
    """The MCIS with its members decided, the generated key being known."""
    known = {"generated": KEY} if keys is None else keys
    return settle(mcis, lock or Lock(), remove=remove, retry_dropped=retry_dropped, public_keys=known)


def a_plan(*groups: Group, **fields: Any) -> Plan:
    """The plan of a new MCIS."""
    found = settled(an_mcis(*groups, **fields))
    assert not [problem for problem in found.diagnostics if problem.severity == "error"]
    return found.plan
