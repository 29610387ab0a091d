"""Opening a stack for an operation: engine, plugins, names, recovery of what dead processes left."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mcis_iac.actions import inventory as inventories
from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Found
from mcis_iac.engine import bootstrap, operations, recovery
from mcis_iac.engine.checkpoint import Pending
from mcis_iac.engine.events import Event
from mcis_iac.engine.held import hold
from mcis_iac.engine.session import Session
from mcis_iac.engine.subjects import Subjects
from mcis_iac.flows.ground import Standing
from mcis_iac.model import Connection, Inventory, Subject
from mcis_iac.program import naming
from mcis_iac.program.graph import Graph


def open_session(here: Standing) -> Session:
    """The stack's session; installs the engine when there is none, with progress as events."""
    request = here.request

    def say(line: str) -> None:
        request.listen(Event(kind="op_progress", mcis=here.name, env=here.env, fields={"message": line}))

    return Session.open(
        here.home,
        project=here.namespace,
        stack=here.stack,
        backend_url=os.environ.get("MCIS_BACKEND") or here.backend,
        engine=bootstrap.ensure(say),
        plugins=plugins(here.connections.values()),
        variables=tuple(variables(here.connections.values())),
    )


def plugins(connections: Iterable[Connection]) -> dict[str, Path]:
    """Provider name -> directory of its program, for the clouds whose provider we ship."""
    scripts = Path(sysconfig.get_path("scripts"))
    used = {connection.cloud for connection in connections}
    return {registry.graph(c).PACKAGE: scripts for c in used if registry.graph(c).SHIPS_PLUGIN}


def variables(connections: Iterable[Connection]) -> Iterator[str]:
    """Names of the environment variables the providers of those connections may see."""
    for connection in connections:
        yield from registry.graph(connection.cloud).VARIABLES


def subjects(here: Standing, graph: Graph | None, known: Inventory) -> Subjects:
    """How screens and events call the stack's resources, gone VMs included."""
    gone = {
        vm.name: Subject(
            group=vm.group, vm=vm.name, connection=vm.connection, cloud=vm.cloud, region=vm.region
        )
        for vm in known.vms
    }
    clouds = {name: connection.cloud for name, connection in here.connections.items()}
    tokens = {token for cloud in clouds.values() for token in registry.graph(cloud).VM_TOKENS}
    return Subjects.of(graph, mcis=here.name, env=here.env, vm_tokens=tokens, clouds=clouds, extra=gone)


@contextmanager
def held(here: Standing, verb: str) -> Iterator[Session]:
    """Hold the stack, clear away what dead processes left, and give the session."""
    here.home.create()
    with hold(here.home, verb, here.request.words):
        session = open_session(here)
        recover(here, session)
        yield session


def recover(here: Standing, session: Session) -> None:
    """Locks of the dead and operations that never ended; each thing done is told as an event."""

    def tell(line: str) -> None:
        fields = {"severity": "note", "summary": line}
        here.request.listen(Event(kind="diagnostic", mcis=here.name, env=here.env, fields=fields))

    for line in recovery.recover(session, lambda pending: _adopt(here, pending), tell):
        tell(line)


def _adopt(here: Standing, pending: Pending) -> str | None:
    """The id of what an unfinished create made, if its cloud can tell and a repeat would not find it."""
    told = naming.subject_of(pending.resource.key)
    candidates = here.connections.values() if told.connection is None else [here.connections[told.connection]]
    for connection in candidates:
        lookup = registry.lookup(connection.cloud)
        if lookup.CREATE_ADOPTS or not pending.tags:
            continue
        for found in lookup.find(connection, dict(pending.tags)):
            if found.name == pending.resource.inputs.get("name"):
                return found.id
    return None


def sweep(here: Standing, more: Mapping[str, str] | None = None) -> tuple[Found, ...]:
    """Delete whatever still carries this MCIS's tags in any of its clouds; returns what there was."""
    tags = {**here.tags, **(more or {})}
    return tuple(
        found
        for connection in here.connections.values()
        for found in registry.lookup(connection.cloud).sweep(connection, tags)
    )


def sweep_unknown(here: Standing, session: Session) -> tuple[Found, ...]:
    """Delete machines that carry our tags and are in no state: they would hold what the state has."""
    known = {one.id for one in operations.state(session)}
    swept: list[Found] = []
    for connection in here.connections.values():
        lookup = registry.lookup(connection.cloud)
        for found in lookup.find(connection, here.tags):
            vm = found.tags.get("mcis-vm")
            if found.kind == "instance" and vm and found.id not in known:
                swept += lookup.sweep(connection, {**here.tags, "mcis-vm": vm})
    return tuple(swept)


def known_inventory(here: Standing) -> Inventory:
    """What the last operation left."""
    return inventories.read(here.home.inventory)
