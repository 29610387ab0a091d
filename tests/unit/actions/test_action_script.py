"""The script an action becomes, run by a real shell over a folder that stands for a VM."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mcis_iac.actions.steps import step
from mcis_iac.model import ActionFile
from tests.fakes.actions import an_action, vms

(VM,) = vms("web-1")
pytestmark = pytest.mark.process  # the text is for a shell, and only a shell can say what it does


def performed(root: Path, **more) -> subprocess.CompletedProcess[str]:
    one = step(an_action(**{"run": (), **more}), VM, lambda text, _: text)
    env = {**os.environ, "MCIS_ROOT": str(root)}
    return subprocess.run(
        ["sh", "-s"], input=one.script, text=True, capture_output=True, env=env, cwd=root, check=False
    )


def test_files_are_written_with_their_mode_into_folders_that_are_made(tmp_path):
    text = "it's $(not) run\n\n`here` é\\n"
    files = (
        ActionFile(path="/etc/deep/a 'b", text=text, mode="0600"),
        ActionFile(path="/run.sh", text="", mode="755"),
    )
    done = performed(tmp_path, files=files)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "etc/deep/a 'b").read_text() == text
    assert [oct((tmp_path / name).stat().st_mode)[-3:] for name in ("etc/deep/a 'b", "run.sh")] == [
        "600",
        "755",
    ]


def test_a_file_that_cannot_be_put_in_place_leaves_the_old_one_and_no_draft(tmp_path):
    (tmp_path / "x").write_text("old")
    done = performed(
        tmp_path, files=(ActionFile(path="/x", text="new", owner="nobody-here"),), run=("echo ran",)
    )
    assert done.returncode == 1
    assert "mcis: /x could not be written" in done.stderr
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "old"


def test_a_folder_is_not_replaced_by_a_file(tmp_path):
    (tmp_path / "d").mkdir()
    done = performed(tmp_path, files=(ActionFile(path="/d", text="new"),))
    assert "is a folder" in done.stderr
    assert not list((tmp_path / "d").iterdir())


def test_the_first_command_that_fails_ends_it_with_its_status(tmp_path):
    done = performed(tmp_path, run=("echo one", "exit 7", "echo three"))
    assert (done.returncode, done.stdout) == (7, "one\n")
    assert "mcis: command 2 of 3 failed" in done.stderr


def test_a_command_that_reads_its_input_eats_nothing_of_the_script(tmp_path):
    done = performed(tmp_path, run=("cat", "echo 'still'\necho here"))
    assert (done.returncode, done.stdout) == (0, "still\nhere\n")
