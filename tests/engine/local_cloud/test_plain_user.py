"""The plain backend for somebody who is not root: chosen by trying, whole life of a machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[3]
NOBODY = 65534

LIFE = """
import json, os, subprocess
from pathlib import Path
from mcis_iac.local_cloud.cloud import LocalCloud
from mcis_iac.local_cloud.types import InstanceSpec

here = Path.cwd()
subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True)
with LocalCloud.open() as cloud:
    network = cloud.create_network(name="n", region="local-tokyo", cidr=None, tags={})
    subnet = cloud.create_subnet(network=network.id, zone="c", cidr=None)
    cloud.create_key_pair(name="k", public_key=Path("key.pub").read_text(), tags={})
    spec = InstanceSpec(name="web-1", zone="c", subnet=subnet.id, flavor="small", image="host",
                        key_pair="k", user="mcis")
    [vm] = cloud.create_instances([spec])
    Path("known").write_text(f"[{vm.public_ip}]:{vm.ssh_port} {vm.host_key}\\n")
    command = ["ssh", "-F", "none", "-i", "key", "-o", "UserKnownHostsFile=known", "-o", "BatchMode=yes",
               "-o", "StrictHostKeyChecking=yes", "-p", str(vm.ssh_port), f"mcis@{vm.public_ip}", "id -u"]
    first = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    cloud.reboot([vm.id])
    second = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    told = {"backend": cloud.backend, "reason": cloud.reason, "folder": str(cloud.directory)}
    cloud.reset()
    print(json.dumps({**told, "uids": [first, second], "left": cloud.directory.exists()}))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A home of nobody's; pytest's own folders are closed to other users."""
    found = Path(tempfile.mkdtemp(dir="/var/tmp"))
    if os.geteuid() == 0:
        os.chown(found, NOBODY, NOBODY)
    yield found
    shutil.rmtree(found)


def as_nobody(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it as nobody where we are root, else as ourselves: not root either."""
    libraries = Path(asyncssh.__file__).parents[1]
    environment = {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{libraries}:{ROOT}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    drop = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=120, **drop
    )


def python(folder: Path) -> str:
    """An interpreter nobody may run: ours, or the system's where ours is in root's own folder."""
    for candidate in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        try:
            if as_nobody([candidate, "-c", "import asyncssh, cryptography, yaml"], folder).returncode == 0:
                return candidate
        except OSError:
            continue
    pytest.fail("no Python here that an ordinary user may run")


def test_an_ordinary_user_gets_the_plain_backend_and_machines_that_are_himself(folder: Path) -> None:
    done = as_nobody([python(folder), "-c", LIFE], folder)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["backend"] == "plain"
    assert "not root" in told["reason"]
    assert told["folder"] == f"{folder}/.local/state/mcis-iac/local/default"
    uid = str(NOBODY if os.geteuid() == 0 else os.geteuid())
    assert told["uids"] == [uid, uid]
    assert told["left"] is False
