"""What one waits for at the prompt: verbs that need no engine, as cold processes."""

from __future__ import annotations

from pathlib import Path

from tests.bench.engine import manifest
from tests.bench.measure import BIN, Table, best

STACKS = Path(__file__).parents[2] / "stacks"


def run(table: Table, room: Path) -> None:
    """Best of five each; `python -c pass` is the floor."""
    env = {"MCIS_LOCAL_DIR": str(room / "cold-cloud"), "MCIS_DATA_DIR": str(room / "data")}
    table.add("python -c pass", None, best([BIN / "python", "-c", "pass"], cwd=room, env=env))
    table.add("mcis --help", None, best([BIN / "mcis", "--help"], cwd=room, env=env), 0.15)
    demo = STACKS / "local-demo"
    table.add("mcis validate, demo", 5, best([BIN / "mcis", "validate", demo], cwd=room, env=env), 0.25)
    big = manifest(room / "render", 1000)
    table.add("mcis render", 1000, best([BIN / "mcis", "render", big], cwd=room, env=env, times=3), 2.5)
