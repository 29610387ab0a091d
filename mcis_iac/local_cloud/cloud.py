"""The front door of one local cloud: every verb of the API, over database, backend and lock.

Small things (networks, keys, addresses) are one transaction. Whatever touches machines or the
network also holds the cloud's lock file; `machines` has the protocol of a batch.
"""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from mcis_iac.local_cloud import (
    adoption,
    assets,
    choose,
    faults,
    instances,
    launching,
    lockfile,
    machines,
    networks,
    places,
    power,
    records,
    removal,
    trash,
)
from mcis_iac.local_cloud.records import Record, Settings, dump
from mcis_iac.local_cloud.site import Site
from mcis_iac.local_cloud.store import Store
from mcis_iac.local_cloud.types import (
    EMPTY,
    Address,
    Attachment,
    BootConfig,
    Instance,
    InstanceSpec,
    KeyPair,
    Launch,
    LaunchTemplate,
    LocalCloudError,
    Network,
    Rule,
    SecurityGroup,
    Subnet,
    Volume,
)

Tags = Mapping[str, str]
Thing = records.Resource | Instance
TAGGED = (
    "network", "security_group", "key_pair", "boot_config", "launch_template", "address", "volume", "instance"
)  # fmt: skip
FIND = {
    kind: f"SELECT {adoption.KEYS.get(kind, 'id')} AS id, name, tags FROM {kind} ORDER BY name"
    for kind in TAGGED
} | {
    "subnet": "SELECT subnet.id AS id, network.name || '/' || subnet.zone AS name, network.tags AS tags "
    "FROM subnet JOIN network ON network.id = subnet.network ORDER BY name, subnet.cidr"
}
CONSOLE_TAIL = 1 << 20


class LocalCloud:
    """One site of the local cloud (see `api.CloudApi`); closed by `close` or a `with` block."""

    def __init__(self, site: Site, backends: Mapping[str, choose.Factory]) -> None:
        self._site = site
        self._backends = backends
        self.site = site.name
        self.backend = site.backend.name
        self.reason = site.reason
        self.directory = site.directory

    @classmethod
    def open(
        cls,
        site: str = "default",
        backend: str = choose.AUTO,
        *,
        backends: Mapping[str, choose.Factory] = choose.FACTORIES,
        empty_trash: trash.Emptier = trash.empty,
    ) -> LocalCloud:
        """Open the site, making it if need be. LocalCloudError says why it cannot be used."""
        directory = places.site_directory(site)
        places.make_private(directory)
        store = Store(directory / "cloud.db")
        try:
            choice = choose.recall(store, backends, directory, backend)
            if choice is None:
                with lockfile.held(directory / "lock"):
                    choice = choose.recall(store, backends, directory, backend)
                    if choice is None:
                        choice = choose.settle(store, backends, directory, backend)
            settings = Settings.of(choice.addressing)
        except BaseException:
            store.close()
            raise
        opened = Site(
            name=site,
            directory=directory,
            store=store,
            backend=choice.backend,
            settings=settings,
            reason=choice.reason,
            empty_trash=empty_trash,
        )
        return cls(opened, backends)

    def close(self) -> None:
        self._site.store.close()

    def __enter__(self) -> LocalCloud:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def store(self) -> Store:
        """For the service tool's faults."""
        return self._site.store

    # ------------------------------------------------------------ small things

    def create_network(self, *, name: str, region: str, cidr: str | None, tags: Tags) -> Network:
        with self._site.store.write() as db:
            return networks.create_network(
                db, self._site.settings, name=name, region_name=region, cidr=cidr, tags=tags
            )

    def create_subnet(self, *, network: str, zone: str, cidr: str | None) -> Subnet:
        with self._site.store.write() as db:
            return networks.create_subnet(db, self._site.settings, network=network, zone=zone, cidr=cidr)

    def create_security_group(
        self, *, name: str, network: str, rules: Sequence[Rule], tags: Tags
    ) -> SecurityGroup:
        with self._site.store.write() as db:
            made = networks.create_security_group(db, name=name, network=network, rules=rules, tags=tags)
            used = _has_members(db, made.id)
        if used:
            self._reconnect()
        return made

    def set_rules(self, group: str, rules: Sequence[Rule]) -> SecurityGroup:
        with self._site.store.write() as db:
            made = networks.set_rules(db, group, rules)
            used = _has_members(db, group)
        if used:
            self._reconnect()
        return made

    def create_key_pair(self, *, name: str, public_key: str, tags: Tags) -> KeyPair:
        with self._site.store.write() as db:
            return assets.create_key_pair(db, name=name, public_key=public_key, tags=tags)

    def create_boot_config(self, *, name: str, user_data: str, tags: Tags) -> BootConfig:
        with self._site.store.write() as db:
            return assets.create_boot_config(db, name=name, user_data=user_data, tags=tags)

    def set_user_data(self, boot_config: str, user_data: str) -> BootConfig:
        with self._site.store.write() as db:
            return assets.set_user_data(db, boot_config, user_data)

    def create_launch_template(
        self, *, name: str, launch: Launch, instance_tags: Tags, tags: Tags
    ) -> LaunchTemplate:
        with self._site.store.write() as db:
            return launching.create(db, name=name, launch=launch, instance_tags=instance_tags, tags=tags)

    def update_launch_template(
        self, template: str, *, boot_config: str | None, instance_tags: Tags, tags: Tags
    ) -> LaunchTemplate:
        with self._site.store.write() as db:
            return launching.update(
                db, template, boot_config=boot_config, instance_tags=instance_tags, tags=tags
            )

    def create_address(self, *, name: str, region: str, tags: Tags) -> Address:
        with self._site.store.write() as db:
            return assets.create_address(db, self._site.settings, name=name, region_name=region, tags=tags)

    def create_volume(self, *, name: str, zone: str, size_gib: int, tags: Tags) -> Volume:
        with self._site.store.write() as db:
            made = assets.create_volume(db, name=name, zone=zone, size_gib=size_gib, tags=tags)
        folder = self._site.volume(made.id)
        try:
            folder.parent.mkdir(mode=0o711, exist_ok=True)
            folder.mkdir(mode=0o755, exist_ok=True)
        except OSError as error:
            raise LocalCloudError(
                code="host", message=f"cannot make the folder of volume {name}: {error}"
            ) from error
        return made

    def grow_volume(self, volume: str, size_gib: int) -> Volume:
        with self._site.store.write() as db:
            return assets.grow_volume(db, volume, size_gib)

    def set_tags(self, resource: str, tags: Tags) -> None:
        kind = adoption.kind_of(resource)
        with self._site.store.write() as db:
            adoption.one(db, kind, resource)
            if kind == "subnet":
                raise LocalCloudError(code="invalid", message="subnets carry no tags")
            key = adoption.KEYS.get(kind, "id")
            db.execute(f"UPDATE {kind} SET tags=? WHERE {key}=?", (dump(dict(tags)), resource))

    # ------------------------------------------------------------ questions

    def get(self, kind: str, id: str) -> Thing | None:
        if kind == "instance":
            return self._site.instances([id]).get(id)
        loader = records.LOADERS.get(kind)
        if loader is None:
            raise LocalCloudError(code="invalid", message=f"there is no kind {kind!r}")
        with self._site.store.read() as db:
            query = f"SELECT * FROM {kind} WHERE {adoption.KEYS.get(kind, 'id')}=?"
            row = db.execute(query, (id,)).fetchone()
        found = None if row is None else loader(row)
        return assets.shown(found, self._site.settings) if isinstance(found, Address) else found

    def instances(self, tags: Tags = EMPTY) -> Sequence[Instance]:
        found = {id: each for id, each in self._site.load().items() if _carries(each.spec.tags, tags)}
        return tuple(self._site.seen(found, self._site.alive(found)).values())

    def find(self, tags: Tags) -> Sequence[tuple[str, str, str, Tags]]:
        """Subnets are found by the tags of their network."""
        found: list[tuple[str, str, str, Tags]] = []
        with self._site.store.read() as db:
            for kind, query in FIND.items():
                for row in db.execute(query):
                    if _carries(carried := records.tags_of(row), tags):
                        found.append((kind, row["id"], row["name"], carried))
        return found

    def console(self, id: str) -> str:
        machines.known(self._site, [id])
        path = self._site.directory / "i" / id / "console.log"
        try:
            with path.open("rb") as log:
                log.seek(max(0, path.stat().st_size - CONSOLE_TAIL))
                return log.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise LocalCloudError(code="host", message=f"cannot read the console of {id}: {error}") from error

    # ------------------------------------------------------------ machines

    def create_instances(self, specs: Sequence[InstanceSpec]) -> Sequence[Instance | LocalCloudError]:
        """One batch. Instances delayed by a fault come in batches of their own, after the others."""
        struck = faults.strike(
            self._site.store, "create", [faults.names(spec.name, spec.tags) for spec in specs]
        )
        results: dict[int, Instance | LocalCloudError] = {}
        waves: defaultdict[float, list[int]] = defaultdict(list)
        for at, misfortune in enumerate(struck):
            waves[misfortune.delay_s].append(at)
        began = time.monotonic()
        for delay_s in sorted(waves):
            time.sleep(max(0.0, began + delay_s - time.monotonic()))
            results |= {at: refusal for at in waves[delay_s] if (refusal := struck[at].error)}
            wanted = [at for at in waves[delay_s] if at not in results]
            made = machines.create(self._site, [specs[at] for at in wanted])
            results |= dict(zip(wanted, made, strict=True))
        return [results[at] for at in range(len(specs))]

    def update_instance(
        self,
        instance: str,
        *,
        flavor: str,
        security_groups: Sequence[str],
        volumes: Sequence[Attachment],
        tags: Tags,
        boot_config: str | None,
    ) -> Instance:
        site = self._site
        with site.lock():
            before = machines.known(site, [instance])[instance]
            with site.store.write() as db:
                parent = adoption.one(db, "subnet", before.row["subnet"])["network"]
                instances.check_flavor(flavor)
                instances.check_groups(db, security_groups, parent)
                zone = f"{before.row['region']}/{before.row['zone']}"
                instances.check_volumes(db, volumes, zone, instance)
                db.execute(
                    "UPDATE instance SET flavor=?, tags=?, boot_config=? WHERE id=?",
                    (flavor, dump(dict(tags)), boot_config, instance),
                )
                instances.set_groups(db, instance, security_groups)
                instances.set_volumes(db, instance, volumes)
            return self._apply(before)

    def _apply(self, before: Record) -> Instance:
        """Make a running machine what its row says now."""
        site = self._site
        found = site.load([before.id])
        now = found[before.id]
        alive = site.alive(found)
        if alive:
            if now.volumes != before.volumes or now.row["flavor"] != before.row["flavor"]:
                site.backend.attach(site.machine(now))
            if now.security_groups != before.security_groups:
                site.connect()
        return site.seen(found, alive)[before.id]

    def power(self, action: str, ids: Sequence[str]) -> Mapping[str, LocalCloudError]:
        """ "stop", "start" or "reboot" a batch: by id, those it was not done to and why."""
        return power.act(self._site, action, ids)

    def stop(self, ids: Sequence[str]) -> None:
        power.raise_all(self.power("stop", ids).values())

    def start(self, ids: Sequence[str]) -> None:
        power.raise_all(self.power("start", ids).values())

    def reboot(self, ids: Sequence[str]) -> None:
        power.raise_all(self.power("reboot", ids).values())

    def delete(self, kind: str, ids: Sequence[str]) -> None:
        if kind == "instance":
            self._destroy(ids)
            return
        if kind not in records.LOADERS:
            raise LocalCloudError(code="invalid", message=f"there is no kind {kind!r}")
        with self._site.store.write() as db:
            for id in ids:
                adoption.remove(db, kind, id)
        if kind == "volume":
            for id in ids:
                trash.throw(self._site.volume(id), self._site.directory / "trash")
            self._site.empty_trash(self._site.directory / "trash")

    def _destroy(self, ids: Sequence[str]) -> None:
        """Those whom no fault spares; raise what went wrong, at the end."""
        found = self._site.load(ids)
        names = [faults.names(found[id].name, found[id].spec.tags) if id in found else (id,) for id in ids]
        struck = faults.strike(self._site.store, "delete", names)
        time.sleep(max((each.delay_s for each in struck), default=0.0))
        with self._site.lock():
            machines.destroy(
                self._site, [id for id, each in zip(ids, struck, strict=True) if each.error is None]
            )
        power.raise_all(each.error for each in struck if each.error is not None)

    def _reconnect(self) -> None:
        with self._site.lock():
            self._site.connect()

    def collect(self) -> Sequence[str]:
        with self._site.lock():
            return machines.collect(self._site)

    def reset(self) -> None:
        self._site.store.close()
        removal.remove(self._site.directory, self._backends)


def _has_members(db: sqlite3.Connection, group: str) -> bool:
    return db.execute("SELECT 1 FROM instance_group WHERE security_group=?", (group,)).fetchone() is not None


def _carries(carried: Tags, wanted: Tags) -> bool:
    return all(carried.get(key) == value for key, value in wanted.items())
