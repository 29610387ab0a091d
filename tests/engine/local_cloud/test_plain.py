"""Machines of the plain backend, with a real server process and the system's own ssh."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mcis_iac.local_cloud import tool
from mcis_iac.local_cloud.cloud import LocalCloud
from mcis_iac.local_cloud.plain import control, processes
from mcis_iac.local_cloud.plain.backend import PlainBackend
from mcis_iac.local_cloud.types import Attachment, Instance, InstanceSpec, LocalCloudError
from tests.fakes.local_world import TAGS

pytestmark = pytest.mark.engine
DEADLINE_S = 20.0


@dataclass
class Place:
    """A plain cloud with a subnet and a key, and the user's ssh."""

    cloud: LocalCloud
    folder: Path
    spec: InstanceSpec

    def create(self, *names: str, **changes: object) -> list[Instance]:
        specs = [replace(self.spec, name=name, **changes) for name in names]  # type: ignore[arg-type]
        made = self.cloud.create_instances(specs)
        assert all(isinstance(each, Instance) for each in made), made
        return [each for each in made if isinstance(each, Instance)]

    def boot_config(self, text: str) -> str:
        return self.cloud.create_boot_config(name="setup", user_data=f"#cloud-config\n{text}", tags=TAGS).id

    def options(self, vm: Instance) -> list[str]:
        known = self.folder / "known_hosts"
        known.write_text(f"[{vm.public_ip}]:{vm.ssh_port} {vm.host_key}\n")
        words = {
            "IdentityFile": self.folder / "key",
            "UserKnownHostsFile": known,
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "Port": vm.ssh_port,
        }
        return ["-F", "none", *(part for name, value in words.items() for part in ("-o", f"{name}={value}"))]

    def ssh(
        self, vm: Instance, *command: str, user: str = "mcis", stdin: str = "", flags: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        words = ["ssh", *flags, *self.options(vm), f"{user}@{vm.public_ip}", *command]
        return subprocess.run(
            words, input=stdin, capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("MCIS_LOCAL_DIR", str(tmp_path / "local"))
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    cloud = LocalCloud.open(backend="plain")
    network = cloud.create_network(name="net", region="local-seoul", cidr=None, tags=TAGS)
    subnet = cloud.create_subnet(network=network.id, zone="a", cidr=None)
    public = key.with_suffix(".pub").read_text()
    cloud.create_key_pair(name="login", public_key=public, tags=TAGS)
    spec = InstanceSpec(
        name="web-1",
        zone="a",
        subnet=subnet.id,
        flavor="small",
        image="host",
        key_pair="login",
        user="mcis",
        tags=TAGS,
    )
    yield Place(cloud=cloud, folder=tmp_path, spec=spec)
    cloud.reset()
    assert processes.servers(cloud.directory) == []
    assert processes.machines_below(cloud.directory / "i") == []


def state(place: Place, vm: Instance) -> str:
    found = place.cloud.get("instance", vm.id)
    assert isinstance(found, Instance)
    return found.state


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


def root_of(place: Place, vm: Instance) -> Path:
    return place.cloud.directory / "i" / vm.id / "root"


def marker(place: Place, vm: Instance) -> dict[str, object]:
    path = root_of(place, vm) / "var/lib/mcis/first-boot.json"
    wait_for(path)
    return dict(json.loads(path.read_text()))


def test_the_first_connection_is_strict_and_a_command_runs_in_the_home_folder(place: Place) -> None:
    [vm] = place.create("web-1")
    done = place.ssh(vm, "pwd; echo $USER@$HOSTNAME; echo oops >&2; exit 3")

    assert done.stdout == f"{root_of(place, vm)}/home/mcis\nmcis@web-1\n"
    assert (done.stderr, done.returncode) == ("oops\n", 3)


def test_two_machines_have_two_addresses_folders_and_host_keys(place: Place) -> None:
    one, two = place.create("web-1", "web-2")

    assert one.public_ip != two.public_ip
    assert one.host_key != two.host_key
    assert place.ssh(one, "touch", "mine").returncode == 0
    assert place.ssh(two, "ls").stdout == ""


def test_nobody_else_gets_in(place: Place) -> None:
    [vm] = place.create("web-1")
    for name in ("root", "mcis2", "nobody"):
        refused = place.ssh(vm, "true", user=name)
        assert refused.returncode == 255
        assert "Permission denied" in refused.stderr
    (place.folder / "key").unlink()
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place.folder / "key")],
        check=True,
        input=b"y\n",
        stdout=subprocess.DEVNULL,
    )
    assert place.ssh(vm, "true").returncode == 255


def test_input_reaches_the_command_and_megabytes_come_back(place: Place) -> None:
    [vm] = place.create("web-1")
    assert place.ssh(vm, "cat", stdin="hello\n").stdout == "hello\n"
    assert len(place.ssh(vm, "head -c 3000000 /dev/zero | tr '\\0' x").stdout) == 3_000_000


def test_a_terminal_is_a_terminal(place: Place) -> None:
    [vm] = place.create("web-1")
    done = place.ssh(vm, "tty && echo $TERM", flags=("-tt",))
    assert done.stdout.startswith("/dev/pts/") or "/dev/" in done.stdout
    assert done.returncode == 0


def test_a_shell_reads_commands(place: Place) -> None:
    [vm] = place.create("web-1")
    done = place.ssh(vm, stdin="echo first\necho $((6 * 7))\nexit 5\n")
    assert (done.stdout, done.returncode) == ("first\n42\n", 5)


@pytest.mark.parametrize("protocol", [(), ("-O",)])
def test_files_are_copied_both_ways_inside_the_machines_folder(
    place: Place, protocol: tuple[str, ...]
) -> None:
    [vm] = place.create("web-1")
    (place.folder / "sent").write_text("data")
    there = f"mcis@{vm.public_ip}"
    for source, target in ((str(place.folder / "sent"), f"{there}:x"), (f"{there}:x", str(place.folder))):
        subprocess.run(["scp", "-q", *protocol, *place.options(vm), source, target], check=True)

    assert (place.folder / "x").read_text() == "data"
    assert (root_of(place, vm) / "home/mcis/x").read_text() == "data"


def test_the_first_boot_writes_files_runs_commands_and_leaves_its_marker(place: Place) -> None:
    config = place.boot_config(
        "bootcmd: ['echo early >$MCIS_ROOT/etc/early']\n"
        "write_files: [{path: /opt/x/run, content: hi, permissions: '0755'}]\n"
        "packages: [sh]\n"
        "runcmd: [[cp, etc/early, etc/late], 'test $MCIS_ADDRESS']\n"
    )
    [vm] = place.create("web-1", boot_config=config)

    assert marker(place, vm) == {"result": "done", "step": None, "exit_status": 0}
    assert (root_of(place, vm) / "etc/late").read_text() == "early\n"
    assert (root_of(place, vm) / "opt/x/run").stat().st_mode & 0o777 == 0o755


def test_a_failing_step_is_in_the_marker_and_ends_the_first_boot(place: Place) -> None:
    config = place.boot_config("runcmd: ['echo told >&2; exit 7', 'touch $MCIS_ROOT/never']\n")
    [vm] = place.create("web-1", boot_config=config)

    assert marker(place, vm) == {
        "result": "failed",
        "step": "runcmd 1: echo told >&2; exit 7",
        "exit_status": 7,
    }
    assert (root_of(place, vm) / "var/log/cloud-init-output.log").read_text() == "told\n"
    assert not (root_of(place, vm) / "never").exists()


def test_a_package_the_host_lacks_cannot_be_installed(place: Place) -> None:
    config = place.boot_config("packages: [surely-not-there]\n")
    [vm] = place.create("web-1", boot_config=config)
    assert "surely-not-there" in str(marker(place, vm)["step"])


def test_a_service_in_rc_local_comes_back_after_stop_and_start(place: Place) -> None:
    serve = (
        "#!/bin/sh\\ncd $MCIS_ROOT/opt\\nexec python3 -m http.server --bind $MCIS_ADDRESS 8080 "
        ">/dev/null 2>&1\\n"
    )
    config = place.boot_config(
        "write_files:\n"
        f'- {{path: /etc/rc.local, permissions: "0755", content: "{serve}"}}\n'
        "- {path: /opt/page, content: here}\n"
    )
    [vm] = place.create("web-1", boot_config=config)

    assert fetch(f"http://{vm.public_ip}:8080/page") == "here"
    place.cloud.reboot([vm.id])
    assert fetch(f"http://{vm.public_ip}:8080/page") == "here"
    place.cloud.stop([vm.id])
    with pytest.raises(OSError, match="refused"):
        direct().open(f"http://{vm.public_ip}:8080/page", timeout=5)


def direct() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetch(url: str) -> str:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            with direct().open(url, timeout=5) as reply:
                return str(reply.read().decode())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_stopping_ends_everything_the_machine_started(place: Place) -> None:
    [vm] = place.create("web-1")
    place.ssh(vm, "setsid sleep 987 >/dev/null 2>&1 & sleep 988 >/dev/null 2>&1 & echo started")
    assert len(processes.machines_below(place.cloud.directory / "i")) >= 2
    place.cloud.stop([vm.id])

    assert processes.machines_below(place.cloud.directory / "i") == []
    assert state(place, vm) == "stopped"


def test_files_stay_over_stop_and_start_with_the_same_host_key(place: Place) -> None:
    [vm] = place.create("web-1")
    place.ssh(vm, "echo kept > file")
    place.cloud.stop([vm.id])
    assert place.ssh(vm, "true").returncode == 255
    place.cloud.start([vm.id])

    assert place.ssh(vm, "cat file").stdout == "kept\n"


def test_a_volume_is_a_folder_that_survives_its_machine(place: Place) -> None:
    volume = place.cloud.create_volume(name="data", zone="local-seoul/a", size_gib=1, tags=TAGS)
    attached = (Attachment(volume=volume.id, mount="/var/lib/data"),)
    [vm] = place.create("web-1", volumes=attached)
    place.ssh(vm, "echo kept > $MCIS_ROOT/var/lib/data/file")
    place.cloud.delete("instance", [vm.id])
    [vm] = place.create("web-2", volumes=attached)

    assert place.ssh(vm, "cat $MCIS_ROOT/var/lib/data/file").stdout == "kept\n"


def test_a_command_ends_with_its_connection(place: Place) -> None:
    [vm] = place.create("web-1")
    words = ["ssh", *place.options(vm), f"mcis@{vm.public_ip}", "echo up; exec sleep 989"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"up\n"
        client.kill()
    deadline = time.monotonic() + DEADLINE_S
    while processes.machines_below(place.cloud.directory / "i"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_server_ends_with_the_last_machine(place: Place) -> None:
    one, two = place.create("web-1", "web-2")
    place.cloud.stop([one.id])
    assert control.hello(place.cloud.directory) is not None
    place.cloud.delete("instance", [two.id])

    assert control.hello(place.cloud.directory) is None


def test_after_kill_9_of_the_server_machines_are_stopped_and_start_again(place: Place) -> None:
    one, two = place.create("web-1", "web-2")
    place.ssh(one, "setsid sleep 986 >/dev/null 2>&1 &")
    server = control.hello(place.cloud.directory)
    assert server is not None
    os.kill(server.process.pid, signal.SIGKILL)
    deadline = time.monotonic() + DEADLINE_S
    while state(place, one) != "stopped":
        assert time.monotonic() < deadline
        time.sleep(0.01)

    place.cloud.start([one.id, two.id])
    assert place.ssh(one, "echo back").stdout == "back\n"
    assert processes.machines_below(place.cloud.directory / "i") == []


def test_an_address_in_use_fails_that_machine_alone_and_is_named(place: Place) -> None:
    import socket

    [vm] = place.create("web-1")
    taken = str(vm.private_ip).rsplit(".", 1)[0] + ".5"
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((taken, vm.ssh_port))
        other.listen()
        specs = [replace(place.spec, name=name) for name in ("web-2", "web-3")]
        bad, good = place.cloud.create_instances(specs)
    assert isinstance(bad, LocalCloudError)
    assert f"{taken} port 2222" in bad.message
    assert isinstance(good, Instance)


def test_the_console_tells_what_happened(place: Place) -> None:
    [vm] = place.create("web-1")
    assert f"sshd listens at {vm.public_ip} port 2222" in place.cloud.console(vm.id)


def test_the_service_tool_lists_stops_starts_and_tidies(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    [vm] = place.create("web-1")
    for words in (["stop", "web-1"], ["start", vm.id], ["reboot", "web-1"], ["ls"], ["gc"]):
        assert tool.main(words) == 0
    shown = capsys.readouterr().out.splitlines()

    assert shown[0].startswith("default: plain (asked for; ")
    assert shown[1].split() == list(tool.COLUMNS)
    assert shown[2].split()[:3] == [vm.id, "web-1", "running"]
    assert shown[3] == "default: nothing to do"


def test_the_service_tool_says_what_does_not_exist(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main(["stop", "web-9"]) == 6
    assert tool.main(["ls", "--site", "mars"]) == 6
    assert tool.main(["ls", "--site", "../x"]) == 2
    assert tool.main(["fly"]) == 2
    told = capsys.readouterr().err
    assert "there is no instance web-9" in told
    assert "there is no local cloud 'mars'" in told


def test_faults_are_ordered_with_the_service_tool(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    order = ["fault", "add", "--name", "web-2*", "--error", "capacity", "--times", "1"]
    assert tool.main(order) == 0
    bad, good = place.cloud.create_instances([replace(place.spec, name=name) for name in ("web-2", "web-3")])
    assert isinstance(bad, LocalCloudError)
    assert isinstance(good, Instance)
    assert tool.main(["fault", "ls"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "no faults"


def test_reset_asks_and_then_removes_even_a_damaged_cloud(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.create("web-1")
    place.cloud.close()
    for path in place.cloud.directory.glob("cloud.db*"):
        path.write_bytes(b"garbage" * 1000)

    assert tool.main(["ls"]) == 4
    assert "mcis-local reset" in capsys.readouterr().err
    assert tool.main(["reset"]) == 2
    assert tool.main(["reset", "--yes"]) == 0
    assert not place.cloud.directory.exists()
    assert processes.servers(place.cloud.directory) == []


class OnlyOneAddress(PlainBackend):
    """As on a host with no loopback address but 127.0.0.1."""

    def addressing(self) -> Mapping[str, Any]:
        return {**super().addressing(), "port_base": 42100}


def test_where_only_one_address_exists_machines_have_ports_of_their_own(place: Place) -> None:
    backends = {"plain": OnlyOneAddress}
    with LocalCloud.open("ports", backends=backends) as cloud:
        network = cloud.create_network(name="net", region="local-seoul", cidr=None, tags=TAGS)
        subnet = cloud.create_subnet(network=network.id, zone="a", cidr=None)
        public = (place.folder / "key.pub").read_text()
        cloud.create_key_pair(name="login", public_key=public, tags=TAGS)
        there = Place(cloud=cloud, folder=place.folder, spec=replace(place.spec, subnet=subnet.id))
        one, two = there.create("web-1", "web-2")

        assert (one.public_ip, one.ssh_port, two.public_ip, two.ssh_port) == (
            "127.0.0.1",
            42100,
            "127.0.0.1",
            42101,
        )
        assert there.ssh(two, "echo $HOSTNAME at $MCIS_ADDRESS").stdout == "web-2 at 127.0.0.1\n"
        cloud.reset()
