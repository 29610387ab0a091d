"""Which stack is meant when the manifest is broken or gone: the one it made, never one that lies beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcis_iac.engine.home import StackCard, StackHome, write_card
from mcis_iac.errors import McisError, NotFoundError
from mcis_iac.flows.ground import standing
from mcis_iac.pipeline import Request


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a stack `shop` was made; its manifest is gone."""
    monkeypatch.chdir(tmp_path)
    home = StackHome.of(tmp_path, "shop")
    home.folder.mkdir(parents=True)
    write_card(home, StackCard(namespace="default", name="shop"))
    return tmp_path


@pytest.mark.parametrize("file", [".", "mcis.yaml"])
def test_a_manifest_that_is_gone_means_the_stack_it_made(folder: Path, file: str) -> None:
    assert standing(Request(file=file)).name == "shop"


def test_a_manifest_of_another_name_is_known_by_its_lock(folder: Path) -> None:
    (folder / "shop.lock").touch()
    assert standing(Request(file="shop.yaml")).name == "shop"


@pytest.mark.parametrize("word", ["db", "web-1", "no-such-folder", "other.yaml", "no-such-folder/mcis.yaml"])
def test_a_word_that_names_nothing_does_not_mean_the_stack_that_is_here(folder: Path, word: str) -> None:
    with pytest.raises(NotFoundError):
        standing(Request(file=word))


def test_a_broken_manifest_does_not_mean_the_stack_of_another(folder: Path) -> None:
    (folder / "other.yaml").write_text("groups: {")
    with pytest.raises(McisError):
        standing(Request(file="other.yaml"))


def test_who_names_a_group_is_told_where_groups_go(folder: Path) -> None:
    with pytest.raises(NotFoundError) as told:
        standing(Request(file="db"))
    assert "db is no readable manifest" in told.value.detail
    assert "--target" in told.value.hint
