"""Small readers: what the kernel and the tools print, cgroup files, the guest's messages."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.local_cloud.netns import commands, console, limits, processes, router
from mcis_iac.local_cloud.netns.disk import filesystem
from mcis_iac.local_cloud.netns.guest import firstboot, network, seccomp
from mcis_iac.local_cloud.types import LocalCloudError, Machine

VM = Machine(
    id="i-1",
    number=1,
    directory=Path("/nowhere"),
    name="vm",
    region="local-seoul",
    private_ip="10.100.0.4",
    public_ip=None,
    ssh_port=22,
    mac="02:01:0a:64:00:04",
    cpu=0.25,
    memory_mib=256,
    image="host",
    user="ubuntu",
    public_key="",
)


def test_failed_lines_of_a_batch_are_told_apart() -> None:
    stderr = (
        "RTNETLINK answers: File exists\nCommand failed -:2\n"
        "Cannot find device \"v9\"\nCommand failed -:7\n"
    )  # fmt: skip
    assert commands.parse_failures(stderr) == {
        1: "RTNETLINK answers: File exists",
        6: 'Cannot find device "v9"',
    }


def test_the_kernels_routes_are_read() -> None:
    table = (
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "mcis-ab\t0000640A\t02FFFF0A\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )
    assert router.routes(table) == {"0.0.0.0/0": "eth0", "10.100.0.0/16": "mcis-ab"}


MOUNTS = (
    "700 600 0:50 / / rw,relatime - overlay {source} rw,lowerdir=root/lower,upperdir=root/data/upper\n"
    "701 700 0:51 / /proc rw - proc proc rw\n"
)


def test_a_machine_is_known_by_its_roots_source() -> None:
    text = MOUNTS.format(source="/var/lib/c/i/i-0000abcd")
    assert processes.parse_owner(text, "/var/lib/c/i") == "i-0000abcd"


def test_a_machine_of_another_cloud_is_not_ours() -> None:
    text = MOUNTS.format(source="/var/lib/c2/i/i-0000abcd")
    assert processes.parse_owner(text, "/var/lib/c/i") == ""


def test_a_folder_with_a_space_is_recognised() -> None:
    text = MOUNTS.format(source="/var/lib/my\\040c/i/i-1")
    assert processes.parse_owner(text, "/var/lib/my c/i") == "i-1"


def test_an_overlay_below_the_root_is_nobodys_machine() -> None:
    text = "9 8 0:5 / /mnt rw - overlay /var/lib/c/i/i-1 rw\n"
    assert processes.parse_owner(text, "/var/lib/c/i") == ""


def test_only_what_sshd_said_since_the_last_start_counts(tmp_path: Path) -> None:
    vm = dataclasses.replace(VM, directory=tmp_path)
    log = tmp_path / "console.log"
    assert not console.says_listening(vm)
    log.write_text("starting sshd\nServer listening on 0.0.0.0 port 22.\n")
    assert console.says_listening(vm)
    log.write_text(log.read_text() + "starting sshd\n")
    assert not console.says_listening(vm)


def test_the_last_words_are_one_line(tmp_path: Path) -> None:
    vm = dataclasses.replace(VM, directory=tmp_path)
    assert console.last_words(vm) == "no console output"
    (tmp_path / "console.log").write_text("a\nb\nc\nd\n")
    assert console.last_words(vm) == "b / c / d"


def version_two(root: Path) -> None:
    (root / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (root / "cgroup.subtree_control").write_text("cpu memory\n")


def test_version_two_gets_one_folder_and_version_one_one_per_controller(tmp_path: Path) -> None:
    assert limits.folders("ab", tmp_path) == []
    for name in ("cpu", "memory"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").write_text("")
    assert len(limits.folders("ab", tmp_path)) == 2
    version_two(tmp_path)
    assert limits.folders("ab", tmp_path) == [tmp_path / "mcis-local/ab"]


def test_a_quarter_of_a_processor_and_its_memory_in_both_versions_words() -> None:
    assert limits.values(VM) == {
        "cpu.cfs_quota_us": "25000",
        "cpu.max": "25000 100000",
        "memory.limit_in_bytes": "268435456",
        "memory.max": "268435456",
    }


def test_limits_go_where_the_files_are_and_leave_nothing(tmp_path: Path) -> None:
    version_two(tmp_path)
    assert limits.set_limits("ab", VM, tmp_path) == [str(tmp_path / "mcis-local/ab/i-1/cgroup.procs")]
    limits.remove("ab", ["i-1"], tmp_path)
    limits.remove_all("ab", tmp_path)
    assert not (tmp_path / "mcis-local").exists()


@pytest.mark.parametrize("image", ["nonsense", "dir:relative", "dir:/no/such/folder", "dir:"])
def test_an_image_that_is_none_is_refused(image: str) -> None:
    with pytest.raises(LocalCloudError, match="neither"):
        filesystem.image_root(image)


def test_owners_are_looked_up_by_name_or_number(tmp_path: Path) -> None:
    table = tmp_path / "passwd"
    table.write_text("root:x:0:0\nada:x:1001:1001\n")
    assert firstboot._number(str(table), "ada") == 1001
    assert firstboot._number(str(table), "77") == 77
    with pytest.raises(LookupError, match="bob"):
        firstboot._number(str(table), "bob")


def test_a_message_to_the_kernel_says_its_own_length() -> None:
    message = network._default_route(3, "10.100.0.4")
    assert struct.unpack_from("=I", message)[0] == len(message)
    assert len(message) % 4 == 0


def decide(program: bytes, processor: int, number: int, argument: int) -> int:
    """Run a filter as the kernel would; only the instructions ours has."""
    data = struct.pack("=IIQQ", number, processor, 0, argument)
    accumulator, at = 0, 0
    while True:
        code, yes, no, value = struct.unpack_from("=HBBI", program, at * 8)
        at += 1
        if code == 0x20:
            accumulator = struct.unpack_from("=I", data, value)[0]
        elif code == 0x54:
            accumulator &= value
        elif code == 0x15:
            at += yes if accumulator == value else no
        else:
            return int(value)


@pytest.mark.parametrize(
    ("machine", "processor", "number"),
    [
        ("x86_64", 0xC000003E, 41),
        ("x86_64", 0xC000003E, 41 | 0x40000000),
        ("x86_64", 0x40000003, 359),
        ("aarch64", 0xC00000B7, 198),
        ("aarch64", 0x40000028, 281),
    ],
)
def test_vsock_is_refused_in_every_calling_convention_and_other_sockets_are_not(
    machine: str, processor: int, number: int
) -> None:
    program = seccomp.program(machine)
    assert decide(program, processor, number, 40) != seccomp._ALLOW
    assert decide(program, processor, number, 2) == seccomp._ALLOW
    assert decide(program, processor, 425, 40) != seccomp._ALLOW


def test_the_old_way_to_make_a_socket_is_refused_and_its_other_uses_are_not() -> None:
    program = seccomp.program("x86_64")
    assert decide(program, 0x40000003, 102, 1) != seccomp._ALLOW
    assert decide(program, 0x40000003, 102, 3) == seccomp._ALLOW


@given(number=st.integers(0, 500), argument=st.integers(0, 2**32 - 1))
def test_every_other_call_passes(number: int, argument: int) -> None:
    if number not in {41, 425}:
        assert decide(seccomp.program("x86_64"), 0xC000003E, number, argument) == seccomp._ALLOW
