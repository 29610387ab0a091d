"""The real engine with the real provider and real machines, through a plain inline program."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fakes.inline_stack
import pytest
from fakes.local_cloud import FakeCloud

from mcis_iac.local_cloud.cloud import LocalCloud

pytestmark = pytest.mark.engine


class Stack:
    """A stack of two machines; `machine` are inputs that differ from the usual ones."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder, self.engine = folder, engine
        self.machine: dict[str, Any] = {}
        self.data_gib = 1
        self.errors: list[str] = []
        self.state: dict[str, Any] = {}

    def run(self, verb: str) -> Mapping[str, int]:
        """Counts of what happened, by operation; none when it failed."""
        settings = json.dumps({"machine": self.machine, "data_gib": self.data_gib})
        script = str(fakes.inline_stack.__file__)
        done = subprocess.run(
            [sys.executable, script, str(self.folder), self.engine, verb, settings],
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        self.errors, self.state = told["errors"], told["state"]
        changes: dict[str, int] = told["changes"]
        return changes

    def machines(self) -> dict[str, Any]:
        """The machines' entries in the engine's state, by name."""
        every = self.state.get("resources", [])
        return {each["urn"].split("::")[-1]: each for each in every if each["type"].endswith(":Instance")}

    def cloud(self) -> LocalCloud:
        return LocalCloud.open("default")


@pytest.fixture
def stack(engine: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="mcis-provider-", dir="/var/tmp"))
    folder.chmod(0o711)
    monkeypatch.setenv("MCIS_LOCAL_DIR", str(folder / "cloud"))
    yield Stack(folder, engine)
    if (folder / "cloud/default").exists():
        with LocalCloud.open("default") as cloud:
            cloud.reset()
    shutil.rmtree(folder)


def test_a_stack_lives_its_whole_life(stack: Stack) -> None:
    assert stack.run("preview") == {"create": 9}
    assert not (stack.folder / "cloud").exists()  # a preview leaves the cloud alone
    assert stack.run("up") == {"create": 9}
    assert stack.run("up") == {"same": 9}
    assert stack.run("refresh") == {"same": 9}
    assert stack.run("destroy") == {"delete": 9}
    with stack.cloud() as cloud:
        assert cloud.find({}) == []


def test_a_machine_s_state_is_small(stack: Stack) -> None:
    stack.run("up")
    entry = stack.machines()["web-2"]
    ours = {key: entry[key] for key in ("urn", "id", "type", "inputs", "outputs")}
    assert len(json.dumps(ours, separators=(",", ":"))) < 700


def test_a_flavor_and_a_volume_change_in_place(stack: Stack) -> None:
    stack.run("up")
    before = stack.machines()
    stack.machine, stack.data_gib = {"flavor": "small"}, 2
    assert stack.run("up") == {"same": 6, "update": 3}
    now = stack.machines()
    assert {name: each["id"] for name, each in now.items()} == {
        name: each["id"] for name, each in before.items()
    }
    assert {each["inputs"]["flavor"] for each in now.values()} == {"small"}


def test_another_user_replaces_the_machines_and_keeps_the_volume(stack: Stack) -> None:
    stack.run("up")
    with stack.cloud() as cloud:
        (disk,) = [id for kind, id, *_ in cloud.find({}) if kind == "volume"]
        before = {each.id for each in cloud.instances()}
    stack.machine = {"user": "other"}
    assert stack.run("preview") == {"same": 7, "replace": 2}
    assert stack.run("up") == {"same": 7, "replace": 2}
    with stack.cloud() as cloud:
        assert before.isdisjoint({each.id for each in cloud.instances()})
        assert {each.spec.user for each in cloud.instances()} == {"other"}
        assert cloud.get("volume", disk) is not None


def test_what_vanished_is_noticed_and_made_again(stack: Stack) -> None:
    stack.run("up")
    with stack.cloud() as cloud:
        (gone,) = [each.id for each in cloud.instances() if each.spec.name == "hello-web-2"]
        cloud.delete("instance", [gone])
    assert stack.run("refresh") == {"same": 8, "delete": 1}
    assert stack.run("up") == {"same": 8, "create": 1}


def test_bad_inputs_are_refused_before_anything_is_made(stack: Stack) -> None:
    stack.machine = {"image": "windows", "cores": 4}
    stack.run("preview")
    told = "\n".join(stack.errors)
    assert 'property image value {windows} has a problem: must be "host" or "dir:/a/folder"' in told
    assert "property cores value {4} has a problem: is not known here" in told
    assert not (stack.folder / "cloud").exists()


def test_an_attached_provider_and_a_half_made_machine(
    stack: Stack, host: Any, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", f"mcislocal:{host.port}")
    cloud.leaves_stopped.add("hello-web-2")
    stack.run("up")
    assert any("the instance exists, but is stopped" in error for error in stack.errors)
    half = stack.machines()["web-2"]
    assert half["id"] in cloud.things["instance"]
    assert half["initErrors"] == ["the instance exists, but is stopped"]
    assert stack.run("up") == {"same": 8, "update": 1}
    assert "initErrors" not in stack.machines()["web-2"]
    assert {each.state for each in cloud.instances()} == {"running"}
