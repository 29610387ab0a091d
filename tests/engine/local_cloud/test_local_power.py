"""Power of real machines through the adapter that every verb uses."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mcis_iac.clouds.local import lifecycle
from mcis_iac.local_cloud.cloud import LocalCloud
from mcis_iac.local_cloud.types import Instance, InstanceSpec
from mcis_iac.model import Connection, Status, Vm
from tests.fakes.local_world import PUBLIC_KEY, TAGS
from tests.fakes.powered import MODEL

pytestmark = pytest.mark.engine
HERE = Connection(name="local", cloud="local", settings={"backend": "plain"})


@pytest.fixture
def vms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Vm]]:
    """Two running machines."""
    monkeypatch.setenv("MCIS_LOCAL_DIR", str(tmp_path / "local"))
    with LocalCloud.open(backend="plain") as cloud:
        network = cloud.create_network(name="net", region="local-seoul", cidr=None, tags=TAGS)
        subnet = cloud.create_subnet(network=network.id, zone="a", cidr=None)
        cloud.create_key_pair(name="login", public_key=PUBLIC_KEY, tags=TAGS)
        wanted = InstanceSpec(
            name="web-1", zone="a", subnet=subnet.id, flavor="small", image="host", key_pair="login",
            user="mcis", tags=TAGS,
        )  # fmt: skip
        made = cloud.create_instances([wanted, replace(wanted, name="web-2")])
        running = [each for each in made if isinstance(each, Instance)]
        yield [
            replace(MODEL, name=each.spec.name, id=each.id, public_ip=each.public_ip, ssh_port=each.ssh_port)
            for each in running
        ]
        cloud.reset()


def greets(vm: Vm) -> bool:
    """Whether its login server answers."""
    try:
        with socket.create_connection((vm.address, vm.ssh_port), timeout=5) as line:
            return line.recv(4) == b"SSH-"
    except OSError:
        return False


def test_real_machines_are_stopped_started_and_rebooted_and_tell_since_when_they_run(vms: list[Vm]) -> None:
    one, two = vms
    first = lifecycle.observe(HERE, vms)
    gone = replace(one, name="web-9", id="i-00000000")
    assert list(lifecycle.stop(HERE, [one, gone])) == ["web-9"]
    seen = lifecycle.observe(HERE, [one, two, gone])
    statuses = [seen[name].status for name in ("web-1", "web-2", "web-9")]
    assert statuses == [Status.SUSPENDED, Status.RUNNING, Status.TERMINATED]
    assert not greets(one) and greets(two)

    assert lifecycle.start(HERE, vms) == {}
    again = lifecycle.observe(HERE, vms)
    assert greets(one) and (again["web-1"].booted_at or "") > (first["web-1"].booted_at or "~")
    assert again["web-2"].booted_at == first["web-2"].booted_at  # it ran all the time

    assert lifecycle.reboot(HERE, [two]) == {}
    last = lifecycle.observe(HERE, vms)
    assert greets(two) and (last["web-2"].booted_at or "") > (again["web-2"].booted_at or "~")
    assert last["web-1"].booted_at == again["web-1"].booted_at
    assert isinstance(lifecycle.console(HERE, two), str)
