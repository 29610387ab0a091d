"""The first-boot program as a machine runs it: for real, on this system's files under a layer of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from mcis_iac.clouds import boot
from mcis_iac.clouds.boot import FirstBoot, Mounted
from mcis_iac.model import HostKey, Setup, SetupFile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a layer over a system's files")
NASTY = 'it\'s "q" $(touch /PWNED) `touch /PWNED` \\ \t%s\r\n\nEOF\n\u2028\x85 é\x1b no newline'
BARE = FirstBoot(setup=Setup(), user="ops", public_key="ssh-ed25519 AAAAlogin", hostname="web-1")
# Mounts end with the namespace they are in; the loop devices with their last user.
IN_A_LAYER = """
set -e
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
for made in dev run; do mount -t tmpfs tmpfs "$1/root/$made"; done
for node in null zero urandom; do
    touch "$1/root/dev/$node"
    mount --bind "/dev/$node" "$1/root/dev/$node"
done
mount -t proc proc "$1/root/proc"
mkdir -p "$1/root/dev/disk/by-id"
for image in "$1"/disks/*; do
    [ -e "$image" ] || continue
    loop=$(losetup -f --show "$image")
    mknod "$1/root/dev/${image##*/}" b $(stat -c '0x%t 0x%T' "$loop")
    ln -s "/dev/${image##*/}" "$1/root/dev/disk/by-id/serial_${image##*/}"
    mount_later="$mount_later $loop"
done
code=0
chroot "$1/root" sh /program || code=$?
cp "$1/root/proc/mounts" "$1/mounts"
umount -R "$1/root"
for loop in $mount_later; do losetup -d "$loop"; done
exit $code
"""


@dataclass(frozen=True)
class Machine:
    """A system that runs a program as its first boot would."""

    folder: Path

    def run(self, program: str) -> int:
        (self.folder / "upper/program").write_text(program, encoding="utf-8", newline="")
        command = [
            "unshare",
            "-m",
            "-n",
            "-u",
            "--propagation",
            "private",
            "sh",
            "-c",
            IN_A_LAYER,
            "sh",
            self.folder,
        ]
        return subprocess.run(command, check=False, timeout=60).returncode

    def add_disk(self, name: str, content: bytes = b"") -> None:
        path = self.folder / "disks" / name
        path.write_bytes(content)
        os.truncate(path, 8 << 20)

    def file(self, path: str) -> Path:
        return self.folder / "upper" / path.lstrip("/")

    @property
    def marker(self) -> Any:
        return json.loads(self.file(boot.MARKER).read_text())


@pytest.fixture
def machine() -> Iterator[Machine]:
    # Not below pytest's own folder: an upper layer may not be on tmpfs or overlay.
    folder = Path("/var/tmp") / f"mcis-first-boot-{uuid4().hex[:8]}"
    for name in ("upper", "work", "root", "disks"):
        (folder / name).mkdir(parents=True)
    yield Machine(folder)
    shutil.rmtree(folder)


def with_setup(**setup: Any) -> FirstBoot:
    return replace(BARE, setup=Setup(**setup))


def program_of(first: FirstBoot) -> str:
    (file,) = yaml.safe_load(boot.cloud_config(first))["write_files"]
    return str(file["content"])


def test_a_bare_machine_is_done(machine: Machine) -> None:
    assert machine.run(program_of(BARE)) == 0
    assert machine.marker == {"result": "done", "step": None, "exit_status": 0}


def test_files_and_commands_arrive_as_they_were_written(machine: Machine) -> None:
    files = (
        SetupFile(path="/opt/a b/it's\n", content=NASTY, mode="0640"),
        SetupFile(path="/opt/nul", content="a\0b"),
        SetupFile(path="/opt/dash", content="-n -e \\n"),
    )
    run = ('printf %s "$HOME $PWD" >/opt/where', "-x 2>/dev/null || echo no such >/opt/dashed")
    assert machine.run(program_of(with_setup(files=files, run=run))) == 0
    for file in files:
        assert machine.file(file.path).read_bytes() == file.content.encode()
    assert machine.file(files[0].path).stat().st_mode & 0o777 == 0o640
    assert machine.file("/opt/where").read_text() == "/root /"
    assert machine.file("/opt/dashed").read_text() == "no such\n"
    assert not machine.file("/PWNED").exists()


def test_a_command_that_fails_ends_it_and_is_named(machine: Machine) -> None:
    assert machine.run(program_of(with_setup(run=("exit 7", "touch /never")))) == 7
    assert machine.marker == {"result": "failed", "step": "runcmd 1: exit 7", "exit_status": 7}
    assert not machine.file("/never").exists()


def test_a_blank_disk_is_formatted_and_one_with_data_is_kept(machine: Machine) -> None:
    machine.add_disk("vol0123456789abcdef0")
    machine.add_disk("old")
    old = machine.folder / "disks/old"
    subprocess.run(["mkfs.ext4", "-q", "-U", "11111111-2222-3333-4444-555555555555", old], check=True)
    mounts = (
        Mounted(device="vol-0123456789abcdef0", mount="/my data/it's"),
        Mounted(device="/dev/old", mount="/old"),
    )
    below = SetupFile(path="/my data/it's/file", content="x")
    first = replace(with_setup(files=(below,)), mounts=mounts)
    assert machine.run(program_of(first)) == 0
    mounted = (machine.folder / "mounts").read_text()
    assert "/my\\040data/it's ext4" in mounted and "/old ext4" in mounted
    table = machine.file("/etc/fstab").read_text()
    assert "/my\\040data/it's ext4 defaults,nofail 0 2\n" in table
    assert "UUID=11111111-2222-3333-4444-555555555555 /old ext4 defaults,nofail 0 2\n" in table
    assert not machine.file(below.path).exists()  # it is on the disk, not below it


def test_a_disk_with_partitions_is_left_alone(machine: Machine) -> None:
    entry = bytes([0, 1, 1, 0, 0x83, 1, 1, 1]) + (1).to_bytes(4, "little") + (64).to_bytes(4, "little")
    sector = bytes(446) + entry + bytes(48) + b"\x55\xaa"
    machine.add_disk("parts", sector)
    first = replace(BARE, mounts=(Mounted(device="/dev/parts", mount="/data"),))
    assert machine.run(program_of(first)) == 1
    assert (machine.marker["result"], machine.marker["step"]) == ("failed", "mounts /data")
    assert (machine.folder / "disks/parts").read_bytes()[:512] == sector


# ---------------------------------------------------------------- without cloud-init


def test_the_script_makes_the_login_and_the_host_key(machine: Machine) -> None:
    key = HostKey(public="ssh-ed25519 AAAAhost", private="-----BEGIN\nprivate\n-----END\n")
    assert machine.run(boot.script(replace(BARE, host_key=key))) == 0
    private = machine.file("/etc/ssh/ssh_host_ed25519_key")
    assert (private.read_text(), private.stat().st_mode & 0o777) == (key.private, 0o600)
    keys = machine.file("/home/ops/.ssh/authorized_keys")
    assert (keys.read_text(), keys.stat().st_mode & 0o777) == ("ssh-ed25519 AAAAlogin\n", 0o600)
    assert machine.file("/etc/sudoers.d/90-mcis").read_text().endswith(" ALL=(ALL) NOPASSWD:ALL\n")
    assert machine.file("/etc/hostname").read_text() == "web-1\n"


def test_the_machines_name_stays_its_own(machine: Machine) -> None:
    ours = os.uname().nodename
    assert machine.run(boot.script(replace(BARE, hostname="another-name"))) == 0
    assert machine.file("/etc/hostname").read_text() == "another-name\n"
    assert os.uname().nodename == ours


def test_the_script_works_at_the_first_boot_only(machine: Machine) -> None:
    program = boot.script(with_setup(run=("echo again >>/opt-count",)))
    assert [machine.run(program), machine.run(program)] == [0, 0]
    assert machine.file("/opt-count").read_text() == "again\n"
    assert machine.marker["result"] == "done"


def test_a_first_boot_that_was_cut_short_is_not_begun_again(machine: Machine) -> None:
    program = boot.script(with_setup(run=("echo again >>/opt-count", "kill -9 $PPID")))
    machine.run(program)
    assert machine.run(program) == 0
    assert machine.marker["step"].startswith("interrupted")
    assert machine.file("/opt-count").read_text() == "again\n"


def test_an_image_of_a_machine_is_another_machine(machine: Machine) -> None:
    program = boot.script(with_setup(run=("echo again >>/opt-count",)))
    machine.run(program)
    machine.file("/var/lib/mcis/first-boot.started").write_text("the serial number of the original\n")
    assert machine.run(program) == 0
    assert machine.file("/opt-count").read_text() == "again\nagain\n"
