"""One opened local cloud: its folder, database, backend and lock, for the modules that work on it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcis_iac.local_cloud import lockfile, records, trash
from mcis_iac.local_cloud.records import Record, Settings
from mcis_iac.local_cloud.store import Store
from mcis_iac.local_cloud.types import Backend, Fabric, Instance, LocalCloudError, Machine

Alive = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`empty_trash` is handed the trash folder at the end of every deletion."""

    name: str
    directory: Path
    store: Store
    backend: Backend
    settings: Settings
    reason: str
    empty_trash: trash.Emptier

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held around everything that starts, stops or connects machines; the host's troubles are ours."""
        with lockfile.held(self.directory / "lock"):
            try:
                yield
            except (OSError, subprocess.SubprocessError) as error:
                raise LocalCloudError(code="host", message=f"the host failed: {error}") from error

    def volume(self, id: str) -> Path:
        return self.directory / "vol" / id

    def machine(self, record: Record) -> Machine:
        return record.machine(self.settings, self.directory)

    def load(self, ids: Iterable[str] | None = None) -> dict[str, Record]:
        with self.store.read() as db:
            return records.load(db, None if ids is None else list(ids))

    def alive(self, found: Mapping[str, Record]) -> Alive:
        """Which of them run, by observation: what an earlier boot of the host recorded does not."""
        machines = [self.machine(each) for each in found.values() if each.process is not None]
        return self.backend.alive(machines) if machines else frozenset()

    def instances(self, ids: Iterable[str] | None = None) -> dict[str, Instance]:
        """What exists, as observed now."""
        found = self.load(ids)
        return self.seen(found, self.alive(found))

    def seen(self, found: Mapping[str, Record], alive: Alive) -> dict[str, Instance]:
        name = self.backend.name
        return {id: each.instance(self.settings, name, alive=id in alive) for id, each in found.items()}

    def connect(self, booting: Iterable[str] = ()) -> None:
        """Make the network what it should be: everything that runs, and what is about to."""
        with self.store.read() as db:
            found = records.load(db)
            groups = tuple(map(records.security_group, db.execute("SELECT * FROM security_group")))
        wanted = self.alive(found) | frozenset(booting)
        machines = tuple(self.machine(each) for id, each in found.items() if id in wanted)
        self.backend.connect(Fabric(machines=machines, groups=groups))
