"""The world's process: `python -m fakes.standin.world.process FOLDER` in a network of its own.

It says where its servers are in one line of JSON, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fakes import arm, gcp, moto, openstack
from fakes.standin import VERSIONS
from fakes.standin.stacks import PLACES
from fakes.standin.store import Store
from fakes.standin.world import IMAGES, PROJECT, SECRETS, ec2, mirror
from fakes.standin.world.machine import Machine
from fakes.standin.world.orders import orders

from mcis_iac.clouds.gcp import catalogue

LOOK_S = 0.05
ADDRESSES = "198.18.0.0/15"


class Machines:
    """All machines there are, kept to what the plugins' clouds say."""

    def __init__(self, folder: Path, stores: dict[str, Store]) -> None:
        self._folder, self._stores = folder, stores
        self._there: dict[str, Machine] = {}

    async def keep(self) -> None:
        """Until cancelled: boot what is new, end what is gone."""
        seen: dict[str, int] = {}
        while True:
            now = {package: store.version() for package, store in self._stores.items()}
            if now != seen:
                await self._follow()
                seen = now
            await asyncio.sleep(LOOK_S)

    async def _follow(self) -> None:
        wanted = {o.id: o for package, store in self._stores.items() for o in orders(package, store)}
        for id in self._there.keys() - wanted.keys():
            await self._there.pop(id).stop()
        for id, order in wanted.items():
            if id not in self._there:
                self._there[id] = Machine(self._folder, order)
                await self._there[id].start()
            await self._there[id].become(order)

    async def end(self) -> None:
        for machine in self._there.values():
            await machine.stop()


def network() -> None:
    """Addresses for everything the clouds give away, and no way out."""
    for words in (("link", "set", "lo", "up"), ("addr", "add", ADDRESSES, "dev", "lo")):
        subprocess.run(["ip", *words], check=True)


@contextmanager
def servers(folder: Path, stores: dict[str, Store]) -> Iterator[dict[str, str]]:
    """Every cloud's API; name -> address."""
    with ExitStack() as stack:
        google = stack.enter_context(gcp.google())
        _furnish_google(google)
        mirror.google(google, stores["gcp"])
        resource_manager = stack.enter_context(arm.serving())
        _furnish_azure(resource_manager)
        mirror.arm(resource_manager, stores["azure-native"])
        private = stack.enter_context(openstack.serving(PLACES["openstack"]))
        _furnish_openstack(private)
        mirror.stack(private, stores["openstack"])
        os.environ |= moto.settings(folder)
        yield {
            "aws": stack.enter_context(ec2.serving(stores["aws"])),
            "gcp": google.base,
            "azure": resource_manager.url,
            "openstack": private.url,
        }


def _furnish_google(fake: gcp.FakeGoogle) -> None:
    region = PLACES["gcp"]
    fake.has_project(PROJECT, CPUS_ALL_REGIONS=(0, 100), NETWORKS=(1, 5))
    fake.has_region(PROJECT, region, CPUS=(0, 24), INSTANCES=(0, 24), IN_USE_ADDRESSES=(0, 8))
    fake.allowed = set(catalogue.data("permissions")["permissions"])
    for zone in "abc":
        fake.has(f"projects/{PROJECT}/zones/{region}-{zone}/machineTypes/e2-small")
    _, images, _, _, name = IMAGES["gcp"].split("/")
    fake.has_image(images, "ubuntu-2404-lts-amd64", name)


def _furnish_azure(fake: arm.FakeArm) -> None:
    region = PLACES["azure"]
    fake.publishes(region, IMAGES["azure-native"], architecture="x64")
    fake.sells(region, "Standard_D2s_v5", "1", "2", "3")
    fake.counts("Microsoft.Compute", region, "cores", 0, 10)
    fake.counts("Microsoft.Network", region, "PublicIPAddresses", 0, 10)


def _furnish_openstack(fake: openstack.FakeOpenStack) -> None:
    fake.password = SECRETS["OS_PASSWORD"]
    fake.has_image(IMAGES["openstack"], "ubuntu-24.04-hardened")
    for flavor in ("m1.small", "m1.large"):
        fake.has("flavors", flavor)
    external = {"router:external": True, "tags": []}
    fake.has("networks", "3f1d2c4b-5a69-4788-9695-a4b3c2d1e0f0", name="datacentre", **external)


async def main(folder: Path) -> None:
    """Serve until standard input ends."""
    network()
    stores = {package: Store(folder, package) for package in VERSIONS}
    machines = Machines(folder / "machines", stores)
    with servers(folder, stores) as told:
        keeping = asyncio.create_task(machines.keep())
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        await asyncio.wait((keeping, over), return_when=asyncio.FIRST_COMPLETED)
        keeping.cancel()
        (ended,) = await asyncio.gather(keeping, return_exceptions=True)
        await machines.end()
        if not isinstance(ended, asyncio.CancelledError):
            raise ended


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
