"""Actions on real VMs: after `up`, only what is due, and again with `mcis run`.

The image of these VMs is this host's system, which may have no sudo: what is tested here runs as the
login user, and the script as root in `tests/unit/actions`.
"""

from __future__ import annotations

import json

import pytest

from tests.engine.conftest import Room

pytestmark = pytest.mark.engine

MANIFEST = """\
version: 1
name: shop
groups:
  web:
    count: 2
    labels: {role: front}
    placement: {cloud: local, region: local-seoul}
  db:
    placement: {cloud: local, region: local-tokyo}
actions:
  - {name: hosts, sudo: false, files: [{path: /home/mcis/conf/hosts, template: hosts.j2}]}
  - {name: migrate, on: db, only: first, when: created, sudo: false, run: ["echo migrate >> log"]}
  - name: join
    on: {labels: {role: front}}
    serial: 1
    sudo: false
    files: [{path: /home/mcis/me, content: "{{ vm.name | sh }}\\n", mode: "0640"}]
    run:
      - echo VERSION joins {{ groups.db[0].private_ip | sh }} >> log
      - test ! -e broken
      - cat me
  - {name: last, on: web-1, sudo: false, run: [echo last >> log]}
"""
HOSTS = "{% for each in vms.values() %}\n{{ each.private_ip }} {{ each.name }}\n{% endfor %}\n"


@pytest.fixture
def shop(room: Room) -> Room:
    room.write(HOSTS, "hosts.j2")
    room.write(MANIFEST)
    return room


def ran(done) -> list[tuple[str, str, str]]:
    """Which actions ended how, where."""
    return [(row["action"], row["vm"], row["state"]) for row in done.json["actions"]]


def record(room: Room) -> list[dict]:
    text = (room.stack / ".mcis/shop/record.jsonl").read_text()
    return [line for line in map(json.loads, text.splitlines()) if line["kind"] == "action"]


def addresses(room: Room) -> dict[str, str]:
    known = json.loads((room.stack / ".mcis/shop/inventory.json").read_text())
    return {vm["name"]: vm["private_ip"] for vm in known["vms"]}


def test_up_runs_what_is_due_in_order_and_goes_on_where_it_failed(shop: Room) -> None:
    first = shop("up", "-y", "--json")
    assert (
        "actions due: hosts on web[1-2], db-1; migrate on db-1; join on web[1-2]; last on web-1" in first.err
    )
    assert ran(first) == [
        ("hosts", "db-1", "done"), ("hosts", "web-1", "done"), ("hosts", "web-2", "done"),
        ("migrate", "db-1", "done"),
        ("join", "web-1", "done"), ("join", "web-2", "done"),
        ("last", "web-1", "done"),
    ]  # fmt: skip
    assert "web-2 join: web-2" in first.err

    again = shop("up", "--no-input", "--json")
    assert ran(again) == []
    assert "actions due" not in again.err

    second = MANIFEST.replace("VERSION", "two")
    shop.write(second.replace("test ! -e broken", "test {{ vm.name }} = web-2"))
    failed = shop("up", "-y", "--json", code=4)
    assert ran(failed) == [("join", "web-1", "FAILED"), ("join", "web-2", "not run")]
    assert failed.json["next"] == "mcis up"
    assert [line["ok"] for line in record(shop) if line["action"] == "join"] == [True, True, False]
    shop.write(second)
    assert ran(shop("up", "-y", "--json")) == [("join", "web-1", "done"), ("join", "web-2", "done")]

    there = addresses(shop)
    hosts = [f"{ip} {name}" for name, ip in there.items()]
    shown = shop("exec", "--json", "--", "cat log conf/hosts; stat -c %a me; ls -A conf").json
    assert {host["vm"]: host["stdout"].splitlines() for host in shown} == {
        "db-1": ["migrate", *hosts, "hosts"],
        "web-1": [
            *(f"VERSION joins {there['db-1']}", "last", *2 * [f"two joins {there['db-1']}"]),
            *(*hosts, "640", "hosts"),
        ],
        "web-2": [f"{word} joins {there['db-1']}" for word in ("VERSION", "two")] + [*hosts, "640", "hosts"],
    }
    reports = sorted((shop.stack / ".mcis/shop/runs").glob("*-actions.jsonl"))
    kept = [json.loads(line) for line in reports[1].read_text().splitlines()]
    assert [(line["action"], line["vm"], line["exit_status"]) for line in kept] == [("join", "web-1", 1)]


def test_run_does_what_is_asked_for_where_it_belongs(shop: Room) -> None:
    shop("up", "-y", "--progress", "quiet")
    assert "2 actions: 2 done" in shop("run", "migrate", "hosts", "-g", "db").err
    assert "for none of these VMs" in shop("run", "last", "-g", "db", code=2).err

    shop("suspend", "--vm", "web-1")
    rows = shop("run", "join", "--json").json
    assert [(row["vm"], row["state"], row["ok"]) for row in rows] == [
        ("web-1", "left out", False),
        ("web-2", "done", True),
    ]
    assert rows[1]["result"]["stdout"] == "web-2\n"


def test_a_broken_template_sends_nothing_and_a_new_vm_has_everything_to_do(shop: Room) -> None:
    shop.write(MANIFEST.replace("count: 2", "count: 0"))
    shop("up", "-y", "--progress", "quiet")
    shop.write("{{ groups.web[7].name }}", "hosts.j2")
    bad = shop("up", "-y", "--json", "--replace", "db", code=4)
    assert "hosts.j2: line 1: the list has no element 7" in bad.json["actions"][0]["detail"]
    shop.write(HOSTS, "hosts.j2")
    assert ran(shop("up", "-y", "--json")) == [("hosts", "db-1", "done"), ("migrate", "db-1", "done")]
