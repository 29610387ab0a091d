"""A login that changes while machines are there: who keeps it, what is said of that, and who gets in."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from tests.engine.clouds.test_whole_clouds import Life, living

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a network of its own"),
    pytest.mark.xdist_group("clouds in one piece"),
]
MANIFEST = """\
version: 1
name: three-clouds
groups:
  web:
    count: {count}
    user: {user}
    placement: {{cloud: aws, region: ap-northeast-2, type: t3.small, spot: true}}
    public_ip: static
"""
KEEP = "web: existing VMs keep their user; `mcis replace web` makes them anew"


def wants(life: Life, *, count: int, user: str) -> None:
    life.room.write(MANIFEST.format(count=count, user=user))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, engine: str, shapes: Path) -> Life:
    with living(tmp_path_factory.mktemp("kept"), "three-clouds", engine, shapes) as life:
        (life.room.stack / "mcis.lock").unlink()
        home = life.room.stack / ".mcis" / "three-clouds"
        wants(life, count=1, user="mcis")
        life.does("up", "--yes")
        wants(life, count=2, user="ops")
        (home / "stack.json").unlink()  # as in the checkout of somebody else
        life.does("preview")
        life.does("up", "--yes")
        life.does("exec", "--", "hostname")
        shutil.copy(life.room.stack / "mcis.lock", life.room.stack / "before.lock")
        shutil.copy(home / "inventory.json", life.room.stack / "before.json")
        life.does("replace", "web", "--yes")
        shutil.copy(home / "inventory.json", life.room.stack / "after.json")
        life.does("down", "--yes")
    return life


def test_another_checkout_says_from_the_lock_what_is_kept(shop: Life) -> None:
    assert KEEP in shop.said["preview"].out


def logins(life: Life, file: str) -> dict[str, str]:
    known = json.loads((life.room.stack / file).read_text())
    return {vm["name"]: vm["user"] for vm in known["vms"]}


def test_old_and_new_machines_are_logged_in_to_as_they_were_made(shop: Life) -> None:
    assert shop.said["exec"].code == 0, shop.said["exec"].err
    assert logins(shop, "before.json") == {"web-1": "mcis", "web-2": "ops"}
    assert logins(shop, "after.json") == {"web-1": "ops", "web-2": "ops"}


def test_the_lock_tells_them_apart_until_they_are_made_anew(shop: Life) -> None:
    before = yaml.safe_load((shop.room.stack / "before.lock").read_text())
    rows = before["groups"]["web"]["members"]
    assert {row["made"]["user"] for row in rows} == {"mcis", "ops"}
    assert {row["made"]["user"] for row in shop.lock["groups"]["web"]["members"]} == {"ops"}
    assert KEEP not in shop.said["replace"].out


def test_nothing_is_left(shop: Life) -> None:
    assert shop.said["down"].code == 0 and shop.there["down"] == []
