"""An MCIS over four clouds: its graph, its way out, and the engine over stand-in plugins.

The stand-ins are those of the tests: no account, no network, clouds that are files and answer at
once. What is left is what a cloud costs beside its own slowness.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.bench.measure import BIN, Run, Table, best, timed

ROOT = Path(__file__).parents[2]
PYTHONPATH = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
PLACES = (
    ("cloud: aws", "ap-northeast-2", "t3.small"),
    ("cloud: gcp", "asia-northeast3", "e2-small"),
    ("cloud: azure", "koreacentral", "Standard_B2s"),
    ("connection: lab", "RegionOne", "m1.small"),
)
HEAD = """\
version: 1
name: bench
connections: {lab: {cloud: openstack, external_network: public}}
networks: {main: {cidr: 10.0.0.0/12}}
firewalls: {all: [{ports: [22], from: [me]}, {ports: [80, 443], from: [anywhere]}]}
defaults:
  firewall: all
  setup: {packages: [nginx], run: [systemctl enable --now nginx]}
groups:
"""
RENDER_AIM_S, RENDER_AIM_MIB = 2.5, 200
SIZES = (100, 1000, 2000)
LARGE = 1000
MACHINES = 300


def manifest(folder: Path, vms: int) -> Path:
    """A manifest of that many VMs in four clouds, half of them with a data disk; returns its folder."""
    folder.mkdir(parents=True)
    lines = [HEAD]
    for number, (where, region, size) in enumerate(PLACES):
        count = vms // len(PLACES) + (number < vms % len(PLACES))
        disks = "[{name: data, size: 20GiB, mount: /srv}]" if number % 2 else "[]"
        place = f"{{{where}, region: {region}, type: {size}}}"
        lines.append(f"  g{number}: {{count: {count}, placement: {place}, disks: {disks}}}\n")
    (folder / "mcis.yaml").write_text("".join(lines), encoding="utf-8")
    return folder


def run(table: Table, room: Path) -> None:
    """Render, eject, and the way through the engine."""
    rendering(table, room)
    ejecting(table, room)
    standing_in(table, room)


# ---------------------------------------------------------------- render


def rendering(table: Table, room: Path) -> None:
    """`mcis render` as cold processes, and what a VM costs at each size."""
    env = {"MCIS_DATA_DIR": str(room / "data")}
    few = len(PLACES)
    runs: list[tuple[int, Run]] = []
    for vms in (few, *SIZES):
        folder = manifest(room / f"clouds{vms}", vms)
        done = best([BIN / "mcis", "render"], cwd=folder, env=env, times=3)
        runs.append((vms, done))
        aims = (RENDER_AIM_S, RENDER_AIM_MIB) if vms == LARGE else (None, None)
        table.add("mcis render, four clouds", vms, done, *aims)
    _, floor = runs[0]
    costs = (f"{(one.cpu - floor.cpu) / (vms - few) * 1000:.2f} at {vms}" for vms, one in runs[1:])
    table.note(f"CPU ms per VM beyond the first {few}: {', '.join(costs)}")


def ejecting(table: Table, room: Path) -> None:
    """`mcis eject`, and its typed program beside the raw graph: all is registered with something that
    only keeps what it is told.
    """
    folder, program = room / f"clouds{LARGE}", room / "ejected"
    env = {"MCIS_DATA_DIR": str(room / "data"), "PYTHONPATH": PYTHONPATH}
    done = timed([BIN / "mcis", "eject", program], cwd=folder, env=env)
    table.add("mcis eject, four clouds", LARGE, done)
    script = [BIN / "python", "-W", "ignore", "-m", "tests.bench.registering"]
    answers = room / "answers.json"
    timed([*script, "answers", folder, answers], cwd=folder, env=env)
    table.add("registering it raw", LARGE, timed([*script, "raw", folder, answers], cwd=folder, env=env))
    done = timed([*script, "typed", program, answers], cwd=folder, env=env)
    table.add("registering it by the ejected program", LARGE, done)


# ---------------------------------------------------------------- the engine


def standing_in(table: Table, room: Path) -> None:
    """preview, up, no-op up and down over four stand-in plugins, and whose CPU it was."""
    folder = room / "standins"
    folder.mkdir()
    env = {"PYTHONPATH": PYTHONPATH, "MCIS_DATA_DIR": str(room / "data")}
    script = [BIN / "python", "-m", "tests.bench.standins"]
    timed([*script, "warm", "4"], cwd=folder, env=env)  # what plugins read once of the typed packages
    for verb in ("preview", "up", "up", "down"):
        done = timed([*script, verb, str(MACHINES)], cwd=folder, env=env)
        table.add(f"{verb} over four stand-in plugins", MACHINES, done)
        if done.code == 0:
            table.note(shares(done, json.loads(done.output.splitlines()[-1])))


def shares(done: Run, own: dict[str, Any]) -> str:
    """CPU seconds by who used them."""
    parts = {
        "graph": own["graph"],
        "this tool beside it": own["here"] - own["graph"],
        "plugins": own["plugins"],
        "engine": done.cpu - own["here"] - own["plugins"],
    }
    said = ", ".join(f"{who} {seconds:.1f}" for who, seconds in parts.items())
    return f"CPU s: {said}; {own['resources']} resources, {own['steps']} steps"
