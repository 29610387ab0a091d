"""What the plugins have made, as the clouds' own APIs show it.

The servers of `fakes` keep things in dictionaries. Here these read what the stand-in's plugins wrote,
so that whoever asks an API sees what the engine made; what is deleted through the API is gone there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from fakes.arm import FakeArm
from fakes.gcp import FakeGoogle
from fakes.openstack import FakeOpenStack
from fakes.standin import azure, gcp, openstack
from fakes.standin.store import Store, Thing

Rows = dict[Any, tuple[Thing, dict[str, Any]]]
RUNNING = {"statuses": [{"code": "ProvisioningState/succeeded"}, {"code": "PowerState/running"}]}
GOOGLES = (gcp.INSTANCE, gcp.DISK, gcp.ADDRESS, gcp.NETWORK, gcp.SUBNET, gcp.ROUTER)
# What has a list of its own in OpenStack's APIs.
COLLECTIONS: Mapping[str, str] = {
    openstack.SERVER: "servers",
    openstack.VOLUME: "volumes",
    openstack.KEY: "os-keypairs",
    openstack.NETWORK: "networks",
    openstack.SUBNET: "subnets",
    openstack.ROUTER: "routers",
    openstack.PORT: "ports",
    openstack.FLOATING: "floatingips",
    openstack.GROUP: "security-groups",
}


class Shown(MutableMapping[Any, dict[str, Any]]):
    """A server's dictionary: what it was told itself, and what a plugin's cloud has right now."""

    def __init__(self, store: Store, rows: Callable[[Store], Rows], own: Mapping[Any, Any]) -> None:
        self._store, self._rows, self._own = store, rows, dict(own)

    def _all(self) -> dict[Any, dict[str, Any]]:
        made = {key: row for key, (_, row) in self._rows(self._store).items()}
        return {**made, **self._own}

    def __getitem__(self, key: Any) -> dict[str, Any]:
        return self._all()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __setitem__(self, key: Any, row: dict[str, Any]) -> None:
        self._own[key] = row

    def __delitem__(self, key: Any) -> None:
        if key in self._own:
            del self._own[key]
            return
        thing, _ = self._rows(self._store)[key]
        self._store.remove(thing.scope, thing.token, thing.id)

    def items(self) -> Any:
        return self._all().items()

    def values(self) -> Any:
        return self._all().values()


def google(fake: FakeGoogle, store: Store) -> None:
    """Let it show what the plugin makes."""
    fake.things = Shown(store, lambda _: _googles(fake, store), fake.things)  # type: ignore[assignment]


def _googles(fake: FakeGoogle, store: Store) -> Rows:
    found: Rows = {}
    for thing in store.things("gcp:compute/%"):
        if thing.token not in GOOGLES and not thing.token.endswith(":Firewall"):
            continue
        told = {key: thing.inputs[key] for key in ("labels", "description") if key in thing.inputs}
        row = {"name": thing.inputs["name"], "selfLink": f"{fake.base}/compute/v1/{thing.id}", **told}
        if thing.token == gcp.INSTANCE:
            cards = thing.outputs["networkInterfaces"]
            access = [[{"natIP": each["natIp"]} for each in card["accessConfigs"]] for card in cards]
            row |= {"status": "RUNNING", "creationTimestamp": thing.outputs["creationTimestamp"]}
            row["networkInterfaces"] = [{"accessConfigs": each} for each in access]
        found[thing.id] = (thing, row)
    return found


def arm(fake: FakeArm, store: Store) -> None:
    """Let it show what the plugin makes."""
    fake.resources = Shown(store, lambda _: _arms(fake, store), fake.resources)  # type: ignore[assignment]


def _arms(fake: FakeArm, store: Store) -> Rows:
    """Subnets and rules are parts of something else: no list has them."""
    found: Rows = {}
    for thing in store.things():
        kind = re.fullmatch(
            r"(?i)/subscriptions/[^/]+/resourceGroups/[^/]+(/providers/([^/]+/[^/]+)/[^/]+)?", thing.id
        )
        if kind is None:
            continue
        row = {
            "id": thing.id,
            "name": thing.id.rpartition("/")[2],
            "type": kind[2] or "Microsoft.Resources/resourceGroups",
            "location": thing.inputs["location"],
            "tags": thing.inputs.get("tags") or {},
        }
        if thing.token == azure.MACHINE:
            fake.views[thing.id.lower()] = RUNNING
        found[thing.id.lower()] = (thing, row)
    return found


def stack(fake: FakeOpenStack, store: Store) -> None:
    """Let it show what the plugin makes."""
    fake.things = Shown(store, _stacks, fake.things)  # type: ignore[assignment]


def _stacks(store: Store) -> Rows:
    found: Rows = {}
    for thing in store.things():
        kind = COLLECTIONS.get(thing.token)
        if kind is None:
            continue
        asked = thing.inputs
        row = {key: asked[key] for key in ("name", "tags", "description", "metadata") if key in asked}
        row |= {"id": thing.id, "name": asked.get("name", "")}
        if kind == "servers":
            row |= {"status": "ACTIVE", "OS-EXT-STS:task_state": None, "addresses": {}}
            row["created"] = thing.outputs["created"]
        found[thing.outputs["region"], kind, thing.id] = (thing, row)
    return found
