"""`mcis init`: a manifest that is valid as it is, and nothing overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mcis_iac.errors import McisError, UsageError
from mcis_iac.manifest.load import load
from mcis_iac.manifest.scaffold import scaffold


def test_the_written_manifest_is_valid_with_and_without_its_overlay(tmp_path: Path) -> None:
    scaffold(tmp_path / "hello")
    for env, count in ((None, 3), ("dev", 1)):
        found = load(str(tmp_path / "hello"), env=env)
        assert found.diagnostics == ()
        assert (found.mcis.name, found.mcis.groups["web"].count) == ("hello", count)


def test_every_file_is_reported(tmp_path: Path) -> None:
    paths = scaffold(tmp_path)
    assert sorted(paths) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert {path.name for path in paths} >= {"mcis.yaml", "dev.yaml", ".gitignore", "mcis.yml"}


def test_an_editor_finds_the_schema_beside_the_manifest(tmp_path: Path) -> None:
    scaffold(tmp_path)
    first = (tmp_path / "mcis.yaml").read_text().splitlines()[0]
    name = first.removeprefix("# yaml-language-server: $schema=")
    assert (tmp_path / name).is_file()


def test_the_ci_file_checks_and_previews(tmp_path: Path) -> None:
    scaffold(tmp_path)
    steps = yaml.safe_load((tmp_path / ".github/workflows/mcis.yml").read_text())["jobs"]["preview"]["steps"]
    commands = [step.get("run", "") for step in steps]
    assert any("mcis validate" in command for command in commands)
    assert any("mcis preview -o markdown" in command for command in commands)


@pytest.mark.parametrize(
    ("name", "expected"), [("My Stack!", "my-stack"), ("2024", "hello"), ("x" * 50, "x" * 32)]
)
def test_an_mcis_is_called_like_its_folder(tmp_path: Path, name: str, expected: str) -> None:
    scaffold(tmp_path / name)
    assert load(str(tmp_path / name)).mcis.name == expected


def test_nothing_is_overwritten_or_half_written(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    with pytest.raises(UsageError) as caught:
        scaffold(tmp_path)
    assert caught.value.detail == f"{tmp_path / '.gitignore'} exists"
    assert [path.name for path in tmp_path.iterdir()] == [".gitignore"]


def test_an_unknown_template_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        scaffold(tmp_path, "../..")
    assert caught.value.hint == "templates: local"


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises((UsageError, McisError)):
        scaffold(tmp_path / "x")
