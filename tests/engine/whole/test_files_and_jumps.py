"""Files, standard input, jump hosts and trouble on real VMs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest

from tests.engine.conftest import BIN, Room

pytestmark = pytest.mark.engine

BEHIND = """\
version: 1
name: jumps
firewalls:
  inner: [{ports: [22], from: [mcis]}]
groups:
  web: {count: 2, placement: {cloud: local, region: local-seoul}}
  db: {placement: {cloud: local, region: local-tokyo}, public_ip: false, firewall: inner, via: web}
"""

MIXED = """\
version: 1
name: mix
firewalls:
  closed: [{ports: [22], from: [me]}]
groups:
  web: {count: 6, placement: {cloud: local, region: local-seoul}}
  dark: {placement: {cloud: local, region: local-seoul}, firewall: closed}
"""

WORK = """\
case $(hostname) in
web-2) echo x >/dev/full ;;
web-3) echo on; sleep 600 ;;
web-4) kill -9 $PPID ;;
*) echo fine ;;
esac
"""


def fed(room: Room, data: bytes, *words: str) -> subprocess.CompletedProcess[bytes]:
    """`mcis` with that on its standard input."""
    command = [str(BIN / "mcis"), *words]
    return subprocess.run(
        command, cwd=room.stack, env={**room.env}, input=data, capture_output=True, check=False, timeout=60
    )


def test_everything_reaches_vms_behind_a_jump_host(room: Room) -> None:
    room.write(BEHIND)
    room("up", "-y")
    assert room("ssh", "db-1", "--", "hostname").out == "db-1\n"
    done = fed(room, b"hi there\n", "exec", "--json", "--", "wc -c")
    assert {host["vm"]: host["stdout"].strip() for host in json.loads(done.stdout)} == {
        "web-1": "9",
        "web-2": "9",
        "db-1": "9",
    }
    tree = room.stack / "a tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "ü\nx").write_bytes(os.urandom(300_000))
    (tree / "run").write_text("#!/bin/sh\necho ran\n")
    (tree / "run").chmod(0o750)
    room("cp", "-r", "a tree", "all:/tmp/")
    assert room("exec", "-n", "--fold", "--", "/tmp/'a tree'/run").out.endswith("  ran\n")
    room("cp", "-r", "db:/tmp/a tree", "back")
    back = room.stack / "back" / "db-1" / "a tree"
    assert (back / "sub" / "ü\nx").read_bytes() == (tree / "sub" / "ü\nx").read_bytes()
    assert (back / "run").stat().st_mode & 0o777 == 0o750
    failed = room("cp", "run", "web:/no/such/", "--json", code=2)
    assert "no such file" in failed.err
    failed = room("cp", "a tree/run", "web:/proc/x", code=4)
    assert "web-1: " in failed.err and "web-2: " in failed.err
    known = room("known-hosts").out
    assert [line.split()[0].partition(",")[2] for line in known.splitlines()] == ["db-1", "web-1", "web-2"]
    room.write(known, "theirs")
    assert room("known-hosts", "--read", "theirs").err.splitlines() == [
        "db-1: known",
        "web-1: known",
        "web-2: known",
    ]


def test_what_goes_wrong_on_some_vms_is_told_for_each_and_the_others_answer(room: Room) -> None:
    room.write(MIXED)
    room("up", "-y")
    room.write(MIXED.replace("ports: [22]", "ports: [80]"))
    room("up", "-y")
    inventory = room.stack / ".mcis" / "mix" / "inventory.json"
    text = json.loads(inventory.read_text())
    by_name = {vm["name"]: vm for vm in text["vms"]}
    by_name["web-5"]["host_key"] = by_name["web-6"]["host_key"]
    inventory.write_text(json.dumps(text))
    began = time.monotonic()
    done = room("exec", "--json", "--timeout", "7s", "--", WORK, code=4)
    assert time.monotonic() - began < 30
    told = {host["vm"]: host for host in done.json}
    assert {name for name, host in told.items() if host["ok"]} == {"web-1", "web-6"}
    assert "No space left on device" in told["web-2"]["stderr"]
    assert told["web-3"]["error"] == "timed out after 7 s"
    assert told["web-4"]["lost"]
    assert told["web-5"]["error"].startswith("host key mismatch")
    assert told["dark-1"]["error"].startswith("unreachable: no answer within 5 s")
    started = room.start("exec", "--vm", "web-1", "--vm", "web-6", "--", "echo on; exec sleep 4711")
    assert started.stdout is not None
    assert {started.stdout.readline(), started.stdout.readline()} == {"web-1: on\n", "web-6: on\n"}
    started.send_signal(signal.SIGINT)
    assert room.wait(started).code == 8
    left = room("exec", "-n", "--vm", "web-1", "--vm", "web-6", "--", "pgrep -f 'sleep 471[1]'", code=4)
    assert left.out == ""
