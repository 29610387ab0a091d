"""A group with another name keeps its machines; what was done is told; what is in no state is found."""

from __future__ import annotations

import shutil

import pytest

from tests.engine.conftest import Room

pytestmark = pytest.mark.engine
MANIFEST = """\
version: 1
name: shop
connections: {{local: {{cloud: local, backend: plain}}}}
firewalls:
  web: [{{ports: [22], from: [me]}}, {{ports: [80], from: ["group:{name}"]}}]
groups:
  {name}:{formerly}
    count: {count}
    disks: [{{name: data, size: 1GiB, mount: /data}}]
    public_ip: static
    firewall: web
    placement: {{cloud: local, region: local-seoul}}
"""


def write(room: Room, name: str, *, count: int = 2, formerly: str = "") -> None:
    line = f"\n    formerly: {formerly}" if formerly else ""
    room.write(MANIFEST.format(name=name, count=count, formerly=line))


def test_a_renamed_group_keeps_machines_files_and_addresses(room: Room) -> None:
    write(room, "database")
    room("up", "-y")
    before = room.vms()
    room("exec", "--", "sh", "-c", "echo kept > kept.txt")

    write(room, "db", formerly="database")
    preview = room("preview", "--json").json
    assert preview["summary"] == {
        "create": 0,
        "update": len(preview["changes"]),
        "replace": 0,
        "delete": 0,
    } | {"same": preview["summary"]["same"]}
    paths = {
        change["path"].rpartition(".")[2] for each in preview["changes"] for change in each["properties"]
    }
    assert paths == {"mcis-group", "mcis-vm"}
    assert any("database is db now: its VMs are kept" in text for text in preview["notices"])
    assert "`database` is now `db`" in room("preview", "--target", "db-1", code=4).err

    room("up", "-y")
    after = room.vms()
    assert {name.replace("db", "database"): vm["id"] for name, vm in after.items()} == {
        name: vm["id"] for name, vm in before.items()
    }
    assert {vm["public_ip"] for vm in after.values()} == {vm["public_ip"] for vm in before.values()}
    assert sorted(room("exec", "-g", "db", "--", "cat", "kept.txt").out.splitlines()) == [
        "db-1: kept",
        "db-2: kept",
    ]
    state = room.stack / ".mcis/state/.pulumi/stacks/default/shop.json"
    shutil.copy(state, room.folder / "before.json")
    write(room, "db", count=3)  # `formerly` has done its work
    assert "+ db-3" in room("up", "-y").out
    past = room("history", "--json").json["operations"]
    assert [(each["verb"], each["result"], each["elsewhere"]) for each in past] == [
        ("up", "succeeded", False)
    ] * 3
    assert past[-1]["vms"] == {"db-3": "create"}

    shutil.copy(room.folder / "before.json", state)  # as if somebody had lost the newest state
    found = room("status", "--orphans", "--json").json
    assert [each["vm"] for each in found["orphans"]] == ["db-3"]
    assert {each["name"]: each["vm"]["id"] for each in found["vms"]}.items() > {
        (name, vm["id"]) for name, vm in after.items()
    }
    assert found["groups"]["db"]["counts"] == {"Running": 3}
    assert "R Running" in room("status", "-o", "cells").out
