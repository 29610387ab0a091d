"""The console script as a process: it starts, works on the real cloud, and ends with its engine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from fakes.provider_speaker import Speaker
from google.protobuf.empty_pb2 import Empty

from mcis_iac import __version__
from mcis_iac.local_cloud.cloud import LocalCloud
from mcis_iac.local_cloud.faults import Fault, add

pytestmark = pytest.mark.engine
SCRIPT = Path(sys.executable).parent / "pulumi-resource-mcislocal"
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDYXQsUCtPabPXgOMuEiGbY0ZZwVBkFPXsgbG3eZoiLc"


@pytest.fixture
def engine_port() -> Iterator[socket.socket]:
    """A socket that listens like an engine."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A local cloud of its own, cleared at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mcis-provider-", dir="/var/tmp"))
    folder.chmod(0o711)
    monkeypatch.setenv("MCIS_LOCAL_DIR", str(folder))
    yield folder
    if (folder / "default").exists():
        with LocalCloud.open("default") as cloud:
            cloud.reset()
    shutil.rmtree(folder, ignore_errors=True)


def start(*arguments: str) -> tuple[subprocess.Popen[str], int]:
    """A running provider and its port."""
    process = subprocess.Popen(
        [str(SCRIPT), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    return process, int(process.stdout.readline())


def address(listening: socket.socket) -> str:
    return f"127.0.0.1:{listening.getsockname()[1]}"


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and what was printed after the port."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, out + err


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}


def gone(pid: int, within_s: float = 15) -> bool:
    deadline = time.monotonic() + within_s
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


def test_it_prints_its_port_serves_and_ends_on_sigint(engine_port: socket.socket) -> None:
    process, port = start("--logtostderr", "-v=9", address(engine_port))
    with closing(Speaker(port)) as speaker:
        assert speaker.stub.GetPluginInfo(Empty()).version == __version__
    assert end(process) == (0, "")


def test_without_an_engine_it_waits_to_be_attached() -> None:
    process, port = start("--attach")
    with closing(Speaker(port)) as speaker:
        speaker.attach("127.0.0.1:1")
        assert speaker.stub.GetPluginInfo(Empty()).version == __version__
    assert end(process)[0] == 0


def test_wrong_arguments_end_in_a_message() -> None:
    done = subprocess.run([str(SCRIPT), "what"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage:" in done.stderr


def test_it_ends_when_nobody_listens_at_the_engine_s_address() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        process, _ = start(address(taken))
        assert process.wait(timeout=30) == 0
        process.communicate()


def launched(listening: socket.socket) -> tuple[subprocess.Popen[str], int, int]:
    """A process that has started a provider, the provider's pid and its port."""
    launcher = (
        "import subprocess, time\n"
        f"words = [{str(SCRIPT)!r}, {address(listening)!r}]\n"
        "child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline(), flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", launcher], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pid, port = map(int, parent.stdout.readline().split())
    return parent, pid, port


def test_it_ends_when_the_process_that_started_it_is_killed(engine_port: socket.socket) -> None:
    parent, pid, _ = launched(engine_port)
    assert alive(pid)
    parent.kill()
    parent.communicate()
    assert gone(pid)


def test_it_finishes_what_was_begun_when_its_engine_is_killed(
    engine_port: socket.socket, folder: Path
) -> None:
    parent, pid, port = launched(engine_port)
    with closing(Speaker(port)) as speaker:
        inputs = prepared(speaker, "auto")
        with LocalCloud.open("default") as cloud:
            add(cloud.store, Fault(pattern="web-1", action="create", delay_s=2))
        call = speaker.create_later("Instance", inputs)
        time.sleep(0.2)
        parent.kill()
        parent.communicate()
        assert call.result().id
    assert gone(pid)
    with LocalCloud.open("default") as cloud:
        assert [each.state for each in cloud.instances()] == ["running"]


@pytest.mark.parametrize("backend", ["plain", "auto"])
def test_it_makes_real_machines_and_its_pipes_do_not_live_on_in_them(
    engine_port: socket.socket, folder: Path, backend: str
) -> None:
    process, port = start(address(engine_port))
    with closing(Speaker(port)) as speaker:
        inputs = prepared(speaker, backend)
        machine, outputs = speaker.create("Instance", inputs)
        assert speaker.read("Instance", machine, inputs) == (machine, inputs, outputs)
        assert outputs["hostKey"].startswith("ssh-ed25519 ")
        again, same = speaker.create("Instance", inputs)
        assert (again, same) == (machine, outputs)
        # The machine still runs: had it inherited a stream, this would wait for it.
        code, printed = end(process)
    assert (code, printed) == (0, "")
    assert "created Instance" in (folder / "default" / "provider.log").read_text()
    with LocalCloud.open("default") as cloud:
        (left,) = cloud.instances()
        assert (left.id, left.state) == (machine, "running")


def test_its_death_in_the_middle_of_a_create_leaves_nothing_that_a_repeat_would_double(
    engine_port: socket.socket, folder: Path
) -> None:
    first, port = start(address(engine_port))
    with closing(Speaker(port)) as speaker:
        inputs = prepared(speaker, "auto")
        call = speaker.create_later("Instance", inputs)
        time.sleep(0.1)
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
        assert isinstance(call.exception(), grpc.RpcError)
    second, port = start(address(engine_port))
    with closing(Speaker(port)) as speaker:
        speaker.configure(site="default", backend="auto")
        machine, _ = speaker.create("Instance", inputs)
        with LocalCloud.open("default") as cloud:
            assert [each.id for each in cloud.instances()] == [machine]
        speaker.delete("Instance", machine)
    end(second)


def prepared(speaker: Speaker, backend: str) -> dict[str, Any]:
    """Inputs of an instance whose surroundings exist."""
    speaker.configure(site="default", backend=backend)
    key, _ = speaker.create("KeyPair", {"name": "main", "publicKey": PUBLIC_KEY})
    network, _ = speaker.create("Network", {"name": "main", "region": "local-seoul"})
    subnet, _ = speaker.create("Subnet", {"network": network, "zone": "a"})
    group, _ = speaker.create("SecurityGroup", {"name": "web", "network": network})
    place = {"zone": "a", "subnet": subnet, "securityGroups": [group]}
    return {"name": "web-1", "flavor": "micro", "image": "host", "keyPair": key, "user": "mcis", **place}
