"""Is everything here that the other verbs need? What was found, why it was taken, what to do.

Nothing is changed, in no cloud either: what they are asked is read-only. With a manifest in reach its
own connections are looked at, and what it wants of each region beside what it has already.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mcis_iac import __version__
from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Demand
from mcis_iac.engine import bootstrap
from mcis_iac.engine.events import Event
from mcis_iac.errors import ManifestError, McisError, UsageError
from mcis_iac.flows import demands, plugins
from mcis_iac.flows.ground import ground
from mcis_iac.flows.stack import plugins as shipped
from mcis_iac.manifest.load import manifest_path
from mcis_iac.model import Connection
from mcis_iac.pipeline import Finding, Request
from mcis_iac.placement.pins import guess


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is looked at: connections, and what is wanted of each. `trouble` is with the manifest."""

    connections: tuple[Connection, ...]
    demands: Mapping[str, Sequence[Demand]]
    trouble: tuple[Finding, ...] = ()

    @property
    def clouds(self) -> tuple[str, ...]:
        """The clouds of the connections, each once."""
        return tuple(dict.fromkeys(connection.cloud for connection in self.connections))


def doctor(request: Request, *, target: str | None = None, install: bool = False) -> tuple[Finding, ...]:
    """Look at everything, or of the clouds only at `target`, a cloud or a connection.

    With `install`, get first what is missing of the engine and of the plugins.
    """
    scope = look_at(request, target)
    if install:

        def say(line: str) -> None:
            request.listen(Event(kind="op_progress", fields={"message": line}))

        plugins.install(plugins.needed(scope.clouds), bootstrap.ensure(say), say)
    return tuple(_findings(scope))


def _findings(scope: Scope) -> Iterator[Finding]:
    python = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    yield Finding(topic="mcis", ok=True, found=f"{__version__} on Python {python}")
    yield from _engine()
    yield _folder()
    yield _secrets()
    yield from scope.trouble
    yield from _plugins(scope)
    for connection in scope.connections:
        yield from _cloud(connection, scope.demands.get(connection.name, ()))
    ssh = shutil.which("ssh")
    hint = "" if ssh else "install an OpenSSH client; only `mcis ssh` needs it"
    yield Finding(topic="ssh", ok=ssh is not None, found=ssh or "not found", hint=hint)


# ---------------------------------------------------------------- what is looked at


def look_at(request: Request, target: str | None) -> Scope:
    """The connections of the manifest in reach, else those that need no account; or the target's."""
    trouble: tuple[Finding, ...] = ()
    known: Mapping[str, Connection] = {}
    wanted: Mapping[str, Sequence[Demand]] = {}
    used: set[str] = set()
    if request.file != "." or manifest_path(request.file).exists():
        try:
            here = ground(request)
            known = here.mcis.connections
            used = {group.placement.connection for group in here.mcis.groups.values()}
            wanted = demands.of(here)
        except ManifestError as error:
            trouble = (_broken(request, error),)
    if target is not None:
        return Scope(connections=_named(target, known), demands=wanted, trouble=trouble)
    chosen = tuple(connection for name, connection in known.items() if name in used)
    return Scope(connections=chosen or _own(), demands=wanted, trouble=trouble)


def _broken(request: Request, error: ManifestError) -> Finding:
    hint = f"mcis validate {request.words}".strip()
    return Finding(topic="manifest", ok=False, found=error.summary, why=error.detail, hint=hint)


def _named(target: str, known: Mapping[str, Connection]) -> tuple[Connection, ...]:
    """The connection of that name, else all of that cloud, else the cloud's own default."""
    if target in known:
        return (known[target],)
    if target in registry.CLOUDS:
        found = tuple(connection for connection in known.values() if connection.cloud == target)
        return found or (Connection(name=target, cloud=target),)
    names = dict.fromkeys((*known, *registry.CLOUDS))
    nearest = guess(target, names)
    raise UsageError(
        summary="no such cloud or connection",
        detail=f"`{target}` is none of {', '.join(names)}",
        hint=f"mcis doctor {nearest}" if nearest else "",
    )


def _own() -> tuple[Connection, ...]:
    """One default connection per cloud that works without an account."""
    return tuple(
        Connection(name=cloud, cloud=cloud) for cloud in registry.CLOUDS if registry.graph(cloud).SHIPS_PLUGIN
    )


# ---------------------------------------------------------------- this machine


def _engine() -> Iterator[Finding]:
    chosen = bootstrap.find()
    for candidate in bootstrap.survey():
        if chosen is not None and candidate.path == chosen.path:
            yield Finding(
                topic="engine", ok=True, found=f"pulumi {chosen.version} {chosen.path}", why=chosen.why
            )
        elif candidate.problem:
            # A bad candidate matters only while there is no good one.
            yield Finding(
                topic="engine", ok=chosen is not None, found=str(candidate.path), why=candidate.problem
            )
    if chosen is None:
        where = f"will be kept in {bootstrap.engine_dir()}"
        yield Finding(topic="engine", ok=False, found="none", why=where, hint="mcis doctor --install")


def _folder() -> Finding:
    folder = bootstrap.data_dir()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    fine = os.access(there, os.W_OK | os.X_OK)
    hint = "" if fine else "make it writable, or name another with MCIS_DATA_DIR"
    return Finding(topic="data folder", ok=fine, found=str(folder), hint=hint)


def _secrets() -> Finding:
    named = next((name for name in ("MCIS_PASSPHRASE", "MCIS_PASSPHRASE_FILE") if os.environ.get(name)), None)
    found = f"from {named}" if named else "one generated per checkout, in .mcis/passphrase"
    return Finding(topic="state secrets", ok=True, found=found)


def _plugins(scope: Scope) -> Iterator[Finding]:
    for name, folder in shipped(scope.connections).items():
        path = folder / f"pulumi-resource-{name}"
        hint = "" if path.exists() else "install the package again: its programs are missing"
        yield Finding(topic=f"plugin {name}", ok=path.exists(), found=str(path), hint=hint)
    for plugin in plugins.needed(scope.clouds):
        there = f"v{plugin.version} {plugin.folder}"
        others = ", ".join(f"v{version}" for version in plugin.others)
        yield Finding(
            topic=f"plugin {plugin.package}",
            ok=plugin.present,
            found=there if plugin.present else f"v{plugin.version} is missing",
            why="" if plugin.present or not others else f"{others} will not do",
            hint="" if plugin.present else f"mcis doctor {plugin.cloud} --install, or {plugin.command}",
        )


# ---------------------------------------------------------------- clouds


def _cloud(connection: Connection, wanted: Sequence[Demand]) -> Iterator[Finding]:
    module = registry.doctor(connection.cloud)
    if module is None:
        yield _ready(connection)
        return
    for check in module.check(connection, wanted):
        topic = f"{connection.name}: {check.topic}"
        yield Finding(topic=topic, ok=check.ok, found=check.found, why=check.why, hint=check.hint)


def _ready(connection: Connection) -> Finding:
    topic = f"{connection.name}: cloud"
    try:
        notices = registry.lifecycle(connection.cloud).notices(connection)
    except McisError as error:
        return Finding(topic=topic, ok=False, found=error.summary, why=error.detail, hint=error.hint)
    return Finding(topic=topic, ok=True, found="; ".join(notices) or "ready")
