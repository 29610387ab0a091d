"""The same number of resources by other means: a plain Pulumi program, and Terraform where installed.

Plain Pulumi: an inline program with stock settings over the same provider plugin and the same graph.
Terraform: `terraform_data`, a resource that does nothing; it shows what the engine alone costs.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.bench.engine import manifest, remove_clouds
from tests.bench.measure import BIN, Table, timed


def run(table: Table, room: Path, size: int) -> None:
    """Both peers at one size."""
    plain_pulumi(table, room, size)
    terraform(table, room, size)


def plain_pulumi(table: Table, room: Path, size: int) -> None:
    """`tests/bench/plain.py` on a rendered graph: preview, up, no-op up, destroy."""
    folder = manifest(room / f"plain{size}", size)
    cloud = room / f"plaincloud{size}"
    env = {"MCIS_LOCAL_DIR": str(cloud), "MCIS_DATA_DIR": str(room / "data")}
    graph = folder / "graph.json"
    graph.write_text(timed([BIN / "mcis", "render", "-o", "json"], cwd=folder, env=env).output)
    script = Path(__file__).with_name("plain.py")
    for verb in ("preview", "up", "up", "destroy"):
        done = timed([sys.executable, script, verb, graph], cwd=folder, env=env)
        table.add(f"plain Pulumi: {verb}", size, done)
    remove_clouds(room)


def terraform(table: Table, room: Path, size: int) -> None:
    """plan, apply, apply again, destroy of terraform_data."""
    program = shutil.which("terraform")
    if program is None:
        return
    folder = room / f"terraform{size}"
    folder.mkdir()
    (folder / "main.tf").write_text(
        f'resource "terraform_data" "vm" {{\n  count = {size}\n  input = count.index\n}}\n'
    )
    timed([program, "init", "-input=false"], cwd=folder)
    for what, words in (
        ("plan", ("plan", "-input=false")),
        ("apply", ("apply", "-auto-approve")),
        ("apply, nothing to do", ("apply", "-auto-approve")),
        ("destroy", ("destroy", "-auto-approve")),
    ):
        table.add(f"terraform {what} (no VMs)", size, timed([program, *words], cwd=folder))
