"""The pinned plugins, got by the real engine: from a mirror, from a folder, and when there is none."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mcis_iac.actions.inventory import write
from mcis_iac.flows import plugins
from mcis_iac.flows.plugins import Plugin
from mcis_iac.model import Inventory, Vm
from tests.engine.conftest import Room

pytestmark = pytest.mark.engine

MANIFEST = """\
version: 1
name: shop
connections:
  lab: {cloud: openstack, os_cloud: lab, external_network: public}
groups:
  web: {placement: {cloud: aws, region: ap-northeast-2}}
  db: {placement: {connection: lab, region: RegionOne}}
"""


class Mirror(SimpleHTTPRequestHandler):
    """A folder on the loopback, which notes what it was asked for."""

    def __init__(self, asked: list[str], *args: Any, **more: Any) -> None:
        self.asked = asked
        super().__init__(*args, **more)

    def log_message(self, format: str, *args: object) -> None:
        self.asked.append(self.path)


@dataclass
class Archives:
    """A folder with archives as Pulumi publishes them."""

    folder: Path
    asked: list[str] = field(default_factory=list)

    def add(self, cloud: str, program: str | None = None) -> Plugin:
        """Pack the plugin of a cloud, or another program under its name."""
        (plugin,) = plugins.needed([cloud])
        text = b"#!/bin/sh\nexit 1\n"
        entry = tarfile.TarInfo(program or f"pulumi-resource-{plugin.package}")
        entry.size, entry.mode = len(text), 0o755
        with tarfile.open(self.folder / plugin.archive, "w:gz") as archive:
            archive.addfile(entry, io.BytesIO(text))
        return plugin

    @property
    def offline(self) -> Mapping[str, str]:
        """The environment of a place without a network."""
        return {"MCIS_PLUGIN_FOLDER": str(self.folder)}


@pytest.fixture
def archives(tmp_path: Path) -> Archives:
    folder = tmp_path / "archives of ours"
    folder.mkdir()
    return Archives(folder)


@pytest.fixture
def mirror(archives: Archives) -> Iterator[Mapping[str, str]]:
    """The environment that names a mirror of the archives."""
    handler = partial(Mirror, archives.asked, directory=str(archives.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield {"MCIS_PLUGIN_SERVER": f"http://127.0.0.1:{server.server_port}"}
        server.shutdown()
        thread.join()


def there(room: Room) -> list[str]:
    """The plugins in the folder the engine's sessions use."""
    return sorted(
        path.parent.name for path in (room.folder / "data").glob("pulumi-home/plugins/*/pulumi-resource-*")
    )


def topics(room: Room, *words: str, **more: Any) -> dict[str, dict[str, Any]]:
    """What the doctor found, by topic; something is missing in all of these."""
    found = json.loads(room("doctor", *words, "-o", "json", code=1, **more).out)
    return {each["topic"]: each for each in found}


def test_a_missing_plugin_stops_a_preview_with_the_command(room: Room) -> None:
    room.write(MANIFEST)
    said = room("preview", code=4).err
    assert "a provider plugin is missing" in said
    assert "hint: mcis doctor --install\n" in said
    for plugin in plugins.needed(["aws", "openstack"]):
        assert f"pulumi plugin install resource {plugin.package} v{plugin.version}" in said


def test_the_doctor_gets_plugins_from_a_folder(room: Room, archives: Archives) -> None:
    plugin = archives.add("aws")
    found = topics(room, "aws", "--install", env=archives.offline)
    assert there(room) == [plugin.folder.name]
    assert found["plugin aws"]["ok"]
    assert plugin.version in found["plugin aws"]["found"]
    assert not found["aws: credentials"]["ok"]


def test_the_doctor_gets_plugins_from_a_mirror(
    room: Room, archives: Archives, mirror: Mapping[str, str]
) -> None:
    plugin = archives.add("gcp")
    room("doctor", "gcp", "--install", code=1, env=mirror)
    assert archives.asked == [f"/{plugin.archive}"]
    room("doctor", "gcp", "--install", code=1, env=mirror)
    assert (there(room), len(archives.asked)) == ([plugin.folder.name], 1)


def test_the_plugins_of_a_manifest_are_got_together(room: Room, archives: Archives) -> None:
    room.write(MANIFEST)
    names = [archives.add(cloud).folder.name for cloud in ("aws", "openstack")]
    found = topics(room, "--install", env=archives.offline)
    assert there(room) == sorted(names)
    assert "plugin gcp" not in found
    assert "pulumi plugin install" not in room("preview", code=None).err


def test_one_that_cannot_be_had_does_not_keep_back_the_others(room: Room, archives: Archives) -> None:
    room.write(MANIFEST)
    plugin = archives.add("openstack")
    said = room("doctor", "--install", code=4, env=archives.offline).err
    (aws,) = plugins.needed(["aws"])
    assert there(room) == [plugin.folder.name]
    assert f"there is no {aws.archive} in {archives.folder}" in said


def test_a_mirror_without_the_plugin_is_named(
    room: Room, archives: Archives, mirror: Mapping[str, str]
) -> None:
    said = room("doctor", "azure", "--install", code=4, env=mirror).err
    assert f"404 HTTP error fetching plugin from {mirror['MCIS_PLUGIN_SERVER']}" in said
    assert "MCIS_PLUGIN_FOLDER" in said
    assert there(room) == []


def test_an_archive_of_something_else_is_no_plugin(room: Room, archives: Archives) -> None:
    archives.add("aws", program="README")
    said = room("doctor", "aws", "--install", code=4, env=archives.offline).err
    assert "has no program pulumi-resource-aws" in said
    archives.add("aws")
    room("doctor", "aws", "--install", code=1, env=archives.offline)
    assert len(there(room)) == 1


def test_what_exists_is_not_touched_without_its_plugin(room: Room) -> None:
    room.write(MANIFEST)
    inventory = room.stack / ".mcis" / "shop" / "inventory.json"
    room("preview", code=4)
    inventory.parent.mkdir(parents=True, exist_ok=True)
    vm = {
        "name": "db-1", "group": "db", "ordinal": 1, "connection": "lab", "cloud": "openstack", "zone": "",
        "region": "RegionOne", "type": "m1.small", "id": "1", "private_ip": "10.0.0.2", "public_ip": None,
        "user": "mcis", "host_key": None,
    }  # fmt: skip
    write(inventory, Inventory(vms=(Vm(**vm),)))
    said = room("down", "-y", code=4).err
    assert "pulumi plugin install resource openstack v" in said
    assert "resource aws" not in said
