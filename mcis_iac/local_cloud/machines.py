"""Batches of machines: create, start, stop, destroy, and tidying up after processes that died.

The protocol of a batch: rows first (`pending`, with id, number and addresses), then files, then
the network as it will be, then the boot; each process is stored before it may run. So a creator
killed at any point leaves a row, or nothing that runs. No transaction is open while machines boot.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

from mcis_iac.local_cloud import bootconfig, instances, records, trash
from mcis_iac.local_cloud.hostkeys import HostKey
from mcis_iac.local_cloud.instances import Reservations
from mcis_iac.local_cloud.records import Record, dump
from mcis_iac.local_cloud.site import Site
from mcis_iac.local_cloud.types import (
    Booted,
    BootPlan,
    Instance,
    InstanceSpec,
    LocalCloudError,
    Machine,
    Process,
)

Errors = dict[str, LocalCloudError]


def create(site: Site, specs: Sequence[InstanceSpec]) -> list[Instance | LocalCloudError]:
    """One batch under the lock; in the order of `specs`, the instance or why there is none."""
    if not specs:
        return []
    with site.lock():
        kill_orphans(site)
        discard_stale(site, specs)
        with site.store.write() as db:
            book = Reservations(db, site.settings)
            places = [_place(book, spec) for spec in specs]
        found = site.load([place for place in places if isinstance(place, str)])
        alive = site.alive({id: each for id, each in found.items() if id not in book.keys})
        errors = bring_up(site, {id: each for id, each in found.items() if id not in alive}, book.keys)
        destroy(site, [id for id in errors if id in book.keys])
        result = site.instances(found)
    return [
        place if isinstance(place, LocalCloudError) else errors.get(place) or result[place]
        for place in places
    ]


def discard_stale(site: Site, specs: Sequence[InstanceSpec]) -> None:
    """Remove what an earlier try left with other properties; somebody else's is left alone."""
    stale = []
    with site.store.read() as db:
        for spec in specs:
            with suppress(LocalCloudError):
                record, left_over = instances.existing(db, spec)
                if record is not None and left_over:
                    stale.append(record.id)
    destroy(site, stale)


def _place(book: Reservations, spec: InstanceSpec) -> str | LocalCloudError:
    """The id of the row for a spec: new, taken over, or already running."""
    try:
        record, _ = instances.existing(book.db, spec)
        instances.check(book.db, spec, mine=record.id if record else None)
        if record is None:
            return book.reserve(spec)
        adjust(book, record, spec)
        if record.phase == "pending" and record.id not in book.keys:
            return book.renew(record)
    except LocalCloudError as error:
        return error
    return record.id


def adjust(book: Reservations, record: Record, spec: InstanceSpec) -> None:
    """What may change in place becomes as asked."""
    if record.spec == spec:
        return
    changes = (spec.flavor, dump(dict(spec.tags)), record.id)
    book.db.execute("UPDATE instance SET flavor=?, tags=? WHERE id=?", changes)
    instances.set_groups(book.db, record.id, spec.security_groups)
    instances.set_volumes(book.db, record.id, spec.volumes)


def bring_up(site: Site, found: Mapping[str, Record], keys: Mapping[str, HostKey]) -> Errors:
    """Boot these; what failed, by id. A failed one does not run and keeps its row."""
    if not found:
        return {}
    errors: Errors = {}
    ready = []
    plans = _plans(site, found)
    for id, record in found.items():
        machine = site.machine(record)
        if id in keys:
            machine = records.first(machine, keys[id].private, plans.get(id, BootPlan()))
        try:
            _prepare(site, machine)
            ready.append(machine)
        except (OSError, LocalCloudError) as error:
            errors[id] = _failure(record, error)
    booted = _boot(site, ready)
    for machine in ready:
        result = booted.get(machine.id, Booted(process=None, error="the backend did not answer for it"))
        if result.error or result.process is None:
            why = result.error or "it did not start"
            errors[machine.id] = LocalCloudError("host", f"{found[machine.id].name} did not come up: {why}")
    _settle(site, booted, errors)
    return errors


def _plans(site: Site, found: Mapping[str, Record]) -> dict[str, BootPlan]:
    """The boot plan of every instance that has one; each shared text is parsed once."""
    wanted = {id: each.row["boot_config"] for id, each in found.items() if each.row["boot_config"]}
    with site.store.read() as db:
        texts = {
            config: db.execute("SELECT user_data FROM boot_config WHERE id=?", (config,)).fetchone()
            for config in set(wanted.values())
        }
    parsed = {config: bootconfig.parse(row["user_data"]) for config, row in texts.items() if row}
    return {id: parsed[config] for id, config in wanted.items() if config in parsed}


def _prepare(site: Site, machine: Machine) -> None:
    for volume, _ in machine.mounts:
        volume.mkdir(parents=True, exist_ok=True)
    if machine.first_boot:
        trash.throw(machine.directory, site.directory / "trash")
        machine.directory.parent.mkdir(mode=0o711, exist_ok=True)
        machine.directory.mkdir(mode=0o711)
        machine.directory.chmod(0o711)
        site.backend.prepare(machine)


def _boot(site: Site, ready: Sequence[Machine]) -> Mapping[str, Booted]:
    """The network first: a machine may talk from its first moment, so its rules must stand."""

    def started(instance: str, process: Process) -> None:
        with site.store.write() as db:
            instances.started(db, instance, process.pid, process.start, process.boot_id)

    if not ready:
        return {}
    try:
        site.connect(booting=[machine.id for machine in ready])
        return site.backend.boot(ready, started)
    except (OSError, LocalCloudError) as error:
        why = error.message if isinstance(error, LocalCloudError) else str(error)
        return {machine.id: Booted(process=None, error=why) for machine in ready}


def _settle(site: Site, booted: Mapping[str, Booted], errors: Errors) -> None:
    """Store what came up, and make sure that what failed is gone from host and network."""
    with site.store.write() as db:
        for id, result in booted.items():
            if id not in errors and result.process is not None:
                process = result.process
                instances.started(db, id, process.pid, process.start, process.boot_id)
                db.execute("UPDATE instance SET phase='created' WHERE id=?", (id,))
    if errors:
        now = site.load(errors)
        site.backend.stop([site.machine(each) for each in now.values()])
        _forget_processes(site, list(now))
        with suppress(OSError, LocalCloudError):
            site.connect()


def _failure(record: Record, error: OSError | LocalCloudError) -> LocalCloudError:
    if isinstance(error, LocalCloudError):
        return error
    why = f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
    return LocalCloudError("host", f"{record.name} could not be made: {why}")


def _forget_processes(site: Site, ids: Sequence[str]) -> None:
    with site.store.write() as db:
        db.executemany("UPDATE instance SET pid=NULL WHERE id=?", [(id,) for id in ids])


def stop(site: Site, ids: Sequence[str]) -> None:
    """End them; their file systems stay."""
    found = known(site, ids)
    site.backend.stop([site.machine(each) for each in found.values()])
    _forget_processes(site, list(found))
    site.connect()


def start(site: Site, ids: Sequence[str]) -> Errors:
    """Boot those that do not run; what failed, by id."""
    found = known(site, ids)
    half = [each.name for each in found.values() if each.phase != "created"]
    if half:
        raise LocalCloudError(code="conflict", message=f"not completely made: {', '.join(half)}")
    alive = site.alive(found)
    return bring_up(site, {id: each for id, each in found.items() if id not in alive}, {})


def known(site: Site, ids: Sequence[str]) -> dict[str, Record]:
    """The records; LocalCloudError("not_found") names what does not exist."""
    found = site.load(ids)
    missing = [id for id in ids if id not in found]
    if missing:
        raise LocalCloudError(code="not_found", message=f"there is no instance {', '.join(missing)}")
    return found


def destroy(site: Site, ids: Sequence[str]) -> None:
    """Remove instances with their files; ids that do not exist are fine. The last one takes the network."""
    found = site.load(ids) if ids else {}
    if not found:
        return
    gone = [(id,) for id in found]
    with site.store.write() as db:
        db.executemany("UPDATE instance SET phase='deleting' WHERE id=?", gone)
    machines = [site.machine(each) for each in found.values()]
    site.backend.stop(machines)
    site.backend.discard(machines)
    for machine in machines:
        trash.throw(machine.directory, site.directory / "trash")
    with site.store.write() as db:
        db.executemany("UPDATE volume SET instance=NULL, mount=NULL WHERE instance=?", gone)
        db.executemany("DELETE FROM instance WHERE id=?", gone)
        last = db.execute("SELECT 1 FROM instance LIMIT 1").fetchone() is None
    # No `connect`: the links are gone with the machines, and what rules still say of their addresses is made
    # anew before another machine gets one. Rules for a thousand VMs take a third of a second per batch.
    if last:
        site.backend.teardown()
    site.empty_trash(site.directory / "trash")


def kill_orphans(site: Site) -> list[str]:
    """End machines of ours that no row speaks of: their creator died at the wrong moment."""
    with site.store.read() as db:
        query = "SELECT id FROM instance WHERE pid IS NOT NULL"
        kept = frozenset(row["id"] for row in db.execute(query))
    pids = site.backend.orphans(kept)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return [f"killed process {pid}, a machine nobody remembers" for pid in pids]


def collect(site: Site) -> list[str]:
    """Remove what dead creators and deleters left; one sentence per thing."""
    done = kill_orphans(site)
    half = {id: each for id, each in site.load().items() if each.phase != "created"}
    done += [f"removed {id} ({each.name}), half {_made(each)}" for id, each in half.items()]
    destroy(site, list(half))
    done += _strays(site)
    left = site.load()
    if left:
        site.connect()
    else:
        site.backend.teardown()
    site.empty_trash(site.directory / "trash")
    return done


def _made(record: Record) -> str:
    return "deleted" if record.phase == "deleting" else "made"


def _strays(site: Site) -> list[str]:
    """Folders without a row."""
    with site.store.read() as db:
        rows = db.execute("SELECT id FROM instance UNION ALL SELECT id FROM volume").fetchall()
    kept = {row["id"] for row in rows}
    folders = [path for part in ("i", "vol") for path in (site.directory / part).glob("*")]
    strays = [path for path in folders if path.name not in kept]
    for path in strays:
        trash.throw(path, site.directory / "trash")
    return [f"removed the folder {path.parent.name}/{path.name}, which belongs to nothing" for path in strays]
