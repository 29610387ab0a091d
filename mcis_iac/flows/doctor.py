"""Is everything here that the other verbs need? What was found, why it was taken, what to do."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator

from mcis_iac import __version__
from mcis_iac.clouds import registry
from mcis_iac.engine import bootstrap
from mcis_iac.engine.events import Event, Listener
from mcis_iac.errors import McisError
from mcis_iac.flows.stack import plugins
from mcis_iac.model import Connection
from mcis_iac.pipeline import Finding


def doctor(*, install: bool, listen: Listener) -> tuple[Finding, ...]:
    """Look at everything; with `install`, get the engine first if there is none."""
    if install:
        bootstrap.ensure(lambda line: listen(Event(kind="op_progress", fields={"message": line})))
    return tuple(_findings())


def _findings() -> Iterator[Finding]:
    python = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    yield Finding(topic="mcis", ok=True, found=f"{__version__} on Python {python}")
    yield from _engine()
    yield _folder()
    yield _secrets()
    for name, folder in plugins(_own_connections()).items():
        path = folder / f"pulumi-resource-{name}"
        todo = "" if path.exists() else "install the package again: its programs are missing"
        yield Finding(topic=f"plugin {name}", ok=path.exists(), found=str(path), todo=todo)
    for connection in _own_connections():
        yield from _cloud(connection)
    ssh = shutil.which("ssh")
    todo = "" if ssh else "install an OpenSSH client; only `mcis ssh` needs it"
    yield Finding(topic="ssh", ok=ssh is not None, found=ssh or "not found", todo=todo)


def _own_connections() -> tuple[Connection, ...]:
    """One default connection per cloud that works without an account."""
    return tuple(
        Connection(name=cloud, cloud=cloud) for cloud in registry.CLOUDS if registry.graph(cloud).SHIPS_PLUGIN
    )


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
        yield Finding(topic="engine", ok=False, found="none", why=where, todo="mcis doctor --install")


def _folder() -> Finding:
    folder = bootstrap.data_dir()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    fine = os.access(there, os.W_OK | os.X_OK)
    todo = "" if fine else "make it writable, or name another with MCIS_DATA_DIR"
    return Finding(topic="data folder", ok=fine, found=str(folder), todo=todo)


def _secrets() -> Finding:
    named = next((name for name in ("MCIS_PASSPHRASE", "MCIS_PASSPHRASE_FILE") if os.environ.get(name)), None)
    found = f"from {named}" if named else "one generated per checkout, in .mcis/passphrase"
    return Finding(topic="state secrets", ok=True, found=found)


def _cloud(connection: Connection) -> Iterator[Finding]:
    topic = f"cloud {connection.name}"
    try:
        notices = registry.lifecycle(connection.cloud).notices(connection)
    except McisError as error:
        yield Finding(topic=topic, ok=False, found=error.summary, why=error.detail, todo=error.hint)
        return
    yield Finding(topic=topic, ok=True, found="; ".join(notices) or "ready")
