"""kill -9 of a creator or deleter at any moment: the next command ends with the right machines."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mcis_iac.local_cloud.cloud import LocalCloud
from mcis_iac.local_cloud.hostkeys import generate
from mcis_iac.local_cloud.plain import processes
from mcis_iac.local_cloud.types import Instance, InstanceSpec, LocalCloudError

pytestmark = pytest.mark.engine
COUNT = 12

WORK = """
import sys
from mcis_iac.local_cloud.cloud import LocalCloud
from mcis_iac.local_cloud.types import InstanceSpec

with LocalCloud.open(backend="plain") as cloud:
    print("ready", flush=True)
    cloud.create_instances([InstanceSpec(name=f"web-{n}", zone="a", subnet=sys.argv[1], flavor="small",
        image="host", key_pair="login", user="mcis") for n in range(int(sys.argv[2]))])
    print("created", flush=True)
    cloud.delete("instance", [each.id for each in cloud.instances()])
"""


@pytest.mark.parametrize("moment_s", [0.0, 0.02, 0.05, 0.1, 0.3, 0.7])
def test_a_creator_killed_at_any_moment_leaves_nothing_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment_s: float
) -> None:
    monkeypatch.setenv("MCIS_LOCAL_DIR", str(tmp_path))
    with LocalCloud.open(backend="plain") as cloud:
        network = cloud.create_network(name="net", region="local-seoul", cidr=None, tags={})
        subnet = cloud.create_subnet(network=network.id, zone="a", cidr=None)
        cloud.create_key_pair(name="login", public_key=generate().public, tags={})
        words = [sys.executable, "-c", WORK, subnet.id, str(COUNT)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as creator:
            assert creator.stdout is not None
            assert creator.stdout.readline() == b"ready\n"
            time.sleep(moment_s)
            creator.kill()

        spec = InstanceSpec(
            name="", zone="a", subnet=subnet.id, flavor="small", image="host", key_pair="login", user="mcis"
        )
        specs = [replace(spec, name=f"web-{n}") for n in range(COUNT)]
        made = cloud.create_instances(specs)
        assert not [each for each in made if isinstance(each, LocalCloudError)], made
        assert [each.state for each in made if isinstance(each, Instance)] == ["running"] * COUNT
        assert len(cloud.instances()) == COUNT
        cloud.delete("instance", [each.id for each in cloud.instances()])
        cloud.collect()
        assert list((tmp_path / "default" / "i").iterdir()) == []
        assert processes.servers(cloud.directory) == []
        cloud.reset()
