"""The folder of a stack, its passphrase, card, record and lock."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from mcis_iac.engine import held, processes, record
from mcis_iac.engine.home import StackCard, StackHome, passphrase, read_card, replace_text, write_card
from mcis_iac.errors import Locked, McisError, NotFoundError


@pytest.fixture
def home(tmp_path: Path) -> StackHome:
    made = StackHome.of(tmp_path, "front.dev")
    made.create()
    return made


def test_the_folder_is_private_and_ignored_by_git(home: StackHome) -> None:
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700
    assert (home.root / ".gitignore").read_text() == "*\n"


def test_creating_it_twice_is_harmless(home: StackHome) -> None:
    home.create()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / ".mcis").write_text("a file")

    with pytest.raises(McisError, match="cannot write") as refused:
        StackHome.of(tmp_path, "front").create()

    assert str(tmp_path / ".mcis") in refused.value.detail


def test_a_generated_passphrase_stays_and_is_private(home: StackHome) -> None:
    first = passphrase(home)

    assert len(first) > 30
    assert passphrase(home) == first
    assert stat.S_IMODE(home.passphrase_file.stat().st_mode) == 0o600


def test_the_users_passphrase_wins(home: StackHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("MCIS_PASSPHRASE_FILE", str(tmp_path / "secret"))
    assert passphrase(home) == "from a file"

    monkeypatch.setenv("MCIS_PASSPHRASE", "")
    assert passphrase(home) == ""


def test_a_missing_passphrase_file_names_the_variable(
    home: StackHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCIS_PASSPHRASE_FILE", "/nowhere")

    with pytest.raises(McisError, match="MCIS_PASSPHRASE_FILE"):
        passphrase(home)


def test_the_card_comes_back_as_it_was(home: StackHome) -> None:
    card = StackCard(
        namespace="shop", name="front", env="dev", backend="s3://b", connections={"local": {"cloud": "local"}}
    )
    write_card(home, card)

    assert read_card(home) == card
    assert home.other_stacks() == ("front.dev",)


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense"])
def test_a_broken_card_is_no_such_stack(home: StackHome, text: str) -> None:
    home.card.write_text(text)

    with pytest.raises(NotFoundError):
        read_card(home)


def test_a_failed_write_leaves_the_old_text(home: StackHome) -> None:
    replace_text(home.card, "old")

    with pytest.raises(UnicodeEncodeError):
        replace_text(home.card, "\ud800")

    assert home.card.read_text() == "old"
    assert [path.name for path in home.folder.glob(".*")] == []


def test_who_may_not_write_is_told_which_variable_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MCIS_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(McisError) as shared:
        replace_text(tmp_path / "file" / "x", "")
    with pytest.raises(McisError) as own:
        replace_text(tmp_path / "nowhere" / "x", "")

    assert "point MCIS_DATA_DIR at one" in shared.value.hint and "file" in shared.value.detail
    assert "run mcis where you may write" in own.value.hint


def test_the_record_keeps_lines_and_skips_one_that_was_cut_off(home: StackHome) -> None:
    record.append(home, "operation", {"verb": "up"})
    with home.record.open("a") as file:
        file.write('{"kind": "oper')

    (line,) = record.read(home)

    assert (line["kind"], line["verb"]) == ("operation", "up")


def test_a_missing_record_is_empty(home: StackHome) -> None:
    assert record.read(home) == ()


def test_holding_names_the_holder_and_ends(home: StackHome) -> None:
    with held.hold(home, "up"):
        assert json.loads(home.held.read_text())["pid"] == os.getpid()
        assert held.current(home) is not None

    assert held.current(home) is None


def test_a_second_holder_is_refused_with_the_first_ones_name(home: StackHome) -> None:
    with held.hold(home, "up"), pytest.raises(Locked) as refused, held.hold(home, "down", "stacks/x"):
        pass

    assert f"`mcis up` by {held.whoami()}@" in refused.value.detail
    assert refused.value.exit_code == 11


def test_an_error_inside_frees_the_stack(home: StackHome) -> None:
    with pytest.raises(KeyError), held.hold(home, "up"):
        raise KeyError

    with held.hold(home, "down"):
        pass


def test_a_process_is_known_by_its_start_not_by_its_number() -> None:
    start = processes.started(os.getpid())

    assert start is not None
    assert processes.same(os.getpid(), start)
    assert not processes.same(os.getpid(), start - 100)
    assert processes.older_than(os.getpid(), start + 1)
    assert not processes.older_than(os.getpid(), start - 100)
    assert not processes.alive(2**22 + 9)
