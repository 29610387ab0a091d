"""What the engine tests share: the real engine, a local cloud of their own, copies of the stacks.

Nothing of the user is touched: state, data and VMs live in one folder per test, which is reset at
the end; a test that leaves a VM, a namespace or a mount behind fails there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mcis_iac.engine import bootstrap

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
DEADLINE_S = 180


@pytest.fixture(scope="session")
def engine() -> str:
    """The path of a usable engine; `make test` has installed one."""
    found = bootstrap.find()
    assert found is not None, "no engine here: run mcis doctor --install"
    return str(found.path)


@dataclass
class Result:
    """One finished `mcis` process."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)


@dataclass
class Room:
    """A folder with a manifest, and its own world: run `mcis` in it as a user would."""

    folder: Path
    env: Mapping[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def stack(self) -> Path:
        """Where the manifest is."""
        return self.folder / "stack"

    def write(self, text: str, name: str = "mcis.yaml") -> Path:
        """A file beside the manifest."""
        path = self.stack / name
        path.write_text(text, encoding="utf-8")
        return path

    def start(self, *words: str, program: str = "mcis", **more: Any) -> subprocess.Popen[str]:
        """Start a process and leave it running."""
        process = subprocess.Popen(
            [str(BIN / program), *words],
            cwd=more.pop("cwd", self.stack),
            env={**self.env, **more.pop("env", {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )
        self.started.append(process)
        return process

    def wait(self, process: subprocess.Popen[str]) -> Result:
        """Its end and its output."""
        out, err = process.communicate(timeout=DEADLINE_S)
        return Result(process.returncode, out, err)

    def __call__(self, *words: str, code: int | None = 0, **more: Any) -> Result:
        """Run to the end; `code` is the exit code to expect (None = any)."""
        result = self.wait(self.start(*words, **more))
        if code is not None:
            assert result.code == code, (
                f"mcis {' '.join(words)}: exit {result.code}\n{result.out}\n{result.err}"
            )
        return result

    def vms(self) -> dict[str, Any]:
        """The inventory, by VM name."""
        inventory: dict[str, Any] = self("outputs", "--json").json["inventory"]
        return inventory

    def local(self, *words: str) -> str:
        """Run `mcis-local`."""
        return self(*words, program="mcis-local").out

    def close(self) -> None:
        """End what still runs and clear the cloud."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        self("reset", "--all", "-y", program="mcis-local", cwd=self.folder)
        left = [
            line for line in Path("/proc/self/mounts").read_text().splitlines() if str(self.folder) in line
        ]
        assert not left, left
        shutil.rmtree(self.folder)


def clean_environment() -> dict[str, str]:
    """What a user's shell has, without settings of the tool or the engine."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MCIS_", "PULUMI_"))}


@pytest.fixture
def room(engine: str) -> Iterator[Room]:
    """An empty folder on the disk of `/` (an overlay over the host must lie on the same mount)."""
    folder = Path(tempfile.mkdtemp(prefix="mcis-test-", dir="/var/tmp"))
    folder.chmod(0o711)
    (folder / "stack").mkdir()
    (folder / "data" / "engine").mkdir(parents=True)
    known = bootstrap.engine_dir() / "versions.json"  # what the engine says of itself need not be asked anew
    if known.exists():
        shutil.copy(known, folder / "data" / "engine")
    env = clean_environment() | {
        "MCIS_ENGINE": engine,
        "MCIS_DATA_DIR": str(folder / "data"),
        "MCIS_LOCAL_DIR": str(folder / "cloud"),
        "NO_COLOR": "1",
    }
    room = Room(folder, env)
    yield room
    room.close()


@pytest.fixture
def demo(room: Room) -> Room:
    """A copy of the demo stack."""
    shutil.copytree(
        ROOT / "stacks" / "local-demo", room.stack, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".mcis")
    )
    return room
