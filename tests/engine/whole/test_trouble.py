"""When things go wrong: partial failure, kill -9 at several points, two at once, broken surroundings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import BIN, Result, Room

pytestmark = pytest.mark.engine
SIX = """\
version: 1
name: shop
on_failure: {mode}
groups:
  web:
    count: {count}
    placement: {{cloud: local, region: local-seoul}}
  db:
    count: 1
    placement: {{cloud: local, region: local-tokyo}}
"""


def manifest(room: Room, *, count: int = 3, mode: str = "keep") -> None:
    room.write(SIX.format(count=count, mode=mode))


def instances(room: Room) -> list[str]:
    """Names of everything the cloud itself knows, running or not."""
    return sorted(line.split()[1] for line in room.local("ls").splitlines() if line.startswith("i-"))


def lock(room: Room) -> str:
    return (room.stack / "mcis.lock").read_text()


# ---------------------------------------------------------------- partial failure


def test_one_failed_vm_hides_no_other_and_the_next_up_continues(room: Room) -> None:
    manifest(room)
    room.local("fault", "add", "--name", "*web-2*", "--error", "capacity")
    result = room("up", "-y", code=4)
    assert "3 of 4 VMs ready, 1 failed; what worked was kept" in result.out
    assert "no capacity" in result.out and "continue: mcis up" in result.out
    rows = {row["name"]: row for row in room("status", "--json").json["vms"]}
    assert rows["web-2"]["status"] == "Failed" and rows["web-1"]["status"] == "Running"
    ids = {name: vm["id"] for name, vm in room.vms().items()}

    room.local("fault", "clear")
    assert "4 of 4 VMs ready" in room("up", "-y").out
    after = room.vms()
    assert {name: after[name]["id"] for name in ids} == ids and "web-2" in after


def test_a_network_that_fails_hides_no_vm_of_another_one(room: Room) -> None:
    manifest(room, count=0)
    room("up", "-y")
    (vm,) = room.vms().values()
    pool = f"{vm['private_ip'].rpartition('.')[0]}.0/24"  # no network may lie where the cloud has its own
    room("down", "-y")

    def networks(bad: str) -> None:
        head = f"networks: {{main: {{cidr: 10.77.0.0/16}}, bad: {{cidr: {bad}}}}}\n"
        text = SIX.format(count=2, mode="keep").replace("  web:\n", "  web:\n    network: main\n")
        room.write(head + text + "    network: bad\n")

    networks(pool)
    result = room("up", "-y", code=4)
    assert "2 of 3 VMs ready, 1 failed" in result.out
    assert "not tried: it needs net/bad/local/local-tokyo, which failed" in result.out
    failed = [line for line in result.out.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 1 and "the cloud's own pool" in failed[0]

    networks("10.78.0.0/16")
    assert "3 of 3 VMs ready" in room("up", "-y").out


def test_rollback_takes_back_only_what_this_run_made(room: Room) -> None:
    manifest(room, count=1, mode="rollback")
    room("up", "-y")
    before = room.vms()
    manifest(room, count=3, mode="rollback")
    room.local("fault", "add", "--name", "*web-3*", "--error", "quota")
    result = room("up", "-y", code=4)
    assert "removed again" in result.out
    assert room.vms() == before and len(instances(room)) == 2
    room.local("fault", "clear")
    room("up", "-y")
    assert sorted(room.vms()) == ["db-1", "web-1", "web-4", "web-5"]  # numbers are not given back


def test_drop_failed_goes_on_without_the_failed_ones(room: Room) -> None:
    manifest(room, mode="drop-failed")
    room.local("fault", "add", "--name", "*web-2*", "--error", "quota")
    room("up", "-y", code=4)
    assert sorted(room.vms()) == ["db-1", "web-1", "web-3"]
    assert "2: quota" in lock(room)
    assert "nothing to change" in room("up", "-y").out
    room.local("fault", "clear")
    room("up", "-y", "--retry-dropped")
    assert sorted(room.vms()) == ["db-1", "web-1", "web-2", "web-3"]


@pytest.mark.parametrize("mode", ["rollback", "drop-failed"])
def test_all_failing_is_like_any_other_failure(room: Room, mode: str) -> None:
    manifest(room, count=2, mode=mode)
    room.local("fault", "add", "--name", "*", "--error", "capacity")
    result = room("up", "-y", code=4)
    assert "3 failed" in result.out
    assert room.vms() == {} and instances(room) == []
    room("down", "-y")


def test_a_failed_first_boot_is_kept_and_shown(room: Room) -> None:
    manifest(room, count=1)
    text = (room.stack / "mcis.yaml").read_text()
    room.write(text.replace("  db:", "    setup: {run: ['echo about to fail', 'exit 7']}\n  db:"))
    result = room("up", "-y", code=4)
    assert "web-1" in result.out and "setup" in result.out
    assert "about to fail" in result.out + result.err
    again = room("up", "-y", code=4)
    assert "web-1" in again.out
    assert len(instances(room)) == 2


# ---------------------------------------------------------------- stopping and killing


def slow(room: Room, seconds: float = 3.0) -> None:
    room.local("fault", "add", "--name", "*web-*", "--delay", str(seconds))


def wait_for(found: Any, seconds: float = 60.0) -> Any:
    """The first true value of `found()`; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.02)
    pytest.fail("it never happened")


def children(pid: int, name: str) -> list[int]:
    """Processes below `pid` whose program has that name."""
    tree: dict[int, list[tuple[int, str]]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, rest = path.read_text().rpartition(")")
            command = path.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        tree.setdefault(int(rest.split()[1]), []).append((int(head.split()[0]), command))
    found, waiting = [], [pid]
    while waiting:
        for child, command in tree.get(waiting.pop(), []):
            waiting.append(child)
            if name in command:
                found.append(child)
    return found


def working(process: subprocess.Popen[str], verb: str) -> tuple[int, int]:
    """The engine of the operation itself (not of its preview) and its provider, once both run."""

    def both() -> tuple[int, int] | None:
        for engine in children(process.pid, f"pulumi --non-interactive {verb} "):
            for provider in children(engine, "pulumi-resource-mcislocal"):
                return engine, provider
        return None

    found: tuple[int, int] = wait_for(both)
    return found


def test_ctrl_c_stops_cleanly_and_up_continues(room: Room) -> None:
    manifest(room)
    slow(room)
    process = room.start("up", "-y", "--parallel", "2")
    working(process, "up")
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    result = room.wait(process)
    assert result.code == 8, result.err
    assert "mcis up" in result.out + result.err
    room.local("fault", "clear")
    room("up", "-y")
    assert len(instances(room)) == 4 and len(room.vms()) == 4


@pytest.mark.parametrize(("victim", "moment"), [("mcis", 0.3), ("provider", 0.3), ("engine", 2.0)])
def test_kill_minus_nine_loses_and_doubles_nothing(room: Room, victim: str, moment: float) -> None:
    manifest(room)
    slow(room, moment + 4)
    process = room.start("up", "-y")
    engine, provider = working(process, "up")
    time.sleep(moment)
    os.kill({"mcis": process.pid, "engine": engine, "provider": provider}[victim], signal.SIGKILL)
    room.wait(process)
    room.local("fault", "clear")

    result = room("up", "-y")
    assert sorted(room.vms()) == ["db-1", "web-1", "web-2", "web-3"], result.out
    assert len(instances(room)) == 4
    assert len(room("exec", "--", "true").err.splitlines()) >= 1
    room("down", "-y")
    assert instances(room) == []


@pytest.mark.parametrize("victim", ["mcis", "engine"])
def test_after_a_killed_up_down_works_at_once(room: Room, victim: str) -> None:
    manifest(room)
    slow(room)
    process = room.start("up", "-y")
    engine, _ = working(process, "up")
    time.sleep(1.0)
    os.kill(process.pid if victim == "mcis" else engine, signal.SIGKILL)
    room.wait(process)
    room("down", "-y")
    assert instances(room) == []


def test_a_killed_down_is_simply_repeated(room: Room) -> None:
    manifest(room)
    room("up", "-y")
    room.local("fault", "add", "--name", "*", "--on", "delete", "--delay", "3")
    process = room.start("down", "-y")
    engine, provider = working(process, "destroy")
    time.sleep(1.0)
    for pid in (process.pid, engine, provider):
        os.kill(pid, signal.SIGKILL)
    room.wait(process)
    room.local("fault", "clear")
    room("down", "-y")
    assert instances(room) == []


# ---------------------------------------------------------------- two at once


def test_a_second_up_says_who_is_at_it(room: Room) -> None:
    manifest(room)
    slow(room, 6)
    first = room.start("up", "-y")
    working(first, "up")
    refused = room("up", "-y", code=11)
    assert f"pid {first.pid}" in refused.err and "mcis up" in refused.err
    assert room("preview").code == 0
    assert room.wait(first).code == 0


def test_two_different_mcis_at_once_work(room: Room) -> None:
    manifest(room)
    other = room.folder / "other"
    other.mkdir()
    (other / "mcis.yaml").write_text(SIX.format(count=3, mode="keep").replace("name: shop", "name: office"))
    both = [room.start("up", "-y"), room.start("up", "-y", cwd=other)]
    assert [room.wait(process).code for process in both] == [0, 0]
    assert len(instances(room)) == 8
    both = [room.start("down", "-y"), room.start("down", "-y", cwd=other)]
    assert [room.wait(process).code for process in both] == [0, 0]
    assert instances(room) == []


# ---------------------------------------------------------------- broken surroundings


def test_down_and_status_work_with_a_broken_manifest(room: Room) -> None:
    manifest(room)
    room("up", "-y")
    room.write("groups: [")
    assert len(room("status", "--json").json["vms"]) == 4
    assert room("up", "-y", code=2).code == 2
    room("down", "-y")
    assert instances(room) == []


def test_an_unusable_engine_is_one_clear_error(room: Room, tmp_path: Path) -> None:
    manifest(room)
    bad = tmp_path / "pulumi"
    bad.write_text("#!/bin/sh\necho v2.9.0\n")
    bad.chmod(0o755)
    result = room("up", "-y", code=4, env={"MCIS_ENGINE": str(bad)})
    assert "2.9.0" in result.err and "Traceback" not in result.err
    report = room("doctor", code=None, env={"MCIS_ENGINE": str(bad)})
    assert report.code == 1 and "2.9.0" in report.out


def test_a_folder_that_cannot_be_written_is_one_clear_error(room: Room) -> None:
    manifest(room)
    (room.stack / ".mcis").write_text("a file is in the way")
    result = room("up", "-y", code=None)
    assert result.code in {1, 4} and ".mcis" in result.err and "Traceback" not in result.err
    (room.stack / ".mcis").unlink()


def test_a_cloud_whose_database_is_broken_is_one_clear_error_and_can_be_reset(room: Room) -> None:
    manifest(room)
    room("up", "-y")
    database = next((room.folder / "cloud").rglob("cloud.db"))
    for path in database.parent.glob("cloud.db*"):
        path.write_bytes(b"not a database at all" * 100)
    result = room("up", "-y", "--replace", "web-1", code=None)
    assert result.code not in {0, 255} and "Traceback" not in result.err
    room.local("reset", "--all", "-y")
    assert not [
        name for name in Path("/proc/self/mounts").read_text().splitlines() if str(room.folder) in name
    ]


def test_a_full_disk_is_one_clear_error(room: Room) -> None:
    manifest(room)
    small = room.folder / "small"
    small.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=True)
    try:
        folder = small / "stack"
        folder.mkdir()
        (folder / "mcis.yaml").write_text((room.stack / "mcis.yaml").read_text())
        (small / "filler").write_bytes(b"")
        with (small / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        result = room("up", "-y", code=None, cwd=folder)
        assert result.code not in {0, 255} and "Traceback" not in result.err
        assert "space" in result.err
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_wrong_passphrase_is_one_clear_error(room: Room) -> None:
    manifest(room, count=1)
    room("up", "-y")
    result = room("up", "-y", "--set", "groups.web.count=2", code=None, env={"MCIS_PASSPHRASE": "another"})
    assert result.code not in {0, 255} and "passphrase" in result.err.lower()
    assert "Traceback" not in result.err


def test_events_tell_everything_as_it_happens(room: Room) -> None:
    manifest(room, count=1)
    room("up", "-y", "--events", "events.jsonl")
    lines = [json.loads(line) for line in (room.stack / "events.jsonl").read_text().splitlines()]
    kinds = [line["kind"] for line in lines]
    assert kinds[0] == "version" and kinds[-1] == "result"
    assert {"planned_change", "change_summary", "op_start", "op_complete", "vm_ready"} <= set(kinds)
    assert sorted(line["vm"] for line in lines if line["kind"] == "vm_ready") == ["db-1", "web-1"]
    streamed: Result = room("down", "-y", "--events", "-")
    assert all(json.loads(line)["kind"] for line in streamed.out.splitlines())


def test_a_scaled_stack_survives_another_checkout(room: Room) -> None:
    """The lock and a shared backend are all a second checkout needs to see no change."""
    manifest(room, count=1)
    backend = {"MCIS_BACKEND": f"file://{room.folder / 'shared'}", "MCIS_PASSPHRASE": "shared"}
    room("up", "-y", env=backend)
    second = room.folder / "second"
    second.mkdir()
    for name in ("mcis.yaml", "mcis.lock"):
        (second / name).write_text((room.stack / name).read_text())
    assert "nothing to change" in room("preview", env=backend, cwd=second).out
    refused = room("exec", "--", "true", env=backend, cwd=second, code=None)
    assert refused.code not in {0, 255}
    room("down", "-y", env=backend)


def test_every_program_is_installed(room: Room) -> None:
    for name in ("mcis", "mcis-local", "pulumi-resource-mcislocal"):
        assert (BIN / name).exists()
    assert room("--version").out.startswith("mcis")
