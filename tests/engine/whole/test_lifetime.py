"""From a manifest to running VMs and back, as a user would: the program, the real engine, real VMs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.conftest import Room

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[3]
TWO_GROUPS = """\
version: 1
name: shop
groups:
  web:
    count: 2
    placement: {cloud: local, region: local-seoul}
  db:
    count: 1
    placement: {cloud: local, region: local-tokyo}
    public_ip: false
"""


def test_the_demo_comes_up_serves_scales_and_goes_down(demo: Room) -> None:
    lock = (demo.stack / "mcis.lock").read_text()
    assert demo("preview", "--detailed-exitcode", code=2).out.startswith("demo  0 -> 5 VMs")
    up = demo("up", "-y")
    assert "5 of 5 VMs ready" in up.out
    assert (demo.stack / "mcis.lock").read_text() == lock  # the committed lock is true as it is

    visit = subprocess.run(
        [sys.executable, demo.stack / "visit.py"],
        input=demo("outputs", "--json").out,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert visit.returncode == 0, visit.stdout + visit.stderr
    assert visit.stdout.count("hello from web-") == 2

    assert demo("preview", "--detailed-exitcode").code == 0
    assert demo("up", "-y", "--expect-no-changes").code == 0
    status = demo("status", "--json").json
    assert status["summary"]["status"] == "Running" and status["summary"]["partial"] is False

    assert demo("exec", "-g", "web", "--", "cat", "/etc/hostname").out.splitlines() in (
        ["web-1: web-1", "web-2: web-2"],
        ["web-2: web-2", "web-1: web-1"],
    )
    assert demo("ssh", "api-1", "--", "hostname").out == "api-1\n"
    refused = demo("exec", "--vm", "api-1", "--", "exit 3", code=4)
    assert "api-1" in refused.out + refused.err

    down = demo("down", "-y")
    assert "5 VMs deleted" in down.out
    assert "i-" not in demo.local("ls")
    assert demo("down", "-y").code == 0


def test_groups_reach_each_other_only_as_the_firewall_says(demo: Room) -> None:
    demo("up", "-y")
    vms = demo.vms()
    if "plain" in demo.local("ls"):
        pytest.skip("this machine has no namespaces: the plain backend has no security groups")
    # An answer on a closed port proves that packets arrive: a refused connection is allowed, silence is not.
    probe = (
        "python3 -c 'import socket,sys; s=socket.socket(); s.settimeout(1.5);\n"
        'try: s.connect((sys.argv[1], int(sys.argv[2]))); print("open")\n'
        'except ConnectionRefusedError: print("reached")\n'
        'except OSError: print("silent")\' '
    )
    api, db = vms["api-1"]["private_ip"], vms["db-1"]["private_ip"]

    def from_vm(name: str, address: str, port: int) -> str:
        return (
            demo("exec", "--vm", name, "--", f"{probe}{address} {port}").out.removeprefix(f"{name}: ").strip()
        )

    assert from_vm("web-1", api, 9000) == "reached"
    assert from_vm("api-1", db, 5432) == "reached"
    assert from_vm("web-1", db, 5432) == "silent"
    assert from_vm("db-1", api, 9000) == "silent"
    assert from_vm("web-1", api, 22) == "silent"


def test_scaling_touches_nothing_else_and_never_reuses_a_number(room: Room) -> None:
    manifest = room.write(TWO_GROUPS.replace("count: 2", "count: 2   # two for now"))
    room("up", "-y")
    before = room.vms()

    out = room("scale", "web=4", "-y")
    assert "shop  3 -> 5 VMs" in out.out and "count 2 -> 4" in out.out
    assert "count: 4   # two for now" in manifest.read_text()
    after = room.vms()
    assert sorted(after) == ["db-1", "web-1", "web-2", "web-3", "web-4"]
    assert {name: after[name]["id"] for name in before} == {name: before[name]["id"] for name in before}

    assert "nothing to change" in room("scale", "web=4", "-y").out
    room("scale", "--remove", "web-2", "-y")
    assert sorted(room.vms()) == ["db-1", "web-1", "web-3", "web-4"]
    assert "count: 3   # two for now" in manifest.read_text()
    room("scale", "--remove", "web-2", "-y")
    assert sorted(room.vms()) == ["db-1", "web-1", "web-3", "web-4"]

    room("scale", "web=2", "-y", "--no-write")
    assert sorted(room.vms()) == ["db-1", "web-1", "web-3"]
    assert "count: 3" in manifest.read_text()
    room("scale", "web=3", "-y")
    assert sorted(room.vms()) == ["db-1", "web-1", "web-3", "web-5"]
    room("scale", "web=0", "-y")
    assert sorted(room.vms()) == ["db-1"]


def test_what_is_written_stays_through_stop_start_and_replacement(room: Room) -> None:
    room.write(
        TWO_GROUPS.replace(
            "    public_ip: false",
            "    disks: [{name: data, size: 1GiB, mount: /srv/data}]\n    public_ip: false",
        )
    )
    room("up", "-y")
    room(
        "exec",
        "--vm",
        "db-1",
        "--",
        "echo kept >note; sudo -n true 2>/dev/null; echo on disk >/srv/data/x || true",
    )
    before = room.vms()["db-1"]
    room.local("stop", before["id"])
    assert room("status", "--vm", "db-1", "--json").json["vms"][0]["status"] == "Suspended"
    room.local("start", before["id"])
    assert room("exec", "--vm", "db-1", "--", "cat note").out == "db-1: kept\n"

    replaced = room("up", "-y", "--replace", "db-1")
    assert "±" in replaced.out or "∓" in replaced.out
    after = room.vms()["db-1"]
    assert after["id"] != before["id"] and sorted(room.vms()) == ["db-1", "web-1", "web-2"]
    assert room("exec", "--vm", "db-1", "--", "cat note", code=4).code == 4


def test_targets_limit_what_is_touched(room: Room) -> None:
    room.write(TWO_GROUPS)
    room("up", "-y", "--target", "web-1")
    assert sorted(room.vms()) == ["web-1"]
    room("up", "-y", "--target", "db")
    assert sorted(room.vms()) == ["db-1", "web-1"]
    room("down", "-y", "--target", "db-1")
    assert sorted(room.vms()) == ["web-1"]
    assert room("up", "-y", "--target", "nobody", code=6).code == 6


def test_protected_vms_are_not_lost_by_accident(room: Room) -> None:
    room.write(TWO_GROUPS.replace("    public_ip: false", "    protect: true"))
    room("up", "-y")
    refused = room("down", "-y", code=4)
    assert "db-1" in refused.err and "--force-protected" in refused.err
    assert sorted(room.vms()) == ["db-1", "web-1", "web-2"]
    room("scale", "db=0", "-y", code=4)
    room("down", "-y", "--force-protected")
    assert room.vms() == {}


def test_an_overlay_is_a_stack_of_its_own(demo: Room) -> None:
    demo("up", "-y", "-e", "ci")
    assert demo("status", "-e", "ci", "--json").json["stack"] == "demo.ci"
    assert demo("status", code=6).code == 6
    demo("up", "-y")
    demo("down", "-y", "-e", "ci")
    assert len(demo.vms()) == 5


def test_preview_changes_nothing(room: Room) -> None:
    room.write(TWO_GROUPS)
    room("preview")
    assert not (room.stack / "mcis.lock").exists()
    assert "i-" not in room.local("ls")
    assert not list((room.stack / ".mcis").rglob("id_ed25519"))
    assert room("preview", "--expect-no-changes", code=7).code == 7
    assert room("up", "-y", "--expect-no-changes", code=7).code == 7
    assert "i-" not in room.local("ls")
