"""What a guest's root may not do, tried by a guest's root; security groups on a real network."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.netns_world import ALL, NetnsWorld

from mcis_iac.local_cloud.types import BootPlan, Fabric, Machine, Rule, SecurityGroup

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="namespaces need root on Linux"),
]


@pytest.fixture
def world() -> Iterator[NetnsWorld]:
    made = NetnsWorld()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[NetnsWorld, Machine]]:
    """One machine for many harmless attempts."""
    made = NetnsWorld()
    yield made, made.started("spy")
    made.close()


def test_root_of_a_guest_reads_nothing_of_the_host_that_is_not_for_everybody(world: NetnsWorld) -> None:
    vm = world.started("spy")
    secret = world.base / "secret"
    secret.write_text("s")

    shadow = world.say(vm, "cat /etc/shadow")
    assert {line.split(":")[1] for line in shadow.splitlines()} == {"*"}
    assert world.say(vm, "cat /etc/ssh/ssh_host_ed25519_key") == vm_key(vm)
    for path in (secret, world.directory, Path("/var/lib/mcis-iac/ranges.json")):
        assert path.exists()
        assert world.ssh(vm, f"ls -d {path} || cat {path}").returncode != 0
    top = set(world.say(vm, "ls -A /").split())
    usual = {"bin", "sbin", "usr", "etc", "var", "boot", "dev", "home", "media", "mnt", "opt", "proc", "root"}
    assert {name for name in top if not name.startswith("lib")} <= usual | {"run", "srv", "sys", "tmp"}
    assert world.say(vm, "ls -A /home /opt /srv /mnt /var/tmp").split() == [
        *("/home:", "/mnt:", "/opt:", "/srv:", "/var/tmp:"),
    ]


def vm_key(vm: Machine) -> str:
    return vm.host_private_key.strip()


def test_no_file_of_the_host_is_readable_inside_unless_everybody_may_read_it(world: NetnsWorld) -> None:
    vm = world.started("spy")
    closed = [
        path
        for top in ("/etc", "/var/lib")
        for path in Path(top).rglob("*")
        if path.is_file() and not path.is_symlink() and not path.stat().st_mode & 0o004
    ]
    assert closed
    own = {"/etc/shadow", "/etc/sudoers", "/etc/ssh/ssh_host_ed25519_key"}
    listed = "\n".join(str(path) for path in closed if str(path) not in own)
    found = world.say(
        vm, f"while read f; do cat \"$f\" >/dev/null 2>&1 && echo $f; done <<'E'\n{listed}\nE\ntrue"
    )
    assert found == ""


def test_root_of_a_guest_cannot_reach_another_machines_disk_or_console(world: NetnsWorld) -> None:
    victim, spy = world.machine("victim"), world.machine("spy")
    victim, spy = world.boot(victim, spy)
    world.say(victim, "echo treasure > /root/gold")
    assert world.say(spy, "grep -rl treasure /root /var/tmp /var/lib /run /tmp 2>/dev/null; true") == ""
    assert world.ssh(spy, f"ls {victim.directory}").returncode != 0
    assert world.ssh(spy, "cat /proc/1/fd/1").returncode != 0
    # a folder that hides what lies below cannot be opened up from inside
    assert world.ssh(spy, "rmdir /var/tmp && ls /var/tmp/mcis-netns-*").returncode != 0
    assert world.ssh(spy, "setfattr -x user.overlay.opaque /home").returncode != 0
    assert world.say(spy, "ls -A /home") == ""


@pytest.mark.parametrize(
    "attempt",
    [
        "mknod /tmp/disk b 254 0",
        "mknod /root/mem c 1 1",
        "echo 1 > /proc/sys/kernel/panic_on_oops",
        "echo x > /proc/sys/kernel/core_pattern",
        "echo h > /proc/sysrq-trigger",
        "mount -o remount,rw /sys && echo 1 > /sys/kernel/mm/ksm/run",
        "mount -t ext4 /dev/vda /mnt",
        "cat /proc/kcore | head -c 1 | grep -q .",
        'python3 -c "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))"',
        "date -s 2001-01-01",
        "swapoff -a; echo x > /proc/sys/vm/drop_caches",
        "nsenter -t 1 -m -- ls /work || nsenter --net=/run/netns/x true",
        "python3 -c \"import os; os.open('/dev/vda', os.O_RDONLY)\"",
        'python3 -c "import socket; socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)"',
        "python3 -c 'import ctypes,sys; sys.exit(ctypes.CDLL(None).syscall(425, 8, bytes(120)) < 0)'",
    ],
)
def test_root_of_a_guest_is_nobody_on_the_host(shared: tuple[NetnsWorld, Machine], attempt: str) -> None:
    world, vm = shared
    assert world.ssh(vm, attempt).returncode != 0


def test_a_guests_processes_are_unprivileged_on_the_host_and_its_files_keep_their_owners(
    world: NetnsWorld,
) -> None:
    vm = world.started("spy")
    world.say(vm, "install -o 1234 -m 600 /dev/null /root/f")
    assert vm.process is not None
    assert Path(f"/proc/{vm.process.pid}").stat().st_uid >= 0x70000000
    assert (vm.directory / "upper/root/f").stat().st_uid == 1234


def test_nothing_of_the_starters_environment_or_files_is_in_the_guest(
    world: NetnsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_CALLER", "hunter2")
    vm = world.started(
        "spy",
        boot=BootPlan(runcmd=("tr '\\0' '\\n' < /proc/self/environ > /env; ls -l /proc/self/fd > /fds",)),
    )
    world.first_boot(vm)
    assert "hunter2" not in world.say(vm, "cat /env; tr '\\0' '\\n' < /proc/1/environ")
    assert vm.process is not None
    links = [str(entry.readlink()) for entry in Path(f"/proc/{vm.process.pid}/fd").iterdir()]
    assert not [link for link in links if link.startswith("pipe:")]


# ---------------------------------------------------------------- network

SERVER = """
import socket, threading, time
def serve(p):
    s = socket.create_server(('0.0.0.0', p))
    while True:
        s.accept()[0].sendall(b'hi')
for p in (80, 443, 5432):
    threading.Thread(target=serve, args=(p,), daemon=True).start()
time.sleep(300)
"""
CALL = """
import socket, sys
print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 1).recv(2).decode())
"""


def serve(world: NetnsWorld, *machines: Machine) -> None:
    for machine in machines:
        world.say(
            machine,
            f'nohup python3 -c "{SERVER}" >/dev/null 2>&1 & for i in 1 2 3 4 5 6 7 8 9 10; do '
            'grep -q ":0050 " /proc/net/tcp && break; sleep 0.1; done',
        )


def reaches(world: NetnsWorld, source: Machine, address: str | None, port: int) -> bool:
    return world.ssh(source, f'python3 -c "{CALL}" {address} {port}').stdout.strip() == "hi"


def group(name: str, *rules: Rule) -> SecurityGroup:
    return SecurityGroup(id=f"sg-{name}", name=name, network="net-1", rules=rules)


SSH = Rule(protocol="tcp", port_low=22, host=True)
WEB = group("web", SSH, Rule(protocol="tcp", port_low=80, cidr="0.0.0.0/0"))
DB = group("db", SSH, Rule(protocol="tcp", port_low=5432, peer="web"))


def test_groups_let_in_exactly_what_their_rules_say(world: NetnsWorld) -> None:
    web = world.machine("web", security_groups=("sg-web",))
    db = world.machine("db", security_groups=("sg-db",))
    web, db = world.boot(web, db, groups=(WEB, DB))
    serve(world, web, db)

    assert reaches(world, db, web.private_ip, 80)
    assert reaches(world, db, web.public_ip, 80)
    assert reaches(world, web, db.private_ip, 5432)
    assert reaches(world, web, db.public_ip, 5432)
    assert not reaches(world, db, web.private_ip, 443)
    assert not reaches(world, web, db.private_ip, 80)
    assert not reaches(world, db, web.private_ip, 5432)


def test_a_rule_changed_live_counts_at_once_and_a_guest_cannot_undo_it(world: NetnsWorld) -> None:
    a = world.machine("a", security_groups=("sg-web",))
    b = world.machine("b", security_groups=("sg-web",))
    a, b = world.boot(a, b, groups=(WEB,))
    serve(world, b)
    assert reaches(world, a, b.private_ip, 80)

    world.connect((group("web", SSH),))
    assert not reaches(world, a, b.private_ip, 80)
    world.ssh(a, "nft flush ruleset")
    world.ssh(b, "nft flush ruleset")
    assert not reaches(world, a, b.private_ip, 80)

    world.connect((WEB,))
    assert reaches(world, a, b.private_ip, 80)


def test_a_machine_that_the_rules_do_not_know_neither_sends_nor_is_reached(world: NetnsWorld) -> None:
    vm = world.started("web-1")
    world.backend.connect(Fabric(machines=(), groups=()))
    assert world.ssh(vm, "true").returncode == 255
    world.connect()
    assert world.say(vm, "echo back") == "back"


def test_a_guest_cannot_open_a_connection_to_the_host(world: NetnsWorld) -> None:
    vm = world.started("spy")
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        own = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
        for address in {world.settings["host_ip"], *(a for a in own if "." in a)}:
            call = world.ssh(vm, f'python3 -c "{CALL}" {address} {port}')
            assert call.returncode != 0, address


def test_a_forged_source_address_is_dropped(world: NetnsWorld) -> None:
    member = world.machine("member", security_groups=("sg-web",))
    db = world.machine("db", security_groups=("sg-db",))
    thief = world.machine("thief", security_groups=("sg-all",))
    udp = group("db", SSH, Rule(protocol="udp", port_low=9999, peer="web"))
    member, db, thief = world.boot(member, db, thief, groups=(WEB, udp, ALL))
    listen = (
        "import socket; s=socket.socket(2,2); s.bind(('0.0.0.0',9999)); s.settimeout(%s)\n"
        "try: print(s.recv(9))\nexcept OSError: print('nothing')"
    )
    send = "import socket; s=socket.socket(2,2); s.bind(('%s',0)); s.sendto(b'x',('%s',9999))"
    script = 'timeout 5 python3 -c "%s" > /heard 2>&1 & sleep 0.4; '
    world.say(db, script % (listen % 2) + "true")
    world.say(thief, f"ip addr add {member.private_ip}/32 dev eth0")
    world.say(thief, f'python3 -c "{send % (member.private_ip, db.private_ip)}"')
    assert world.say(db, "sleep 2.2; cat /heard") == "nothing"

    world.say(db, script % (listen % 4) + "true")
    world.say(member, f'python3 -c "{send % (member.private_ip, db.private_ip)}"')
    assert world.say(db, "sleep 0.3; cat /heard") == "b'x'"
