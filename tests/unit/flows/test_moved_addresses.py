"""Addresses that changed since the state was written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fakes.pipeline import a_vm

from mcis_iac.engine import record
from mcis_iac.engine.home import StackHome
from mcis_iac.flows.addresses import current, moved

VM = replace(a_vm("web-1"), public_ip="203.0.113.1")


def home_of(folder: Path) -> StackHome:
    home = StackHome.of(folder, "shop")
    home.create()
    return home


def move(was: str | None, now: str | None, id: str = VM.id) -> dict[str, dict[str, str | None]]:
    return {"web-1": {"id": id, "was": was, "now": now}}


def test_the_state_is_corrected_along_all_moves_since(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    assert current(home, [VM]) == (VM,)
    moved(home, move("203.0.113.1", None))
    moved(home, move(None, "203.0.113.2"))
    assert current(home, [VM])[0].public_ip == "203.0.113.2"


def test_a_machine_that_was_made_anew_keeps_what_the_state_says(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    moved(home, move("203.0.113.1", "203.0.113.2", id="i-older"))
    assert current(home, [VM]) == (VM,)


def test_a_refresh_has_written_what_was_so_far(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    moved(home, move("203.0.113.1", "203.0.113.2"))
    record.append(home, "operation", {"verb": "refresh"})
    assert current(home, [VM]) == (VM,)
