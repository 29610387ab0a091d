"""Power over real VMs: suspended, resumed, rebooted, interrupted, wished for in the manifest, healed."""

from __future__ import annotations

import time

import pytest

from tests.engine.conftest import Room

pytestmark = pytest.mark.engine
SHOP = """\
version: 1
name: shop
groups:
  web:
    count: 2
    placement: {cloud: local, region: local-seoul}
  db:
    count: 1
    placement: {cloud: local, region: local-tokyo}
"""


def statuses(room: Room) -> dict[str, str]:
    """Each VM's status, by name."""
    return {row["name"]: row["status"] for row in room("status", "--json").json["vms"]}


def states(room: Room, *words: str, code: int = 0) -> dict[str, str]:
    """What became of each VM's power."""
    return {row["name"]: row["state"] for row in room(*words, "--json", code=code).json["rows"]}


def test_a_group_is_suspended_resumed_and_rebooted_and_its_files_survive(room: Room) -> None:
    room.write(SHOP)
    room("up", "-y")
    room("exec", "-g", "web", "--", "echo kept > mark")
    assert states(room, "suspend", "-g", "web") == {"web-1": "done", "web-2": "done"}
    assert statuses(room) == {"db-1": "Running", "web-1": "Suspended", "web-2": "Suspended"}
    refused = room("reboot", code=4)
    assert "web[1-2]: it is Suspended" in refused.err
    assert states(room, "start") == {"db-1": "unchanged", "web-1": "done", "web-2": "done"}
    assert states(room, "reboot", "--serial", "1") == dict.fromkeys(("db-1", "web-1", "web-2"), "done")
    assert room("exec", "-g", "web", "--fold", "--", "cat mark").out.startswith("web[1-2] (2):\n  kept")


def test_an_interrupted_suspend_is_visible_and_can_be_run_again(room: Room) -> None:
    room.write(SHOP)
    room("up", "-y")
    room.local("fault", "add", "--name", "web-*", "--on", "stop", "--delay", "30", "--times", "2")
    suspending = room.start("suspend", "-g", "web")
    record = room.stack / ".mcis/shop/record.jsonl"
    end = time.monotonic() + 20
    while '"kind": "target"' not in record.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    locked = room("resume", code=11)
    assert "mcis suspend" in locked.err
    suspending.kill()
    suspending.wait()
    room.local("fault", "clear")

    found = room("status", "--json").json
    assert [row["status"] for row in found["vms"]] == ["Running", "Suspending", "Suspending"]
    assert found["vms"][1]["detail"].startswith("suspend since ")
    refused = room("reboot", "--vm", "web-1", code=4)
    assert "suspend was begun and is not finished" in refused.err
    assert states(room, "suspend", "-g", "web") == {"web-1": "done", "web-2": "done"}


def test_up_gives_a_group_the_power_it_wants_and_keeps_it(room: Room) -> None:
    room.write(SHOP.replace("    count: 2\n", "    count: 2\n    power: suspended\n"))
    assert "1 of 3 VMs ready, 2 suspended" in room("up", "-y").out
    room("up", "-y", "--expect-no-changes")
    refused = room("replace", "web-1", "-y", code=4)
    assert "mcis resume --vm web-1" in refused.err
    before = room.vms()
    assert "1 of 4 VMs ready, 3 suspended" in room("scale", "web=3", "-y").out
    room("terminate", "--vm", "web-2", "-y")
    assert statuses(room) == {"db-1": "Running", "web-1": "Suspended", "web-3": "Suspended"}
    assert room.vms()["web-1"]["id"] == before["web-1"]["id"]
    assert "count: 2" in (room.stack / "mcis.yaml").read_text()


def test_heal_makes_anew_what_failed_and_nothing_else(room: Room) -> None:
    setup = '    setup: {run: ["test $(hostname) != web-2"]}\n'
    room.write(SHOP.replace("    count: 2\n", "    count: 2\n" + setup))
    room("up", "-y", code=4)
    before = room.vms()
    room.write(SHOP)
    room("heal", "-y")
    after = room.vms()
    assert {name for name in after if after[name]["id"] != before[name]["id"]} == {"web-2"}
    assert "nothing to heal" in room("heal").out
