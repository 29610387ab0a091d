"""Which engine is taken, and why others are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcis_iac.engine import bootstrap
from mcis_iac.errors import EngineError

pytestmark = pytest.mark.process  # a candidate is judged by running it: tiny shell scripts here


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("MCIS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.delenv("MCIS_ENGINE", raising=False)
    return tmp_path


def put(path: Path, says: str = "v3.259.0", code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)
    return path


def on_path(places: Path, says: str = "v3.259.0", code: int = 0) -> Path:
    return put(places / "bin" / "pulumi", says, code)


def ours(version: str, says: str = "") -> Path:
    return put(bootstrap.engine_dir() / version / "bin" / "pulumi", says or f"v{version}")


def test_nothing_anywhere_is_nothing_found() -> None:
    assert bootstrap.find() is None
    assert bootstrap.survey() == ()


def test_one_on_path_is_taken_before_our_own(places: Path) -> None:
    path = on_path(places, "v3.240.1")
    ours("3.259.0")

    found = bootstrap.find()

    assert found is not None
    assert (found.path, found.version, found.source) == (path, "3.240.1", "path")


def test_the_newest_of_our_own_is_taken() -> None:
    ours("3.230.0")
    newest = ours("3.259.0")

    found = bootstrap.find()

    assert found is not None
    assert (found.path, found.source) == (newest, "installed")


@pytest.mark.parametrize(
    "says,code,problem",
    [
        ("v3.226.9", 0, "too old"),
        ("v4.0.0", 0, "another major version"),
        ("segfault", 3, "`version` failed: segfault"),
        ("", 0, "no output"),
        ("hello", 0, "`version` failed"),
    ],
)
def test_one_that_will_not_do_says_why_and_ours_is_taken(
    places: Path, says: str, code: int, problem: str
) -> None:
    on_path(places, says, code)
    mine = ours("3.259.0")

    found = bootstrap.find()

    assert problem in bootstrap.survey()[0].problem
    assert found is not None
    assert found.path == mine


def test_a_half_installed_engine_is_no_engine() -> None:
    path = bootstrap.engine_dir() / "3.259.0" / "bin" / "pulumi"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x7fELF half of it")
    path.chmod(0o755)

    assert bootstrap.find() is None
    assert "cannot be run" in bootstrap.survey()[0].problem


def test_a_forced_engine_is_used_alone(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path(places)
    forced = put(places / "mine" / "pulumi", "v3.300.0-dev+1")
    monkeypatch.setenv("MCIS_ENGINE", str(forced))

    found = bootstrap.find()

    assert found is not None
    assert (found.path, found.version, found.source) == (forced, "3.300.0-dev+1", "forced")


def test_a_forced_engine_that_will_not_do_is_an_error_and_nothing_else_is_tried(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path(places)
    monkeypatch.setenv("MCIS_ENGINE", "/nowhere/pulumi")

    with pytest.raises(EngineError, match="MCIS_ENGINE") as refused:
        bootstrap.ensure()

    assert "/nowhere/pulumi: No such file" in refused.value.detail


def test_a_binary_is_asked_once_until_it_changes(places: Path) -> None:
    path = on_path(places)
    mark = path.stat()
    known = {str(path): [f"{mark.st_mtime_ns}:{mark.st_size}", "3.250.0"]}
    bootstrap.engine_dir().mkdir(parents=True)
    (bootstrap.engine_dir() / "versions.json").write_text(json.dumps(known))

    assert bootstrap.judge(path, "path").version == "3.250.0"

    path.write_text(path.read_text() + "# changed\n")
    assert bootstrap.judge(path, "path").version == "3.259.0"


def test_what_a_script_says_is_not_remembered(places: Path) -> None:
    bootstrap.judge(on_path(places), "path")

    assert not (bootstrap.engine_dir() / "versions.json").exists()


def test_a_damaged_memory_is_ignored(places: Path) -> None:
    on_path(places)
    bootstrap.engine_dir().mkdir(parents=True)
    (bootstrap.engine_dir() / "versions.json").write_text("{")

    assert bootstrap.find() is not None
