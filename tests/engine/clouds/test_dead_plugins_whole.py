"""A plugin that dies under `mcis up`, as a user meets it: Google Cloud's plugin and API stand in together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fakes.gcp import TOKEN, FakeGoogle, google
from fakes.standin import Standin

from tests.engine.conftest import Room

pytestmark = [pytest.mark.engine, pytest.mark.process]
SEOUL = "asia-northeast3"
MANIFEST = f"""\
version: 1
name: front
connections:
  other: {{cloud: gcp, project: shop}}
groups:
  web: {{count: 2, placement: {{connection: other, region: {SEOUL}}}, public_ip: false}}
"""


@dataclass
class Shop:
    """A stack on Google Cloud: plugins make what the API then tells of."""

    room: Room
    clouds: Standin
    api: FakeGoogle

    def tell(self) -> None:
        """Let the API know what the plugin has made, and forget what it has deleted."""
        kept = {path: thing for path, thing in self.api.things.items() if "/images/" in path}
        self.api.things.clear()
        self.api.things.update(kept)
        for thing in self.clouds.things("gcp"):
            carried = {name: thing.inputs[name] for name in ("labels", "description") if name in thing.inputs}
            self.api.has(thing.id, **carried)

    def machines(self) -> list[str]:
        return sorted(thing.name for thing in self.clouds.things("gcp", "%:Instance"))


@pytest.fixture
def shop(room: Room, tmp_path: Path) -> Iterator[Shop]:
    clouds = Standin(tmp_path / "clouds", tmp_path / "shapes")
    clouds.install(Path(room.env["MCIS_DATA_DIR"]))
    room.write(MANIFEST)
    hidden = ("GOOGLE_", "GCLOUD_", "CLOUDSDK_")
    env = {name: value for name, value in room.env.items() if not name.startswith(hidden)}
    with google() as api:
        api.has_project("shop")
        api.has_image("ubuntu-os-cloud", "ubuntu-2404-lts-amd64", "ubuntu-2404-noble-amd64-v20260101")
        env |= {
            "GOOGLE_COMPUTE_CUSTOM_ENDPOINT": f"{api.base}/compute/v1/",
            "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT": f"{api.base}/v1/",
            "GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN,
            "CLOUDSDK_CONFIG": str(tmp_path),
            "NO_GCE_CHECK": "true",
            "NO_PROXY": "127.0.0.1",
            "MCIS_ME": "203.0.113.7",
        }
        yield Shop(replace(room, env=env), clouds, api)


def died(shop: Shop) -> None:
    """An `up` whose plugin dies after it has made `web-2`."""
    shop.clouds.faults({"do": "die-late", "name": "web-2", "times": 1})
    first = shop.room("up", "-y", code=4)
    assert "web-2 may have been made all the same" in first.out + first.err
    shop.tell()


def test_the_next_up_takes_over_what_was_made_and_says_so(shop: Shop) -> None:
    died(shop)
    again = shop.room("up", "-y")
    assert "web-2 had been created without our knowing; adopted it as projects/shop/zones/" in again.err
    assert shop.machines() == sorted(shop.room.vms()) == ["web-1", "web-2"]
    assert "nothing to change" in shop.room("preview").out


def test_the_next_down_deletes_what_was_made(shop: Shop) -> None:
    died(shop)
    shop.room("down", "-y")
    assert shop.clouds.things("gcp") == []
