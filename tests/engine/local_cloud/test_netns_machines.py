"""Machines of the netns backend, for real: what a user and the cloud see of them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.netns_world import NetnsWorld, gone

from mcis_iac.local_cloud.netns.backend import NetnsBackend
from mcis_iac.local_cloud.types import BootPlan, LocalCloudError, Process

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="namespaces need root on Linux"),
]


@pytest.fixture
def world() -> Iterator[NetnsWorld]:
    made = NetnsWorld()
    yield made
    made.close()


def test_the_probe_finds_nothing_missing_and_leaves_nothing(world: NetnsWorld) -> None:
    before = sorted(world.directory.iterdir())
    assert world.backend.probe() == ""
    assert sorted(world.directory.iterdir()) == before


def test_a_machine_has_its_own_name_user_and_processes(world: NetnsWorld) -> None:
    vm = world.started("web-1", user="ada")

    said = world.say(vm, "hostname; id -un; test $(id -u) -ge 1000 && echo person; ps -e -o comm= | sort -u")

    name, user, person, *programs = said.splitlines()
    assert (name, user, person) == ("web-1", "ada", "person")
    assert set(programs) <= {"sshd", "bash", "ps", "sort", "sshd-session"}


def test_it_answers_on_both_its_addresses_with_the_host_key_it_was_given(world: NetnsWorld) -> None:
    vm = world.started("web-1")
    assert world.say(vm, "echo yes", address=vm.private_ip) == "yes"
    assert world.say(vm, "echo yes", address=vm.public_ip) == "yes"


def test_only_the_ordered_user_logs_in(world: NetnsWorld) -> None:
    vm = world.started("web-1", user="ada")
    assert world.ssh(vm, "true", user="root").returncode == 255
    assert world.ssh(vm, "true", user="nobody").returncode == 255


def test_what_is_written_survives_stop_and_start_and_stays_in_the_machine(world: NetnsWorld) -> None:
    vm = world.started("web-1")
    world.say(vm, "echo kept > /etc/kept; rm /etc/hosts.allow; echo gone > /tmp/gone; touch /usr/bin/new")

    vm = world.boot(world.stop(vm))[0]

    assert world.say(vm, "cat /etc/kept; ls /usr/bin/new") == "kept\n/usr/bin/new"
    assert world.ssh(vm, "ls /tmp/gone").returncode != 0
    assert not Path("/etc/kept").exists()
    assert not Path("/usr/bin/new").exists()


def test_a_stopped_machine_is_not_alive_and_does_not_answer(world: NetnsWorld) -> None:
    vm = world.started("web-1")
    assert world.backend.alive([vm]) == {vm.id}
    world.backend.stop([vm])
    assert world.backend.alive([vm]) == frozenset()
    assert world.ssh(vm, "true").returncode == 255


def test_power_off_from_inside_counts_as_stopped(world: NetnsWorld) -> None:
    vm = world.started("web-1")
    world.ssh(vm, "python3 -c 'import ctypes; ctypes.CDLL(None).reboot(0x4321fedc)'")
    assert vm.process is not None
    assert gone(vm.process)
    assert world.backend.alive([vm]) == frozenset()


def test_another_process_under_a_recorded_pid_is_not_taken_for_the_machine(world: NetnsWorld) -> None:
    vm = world.started("web-1")
    assert vm.process is not None
    other = Process(pid=vm.process.pid, start=vm.process.start + 1, boot_id=vm.process.boot_id)
    stranger = dataclasses.replace(vm, process=other)
    assert world.backend.alive([stranger]) == frozenset()
    world.backend.stop([stranger])
    assert world.backend.alive([vm]) == {vm.id}


def test_the_first_boot_runs_its_plan_in_order_and_says_so(world: NetnsWorld) -> None:
    plan = BootPlan(
        bootcmd=("echo bootcmd >> /order", "test ! -e /etc/plan.conf"),
        files=(("/etc/plan.conf", "x=1\n", 0o640, "ada:ada"),),
        runcmd=("echo runcmd >> /order", "cat /etc/plan.conf >> /order", 'echo "$MCIS_ADDRESS" >> /order'),
    )
    vm = world.started("web-1", user="ada", boot=plan)

    assert json.loads(world.first_boot(vm)) == {"result": "done", "step": None, "exit_status": 0}
    assert world.say(vm, "cat /order").splitlines() == ["bootcmd", "runcmd", "x=1", vm.private_ip]
    assert world.say(vm, "stat -c '%a %U %G' /etc/plan.conf") == "640 ada ada"
    assert world.say(vm, 'echo "$MCIS_ADDRESS [$MCIS_ROOT]"') == f"{vm.private_ip} []"


def test_the_first_boot_stops_at_the_command_that_fails_and_names_it(world: NetnsWorld) -> None:
    plan = BootPlan(runcmd=("echo before", "exit 7", "touch /after"))
    vm = world.started("web-1", boot=plan)

    marker = json.loads(world.first_boot(vm))

    assert marker == {"result": "failed", "step": "runcmd 2: exit 7", "exit_status": 7}
    assert world.say(vm, "cat /var/log/cloud-init-output.log") == "before"
    assert world.ssh(vm, "ls /after").returncode != 0


def test_a_command_that_wants_systemd_fails_and_points_to_rc_local(world: NetnsWorld) -> None:
    vm = world.started("web-1", boot=BootPlan(runcmd=("systemctl enable --now nginx",)))
    assert json.loads(world.first_boot(vm))["result"] == "failed"
    assert "/etc/rc.local" in world.say(vm, "cat /var/log/cloud-init-output.log")


def test_a_package_nobody_has_fails_with_the_reason(world: NetnsWorld) -> None:
    vm = world.started("web-1", boot=BootPlan(packages=("no-such-package-anywhere",)))
    assert "no-such-package-anywhere" in json.loads(world.first_boot(vm))["step"]


def test_a_file_for_an_unknown_owner_fails_the_first_boot_but_not_the_login(world: NetnsWorld) -> None:
    vm = world.started("web-1", boot=BootPlan(files=(("/etc/x", "", 0o644, "nobody-such:root"),)))
    assert json.loads(world.first_boot(vm))["step"].startswith("write_files /etc/x")


def test_rc_local_runs_at_every_start_after_the_setup(world: NetnsWorld) -> None:
    script = "#!/bin/sh\necho start >> /starts\n"
    plan = BootPlan(files=(("/etc/rc.local", script, 0o755, "root:root"),), runcmd=("echo setup >> /starts",))
    vm = world.started("web-1", boot=plan)
    read = "while [ $(wc -l < /starts) -lt %d ]; do sleep 0.05; done; cat /starts"
    assert world.say(vm, read % 2).split() == ["setup", "start"]

    vm = world.boot(world.stop(vm))[0]

    assert world.say(vm, read % 3).split() == ["setup", "start", "start"]


def test_a_setup_cut_short_by_a_stop_is_reported_as_failed(world: NetnsWorld) -> None:
    vm = world.started("web-1", boot=BootPlan(runcmd=("sleep 600",)))
    vm = world.boot(world.stop(vm))[0]
    marker = json.loads(world.first_boot(vm))
    assert marker["result"] == "failed"
    assert "interrupted" in marker["step"]


def test_volumes_come_and_go_while_it_runs_and_outlive_it(world: NetnsWorld) -> None:
    first, second = world.directory / "vol/a", world.directory / "vol/b"
    for folder in (first, second):
        folder.mkdir(parents=True)
    vm = world.started("web-1", mounts=((first, "/data"),))
    world.say(vm, "echo one > /data/x")

    vm = dataclasses.replace(vm, mounts=((second, "/more/deep"),))
    world.backend.attach(vm)

    assert world.ssh(vm, "ls /data/x").returncode != 0
    world.say(vm, "echo two > /more/deep/x && chown root:root /more/deep/x")
    assert (first / "x").read_text() == "one\n"
    assert (second / "x").stat().st_uid == 0
    vm = world.boot(world.stop(vm))[0]
    assert world.say(vm, "cat /more/deep/x") == "two"


def test_a_link_of_the_guest_does_not_lead_a_volume_out_of_it(world: NetnsWorld) -> None:
    volume = world.directory / "vol/a"
    volume.mkdir(parents=True)
    vm = world.started("web-1")
    world.say(vm, "mkdir /etc/trap && ln -s /etc/trap /data")

    world.backend.attach(dataclasses.replace(vm, mounts=((volume, "/data"),)))

    assert world.say(vm, "touch /data/x; ls /etc/trap") == "x"
    assert str(volume) not in Path("/proc/self/mountinfo").read_text()


def test_one_bad_machine_does_not_keep_the_others_from_starting(world: NetnsWorld) -> None:
    good, bad = world.machine("good"), world.machine("bad")
    (bad.directory / "work").rmdir()

    results = world.backend.boot([good, bad], lambda *_: None)

    assert results[good.id].error == ""
    assert "overlay" in results[bad.id].error
    world.machines[good.id] = dataclasses.replace(good, process=results[good.id].process)


def test_an_sshd_that_refuses_its_settings_is_quoted(world: NetnsWorld) -> None:
    bad = world.machine("bad")
    (bad.directory / "upper/etc/ssh/sshd_config").write_text("NoSuchSetting yes\n")
    result = world.backend.boot([bad], lambda *_: None)[bad.id]
    assert result.process is None
    assert "NoSuchSetting" in result.error


def test_a_caller_that_fails_before_the_gate_leaves_nothing_running(world: NetnsWorld) -> None:
    vm = world.machine("web-1")
    seen: list[Process] = []

    def refuse(_: str, process: Process) -> None:
        seen.append(process)
        message = "no room in the database"
        raise OSError(message)

    with pytest.raises(OSError, match="no room"):
        world.backend.boot([vm], refuse)

    assert len(seen) == 1
    assert gone(seen[0])


CREATOR = """
import os, pickle, sys
from mcis_iac.local_cloud.netns.backend import NetnsBackend
directory, settings, machine = pickle.loads(sys.stdin.buffer.read())
def started(_, process):
    print(process.pid, flush=True)
    os.kill(os.getpid(), 9)
NetnsBackend(directory, settings).boot([machine], started)
"""


def test_a_creator_killed_in_the_middle_leaves_nothing_running(world: NetnsWorld) -> None:
    import pickle

    vm = world.machine("web-1")
    order = pickle.dumps((world.directory, dict(world.settings), vm))
    run = subprocess.run([sys.executable, "-c", CREATOR], input=order, capture_output=True, check=False)

    assert run.returncode == -9
    pid = int(run.stdout)
    deadline = 200
    while Path(f"/proc/{pid}").exists() and deadline and "Z" not in _state(pid):
        deadline -= 1
        subprocess.run(["sleep", "0.02"], check=True)
    assert deadline
    assert world.backend.orphans(frozenset()) == ()


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_a_machine_without_a_record_is_found(world: NetnsWorld) -> None:
    vm = world.started("web-1")
    assert vm.process is not None
    assert world.backend.orphans(frozenset()) == (vm.process.pid,)
    assert world.backend.orphans(frozenset({vm.id})) == ()


def test_a_folder_serves_as_image(world: NetnsWorld) -> None:
    image = world.base / "image"
    for name in ("bin", "lib", "lib64", "sbin"):
        (image / name).parent.mkdir(exist_ok=True)
        (image / name).symlink_to(f"usr/{name}")
    for name in ("etc", "usr", "proc", "sys", "dev", "run", "tmp", "root", "var", "home"):
        (image / name).mkdir(exist_ok=True)
    (image / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/bin/false\n")
    (image / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    for name in ("bin", "sbin", "lib", "lib64"):
        (image / "usr" / name).mkdir()
    programs = ("/usr/sbin/sshd", "/bin/sh", "/bin/cat")
    for program in programs:
        _copy_with_libraries(program, image)

    vm = world.started("tiny", image=f"dir:{image}")

    assert world.say(vm, "cat /etc/hostname; echo /usr/bin/*") == "tiny\n/usr/bin/cat /usr/bin/sh"
    assert not (image / "etc/hostname").exists()


def _copy_with_libraries(program: str, image: Path) -> None:
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    libraries = [word for word in listing.split() if word.startswith("/")]
    for name in (program, *libraries):
        folder = "/usr" if not name.startswith("/usr") else ""
        target = image / f"{folder}{name}".lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(name).read_bytes())
        target.chmod(0o755)


def test_an_image_without_sshd_is_refused_by_name(world: NetnsWorld, tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="openssh-server") as refused:
        world.machine("web-1", image=f"dir:{tmp_path}")
    assert refused.value.code == "invalid"
    world.machines.clear()


def test_a_flavor_limits_memory_where_the_host_lets_us(world: NetnsWorld) -> None:
    vm = world.started("web-1", memory_mib=64)
    from mcis_iac.local_cloud.netns import limits

    if not limits.set_limits(world.settings["router"].removeprefix("mcis-"), vm):
        return  # a host without writable cgroups: flavors are names only
    hungry = "python3 -c 'x = bytearray(200 << 20); print(len(x))'"
    assert world.ssh(vm, hungry).returncode != 0
    world.backend.attach(dataclasses.replace(vm, memory_mib=1024))
    assert world.ssh(vm, hungry).returncode == 0


def test_two_clouds_live_side_by_side(world: NetnsWorld) -> None:
    other = NetnsWorld()
    try:
        mine, theirs = world.started("a"), other.started("b")
        assert mine.private_ip != theirs.private_ip
        assert world.say(mine, "hostname") == "a"
        assert other.say(theirs, "hostname") == "b"
    finally:
        other.close()


def test_a_range_that_somebody_else_routes_is_a_conflict(world: NetnsWorld) -> None:
    taken = {**world.settings, "router": "mcis-zzzzzz", "link": "mcis-zzzzzz"}
    world.started("a")
    rival = NetnsBackend(world.base / "rival", taken)
    with pytest.raises(LocalCloudError, match="to mcis-") as refused:
        rival.boot([world.machines["i-00000000"]], lambda *_: None)
    assert refused.value.code == "conflict"


def test_teardown_leaves_nothing_and_a_new_machine_brings_it_all_back(world: NetnsWorld) -> None:
    vm = world.stop(world.started("web-1"))
    world.backend.teardown()
    assert world.left() == []
    vm = world.boot(vm)[0]
    assert world.say(vm, "hostname") == "web-1"
