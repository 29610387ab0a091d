"""A local cloud with what a machine needs already made, for tests that want to talk about machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from mcis_iac.local_cloud.cloud import LocalCloud
from mcis_iac.local_cloud.types import Instance, InstanceSpec, LocalCloudError, Network, Subnet
from tests.fakes.backend import FakeHost

TAGS = {"mcis": "shop", "mcis-namespace": "default"}
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7v8m3g4yq0aW1Gm4bKjKxXH2cE3l4rK3n5XJ1q9w8e"

Opener = Callable[[], LocalCloud]


@dataclass
class World:
    """A cloud with one network in Seoul, a subnet in zone a, and a key pair."""

    cloud: LocalCloud
    host: FakeHost
    network: Network
    subnet: Subnet

    def spec(self, name: str, **changes: object) -> InstanceSpec:
        base = InstanceSpec(
            name=name,
            zone="a",
            subnet=self.subnet.id,
            flavor="small",
            image="host",
            key_pair="login",
            user="mcis",
            tags=TAGS,
        )
        return replace(base, **changes)  # type: ignore[arg-type]

    def create(self, *names: str, **changes: object) -> list[Instance]:
        made = self.cloud.create_instances([self.spec(name, **changes) for name in names])
        assert not [each for each in made if isinstance(each, LocalCloudError)], made
        return [each for each in made if isinstance(each, Instance)]
