"""The README's commands, word for word, on a fresh clone with a fresh home."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator

import pytest

from tests.engine.install.checkout import Checkout, checkout, readme

pytestmark = pytest.mark.engine
# What we or the engine would write there if nobody had named other folders.
OURS_AT_HOME = {".pulumi", ".mcis", ".local", ".ssh", ".config"}


@pytest.fixture
def newcomer(engine: str) -> Iterator[Checkout]:
    """A clone in a folder with a space in its name; the engine is on PATH."""
    with checkout("{folder}/bin" + os.pathsep + os.environ["PATH"]) as found:
        (found.folder / "bin").mkdir()
        (found.folder / "bin" / "pulumi").symlink_to(engine)
        yield found


def names_of_vms(checkout: Checkout) -> list[str]:
    """Every VM of the newcomer's cloud."""
    listed = checkout.run(".venv/bin/mcis-local ls")
    return sorted(line.split()[1] for line in listed.splitlines() if line.startswith("i-"))


def test_the_readme_can_be_followed_word_by_word_and_leaves_nothing(newcomer: Checkout) -> None:
    [first, then] = readme("See it")
    [own] = readme("Write your own")
    [rehearsal, _with_accounts] = readme("Over several clouds")
    assert first.strip() == "make demo"

    said = newcomer.run(first)
    assert "demo: Running (R:5)" in said and said.count("hello from web-") == 2
    assert "mcis exec" in said.splitlines()[-5]  # what to try next comes last
    assert len(names_of_vms(newcomer)) == 5
    assert newcomer.changed() == []

    begun = time.monotonic()
    again = newcomer.run(first)
    assert "nothing to change" in again and "installing" not in again
    assert time.monotonic() - begun < 30
    assert len(names_of_vms(newcomer)) == 5 and newcomer.changed() == []

    said = newcomer.type_in(then + own)
    assert "web-4" in said and "hello: Running (R:3)" in said
    assert "5 VMs" in said and "3 VMs deleted" in said
    said = newcomer.type_in('export PATH="$PWD/.venv/bin:$PATH"\n' + rehearsal)
    assert "5 of 5 VMs ready" in said and "5 VMs deleted" in said
    assert names_of_vms(newcomer) == []
    assert newcomer.changed() in (
        [],
        [" M stacks/local-demo/mcis.lock"],
    )  # the lock remembers web-3 and web-4
    clean(newcomer)


def clean(newcomer: Checkout) -> None:
    """`make clean` while VMs run and the environment is gone already."""
    ignored = newcomer.run("git ls-files --others --ignored --exclude-standard --directory")
    assert ".venv/" in ignored
    newcomer.run(".venv/bin/mcis up stacks/local-demo -e ci -y")
    assert len(names_of_vms(newcomer)) == 3

    newcomer.run("git checkout -q stacks && rm -r .venv && make clean")
    assert newcomer.changed() == []
    assert newcomer.run("git ls-files --others --ignored --exclude-standard --directory") == ""
    assert newcomer.processes() == []
    assert list((newcomer.folder / "cloud").rglob("console.log")) == []
    assert not OURS_AT_HOME & {path.name for path in newcomer.home.iterdir()}

    assert newcomer.run("make clean") == ""


def test_without_python_setup_ends_in_one_clear_error(newcomer: Checkout) -> None:
    tools = newcomer.folder / "tools"
    tools.mkdir()
    for name in ("sh", "make", "id", "uname", "dirname", "sed", "cat", "cksum", "grep", "cut", "git", "bash"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    for name in ("ssh", "sshd", "ip", "nft", "postgres"):  # found is enough: nothing is to be installed
        (tools / name).symlink_to("/bin/true")
    said = newcomer.run("make demo", code=2, PATH=str(tools))
    assert [line for line in said.splitlines() if line.startswith("error:")] == [
        "error: no Python 3.11 or newer found"
    ]
    assert "make PYTHON=" in said and not (newcomer.clone / ".venv").exists()


NOWHERE = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_RETRIES": "0",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_FIND_LINKS": "",
    "PIP_CONFIG_FILE": os.devnull,
}


def only_an_index_is_missing(newcomer: Checkout) -> None:
    """What setup says when it has everything else and begins to install."""
    said = newcomer.run("make setup", code=2, **NOWHERE)
    errors = [line for line in said.splitlines() if line.lower().startswith("error")]
    assert len(errors) == 1 and errors[0].startswith("error: could not install the Python packages: ")
    assert "Traceback" not in said and not (newcomer.clone / ".venv" / "stamp").exists()


def test_setup_without_a_package_index_is_one_clear_error(newcomer: Checkout) -> None:
    only_an_index_is_missing(newcomer)


def test_setup_in_another_place_begins_anew(newcomer: Checkout) -> None:
    newcomer.run('python3 -m venv .venv && { printf "%s\\n\\n" "$PWD"; cksum <pyproject.toml; } >.venv/stamp')
    assert newcomer.run("make setup") == ""  # it takes that for its own work
    newcomer.clone.rename(newcomer.folder / "moved")
    newcomer.clone.symlink_to(newcomer.folder / "moved")
    only_an_index_is_missing(newcomer)
