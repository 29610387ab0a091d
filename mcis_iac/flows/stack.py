"""Opening a stack for an operation: engine, plugins, names, recovery of what dead processes left."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcis_iac.actions import inventory as inventories
from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Found
from mcis_iac.engine import bootstrap, operations, recovery
from mcis_iac.engine.events import Event
from mcis_iac.engine.held import hold
from mcis_iac.engine.session import Session
from mcis_iac.engine.subjects import Subjects
from mcis_iac.errors import McisError
from mcis_iac.flows.adoption import Adoption
from mcis_iac.flows.ground import Standing
from mcis_iac.flows.plugins import require
from mcis_iac.model import Connection, Inventory, Subject
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
    """Names of the environment variables those connections' providers may see, the user's own included."""
    for connection in connections:
        yield from registry.graph(connection.cloud).VARIABLES
        yield from (connection.settings.get("env") or {}).values()


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
    modules = [registry.graph(cloud) for cloud in set(clouds.values())]
    return Subjects.of(
        graph,
        mcis=here.name,
        env=here.env,
        vm_tokens=tokens,
        clouds=clouds,
        extra=gone,
        refusals={module.PACKAGE: module.CREDENTIAL_ERRORS for module in modules},
    )


@contextmanager
def held(here: Standing, verb: str) -> Iterator[Session]:
    """Hold the stack, clear away what dead processes left, and give the session.

    EngineError when a plugin that what exists was made with is not on this machine.
    """
    here.home.create()
    with hold(here.home, verb, here.request.words):
        require({vm.cloud for vm in known_inventory(here).vms}, here.request)
        session = open_session(here)
        recover(here, session)
        yield session


def recover(here: Standing, session: Session) -> None:
    """Locks of the dead and operations that never ended; each thing done is told as an event."""

    def tell(line: str) -> None:
        fields = {"severity": "note", "summary": line}
        here.request.listen(Event(kind="diagnostic", mcis=here.name, env=here.env, fields=fields))

    for line in recovery.recover(session, Adoption(here), tell):
        tell(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What searches by tag deleted; `unasked` has a sentence for each cloud that could not be searched."""

    found: tuple[Found, ...] = ()
    unasked: tuple[str, ...] = ()

    def __add__(self, other: Swept) -> Swept:
        unasked = dict.fromkeys((*self.unasked, *other.unasked))
        return Swept(found=(*self.found, *other.found), unasked=tuple(unasked))


def sweep(here: Standing, more: Mapping[str, str] | None = None) -> Swept:
    """Delete whatever still carries this MCIS's tags in any of its clouds."""
    tags = {**here.tags, **(more or {})}
    return _in_every_cloud(here, lambda connection: registry.lookup(connection.cloud).sweep(connection, tags))


def sweep_unknown(here: Standing, session: Session) -> Swept:
    """Delete machines that carry our tags and are in no state: they would hold what the state has."""
    known = {one.id for one in operations.state(session)}

    def search(connection: Connection) -> Iterator[Found]:
        lookup = registry.lookup(connection.cloud)
        for found in lookup.find(connection, here.tags):
            vm = found.tags.get("mcis-vm")
            if found.kind == "instance" and vm and found.id not in known:
                yield from lookup.sweep(connection, {**here.tags, "mcis-vm": vm})

    return _in_every_cloud(here, search)


def _in_every_cloud(here: Standing, search: Callable[[Connection], Iterable[Found]]) -> Swept:
    """A cloud that does not answer keeps nobody from the others, nor from what the state knows."""
    found: list[Found] = []
    unasked: list[str] = []
    for name, connection in here.connections.items():
        try:
            found += search(connection)
        except McisError as error:
            why = error.detail or error.summary
            unasked.append(f"{name} could not be searched for what is in no state: {why}")
    return Swept(found=tuple(found), unasked=tuple(unasked))


def known_inventory(here: Standing) -> Inventory:
    """What the last operation left."""
    return inventories.read(here.home.inventory)
