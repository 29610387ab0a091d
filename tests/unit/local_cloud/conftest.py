"""Local clouds on a host in memory, closed after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcis_iac.local_cloud import trash
from mcis_iac.local_cloud.cloud import LocalCloud
from tests.fakes.backend import FakeHost, fake_backends
from tests.fakes.local_world import PUBLIC_KEY, TAGS, Opener, World


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MCIS_LOCAL_DIR", str(tmp_path / "local"))
    return tmp_path / "local" / "default"


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def reopen(host: FakeHost, directory: Path) -> Iterator[Opener]:
    opened: list[LocalCloud] = []

    def open_() -> LocalCloud:
        cloud = LocalCloud.open(backends=fake_backends(host), empty_trash=trash.empty_now)
        opened.append(cloud)
        return cloud

    yield open_
    for cloud in opened:
        cloud.close()


@pytest.fixture
def world(reopen: Opener, host: FakeHost) -> World:
    cloud = reopen()
    network = cloud.create_network(name="net", region="local-seoul", cidr=None, tags=TAGS)
    subnet = cloud.create_subnet(network=network.id, zone="a", cidr=None)
    cloud.create_key_pair(name="login", public_key=PUBLIC_KEY, tags=TAGS)
    return World(cloud=cloud, host=host, network=network, subnet=subnet)
