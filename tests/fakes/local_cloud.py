"""A local cloud in memory: the whole CloudApi without machines, for the provider's tests.

It remembers in which batches it was asked (`batches`), and can be told to refuse (`refuses`), to
leave a machine stopped (`leaves_stopped`) or to be slow (`takes_s`).
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from mcis_iac.local_cloud.types import (
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


class FakeCloud:
    site, backend, reason = "default", "fake", "a test"

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Any]] = {
            kind: {}
            for kind in (
                "network",
                "subnet",
                "security_group",
                "key_pair",
                "boot_config",
                "launch_template",
                "address",
                "volume",
                "instance",
            )
        }
        self.batches: list[tuple[str, int]] = []
        self.refuses: dict[str, LocalCloudError] = {}
        self.breaks: dict[str, Exception] = {}
        self.leaves_stopped: set[str] = set()
        self.takes_s = 0.0
        self._numbers = count(1)
        self._lock = threading.RLock()

    def _add(self, kind: str, name: str, make: Any, /, **values: Any) -> Any:
        with self._lock:
            if name in self.breaks:
                raise self.breaks[name]
            if name in self.refuses:
                raise self.refuses[name]
            for thing in self.things[kind].values():
                if kind != "subnet" and thing.name == name:
                    return thing
            prefix = {
                "network": "net",
                "subnet": "sub",
                "security_group": "sg",
                "boot_config": "boot",
                "launch_template": "lt",
            }
            id = f"{prefix.get(kind, kind[:3])}-{next(self._numbers):08x}"
            thing = make(id=id, **values)
            self.things[kind][id] = thing
            return thing

    def create_network(self, *, name: str, region: str, cidr: str | None, tags: Tags) -> Network:
        values = {"name": name, "region": region, "cidr": cidr or "10.100.0.0/20", "tags": tags}
        return self._add("network", name, Network, **values)

    def create_subnet(self, *, network: str, zone: str, cidr: str | None) -> Subnet:
        values = {"network": network, "zone": zone, "cidr": cidr or "10.100.1.0/24"}
        return self._add("subnet", zone, Subnet, **values)

    def create_security_group(
        self, *, name: str, network: str, rules: Sequence[Rule], tags: Tags
    ) -> SecurityGroup:
        values = {"name": name, "network": network, "rules": tuple(rules), "tags": tags}
        return self._add("security_group", name, SecurityGroup, **values)

    def set_rules(self, group: str, rules: Sequence[Rule]) -> SecurityGroup:
        return self._change("security_group", group, rules=tuple(rules))

    def create_key_pair(self, *, name: str, public_key: str, tags: Tags) -> KeyPair:
        return self.things["key_pair"].setdefault(name, KeyPair(name=name, public_key=public_key, tags=tags))

    def create_boot_config(self, *, name: str, user_data: str, tags: Tags) -> BootConfig:
        values = {"name": name, "user_data": user_data, "sha": sha(user_data), "tags": tags}
        return self._add("boot_config", name, BootConfig, **values)

    def set_user_data(self, boot_config: str, user_data: str) -> BootConfig:
        return self._change("boot_config", boot_config, user_data=user_data, sha=sha(user_data))

    def create_launch_template(
        self, *, name: str, launch: Launch, instance_tags: Tags, tags: Tags
    ) -> LaunchTemplate:
        values = {"name": name, "launch": launch, "instance_tags": instance_tags, "tags": tags}
        return self._add("launch_template", name, LaunchTemplate, **values)

    def update_launch_template(
        self, template: str, *, boot_config: str | None, instance_tags: Tags, tags: Tags
    ) -> LaunchTemplate:
        launch = replace(self._get("launch_template", template).launch, boot_config=boot_config)
        return self._change(
            "launch_template", template, launch=launch, instance_tags=instance_tags, tags=tags
        )

    def create_address(self, *, name: str, region: str, tags: Tags) -> Address:
        values = {"name": name, "region": region, "public_ip": "198.18.0.4", "tags": tags}
        return self._add("address", name, Address, **values)

    def create_volume(self, *, name: str, zone: str, size_gib: int, tags: Tags) -> Volume:
        values = {"name": name, "zone": zone, "size_gib": size_gib, "tags": tags}
        return self._add("volume", name, Volume, **values)

    def grow_volume(self, volume: str, size_gib: int) -> Volume:
        return self._change("volume", volume, size_gib=size_gib)

    def create_instances(self, specs: Sequence[InstanceSpec]) -> Sequence[Instance | LocalCloudError]:
        self.batches.append(("create", len(specs)))
        time.sleep(self.takes_s)
        for spec in specs:
            if spec.name in self.breaks:
                raise self.breaks[spec.name]
        return [self.refuses.get(spec.name) or self._instance(spec) for spec in specs]

    def _instance(self, spec: InstanceSpec) -> Instance:
        for thing in self.things["instance"].values():
            if thing.spec.name == spec.name:
                return thing
        number = next(self._numbers)
        made = Instance(
            id=f"i-{number:08x}",
            spec=spec,
            region="local-seoul",
            private_ip=f"10.100.0.{number % 250}",
            public_ip=f"198.18.0.{number % 250}" if spec.public_ip else None,
            ssh_port=22,
            host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDYXQsUCtPabPXgOMuEiGbY0ZZwVBkFPXsgbG3eZoiLc",
            backend="fake",
            state="stopped" if spec.name in self.leaves_stopped else "running",
            created_at="2026-01-01T00:00:00.000+00:00",
        )
        self.things["instance"][made.id] = made
        return made

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
        spec = replace(
            self._get("instance", instance).spec,
            flavor=flavor,
            security_groups=tuple(security_groups),
            volumes=tuple(volumes),
            tags=tags,
            boot_config=boot_config,
        )
        return self._change("instance", instance, spec=spec)

    def set_tags(self, resource: str, tags: Tags) -> None:
        for kind, things in self.things.items():
            if resource in things:
                self._change(kind, resource, tags=tags)
                return
        raise LocalCloudError(code="not_found", message=f"there is no {resource}")

    def get(self, kind: str, id: str) -> Any:
        return self.things[kind].get(id)

    def instances(self, tags: Tags = {}) -> Sequence[Instance]:  # noqa: B006
        self.batches.append(("read", len(self.things["instance"])))
        return tuple(self.things["instance"].values())

    def find(self, tags: Tags) -> Sequence[tuple[str, str, str, Tags]]:
        return ()

    def delete(self, kind: str, ids: Sequence[str]) -> None:
        self.batches.append(("delete", len(ids)))
        for id in ids:
            if id in self.refuses:
                raise self.refuses[id]
        for id in ids:
            self.things[kind].pop(id, None)

    def power(self, action: str, ids: Sequence[str]) -> Mapping[str, LocalCloudError]:
        state = "stopped" if action == "stop" else "running"
        refused = {id: self.refuses[id] for id in ids if id in self.refuses}
        for id in ids:
            if id not in refused:
                self._change("instance", id, state=state)
        return refused

    def stop(self, ids: Sequence[str]) -> None:
        for id in ids:
            self._change("instance", id, state="stopped")

    def start(self, ids: Sequence[str]) -> None:
        for id in ids:
            self._change("instance", id, state="running")

    def reboot(self, ids: Sequence[str]) -> None:
        self.start(ids)

    def console(self, id: str) -> str:
        return ""

    def collect(self) -> Sequence[str]:
        return ()

    def reset(self) -> None:
        for things in self.things.values():
            things.clear()

    def _get(self, kind: str, id: str) -> Any:
        if id not in self.things[kind]:
            raise LocalCloudError(code="not_found", message=f"there is no {kind} {id}")
        return self.things[kind][id]

    def _change(self, kind: str, id: str, **values: Any) -> Any:
        with self._lock:
            self.things[kind][id] = replace(self._get(kind, id), **values)
            return self.things[kind][id]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
