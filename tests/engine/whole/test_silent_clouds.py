"""Clouds without credentials, libraries or plugins, as a user meets them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes.standin import Standin

from tests.engine.conftest import Room

pytestmark = pytest.mark.engine

MANIFEST = """\
version: 1
name: mixed
connections:
  other: {{cloud: gcp, project: shop, credentials_file: {missing}}}
groups:
  near: {{placement: {{cloud: local, region: local-seoul}}}}
  far: {{count: 2, placement: {{cloud: aws, region: ap-northeast-2}}, firewall: closed}}
  away: {{count: {away}, placement: {{connection: other, region: asia-northeast3}}, firewall: closed}}
firewalls:
  closed: [{{ports: [22], from: ["group:near"]}}]
"""


@pytest.fixture
def mixed(room: Room, tmp_path: Path) -> Room:
    """A stack over three clouds with plugins for all, and credentials for the local one."""
    Standin(tmp_path / "clouds", tmp_path / "shapes").install(Path(room.env["MCIS_DATA_DIR"]))
    room.write(MANIFEST.format(missing=tmp_path / "no-key.json", away=1))
    hidden = ("AWS_", "GOOGLE_", "CLOUDSDK_")
    env = {name: value for name, value in room.env.items() if not name.startswith(hidden)}
    return replace(room, env={**env, "AWS_EC2_METADATA_DISABLED": "true"})


def test_a_preview_shows_the_clouds_that_answer_and_names_the_others(mixed: Room) -> None:
    result = mixed("preview", code=3)
    assert "+ near-1" in result.out and "far-1" not in result.out
    assert "not seen: far" not in result.out
    assert "not seen: aws, 2 VMs" in result.out and "not seen: other, 1 VM" in result.out
    assert "error: 2 connections cannot be used" in result.err
    assert "aws sso login" in result.err and "no-key.json" in result.err
    silent = mixed("preview", "--json", code=3).json["silent"]
    assert [(each["connection"], each["exit_code"]) for each in silent] == [("aws", 3), ("other", 3)]
    assert not (mixed.stack / "mcis.lock").exists()


@pytest.mark.parametrize("words", [("up", "-y"), ("scale", "near=2", "-y")])
def test_nothing_is_changed_while_a_cloud_refuses(mixed: Room, words: tuple[str, ...]) -> None:
    before = (mixed.stack / "mcis.yaml").read_text()
    result = mixed(*words, code=3)
    assert "aws: " in result.err and "other: " in result.err and "Nothing was changed." in result.err
    assert (mixed.stack / "mcis.yaml").read_text() == before
    assert not (mixed.stack / "mcis.lock").exists()
    assert "nothing is known of this MCIS" in mixed("status", code=6).err


def test_a_missing_plugin_hides_nothing_of_the_others(room: Room) -> None:
    room.write(MANIFEST.format(missing="none.json", away=0))
    result = room("preview", code=4)
    assert "+ near-1" in result.out and "not seen: aws, 2 VMs" in result.out
    assert "error: a provider plugin is missing" in result.err
    assert (
        "pulumi plugin install resource aws v" in result.err and "hint: mcis doctor --install" in result.err
    )
    assert "Nothing was changed." in room("up", "-y", code=4).err
