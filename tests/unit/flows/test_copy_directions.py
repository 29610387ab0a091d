"""`cp`: which side is where, which VMs are meant, where their copies go."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcis_iac.errors import UsageError
from mcis_iac.flows.copying import Remote, _direction, _places, remote
from tests.fakes.ssh import a_vm


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("web:/a:b", Remote(name="web", path="/a:b")),
        ("web-1:", Remote(name="web-1", path="")),
        ("./a:b", None),
        ("/x/a:b", None),
        (":x", None),
        ("plain", None),
    ],
)
def test_a_name_before_a_colon_is_far_away(text: str, found: Remote | None) -> None:
    assert remote(text) == found


@pytest.mark.parametrize("sides", [("a", "b"), ("web:a", "db:b")])
def test_one_side_is_here_and_one_is_not(sides: tuple[str, str]) -> None:
    with pytest.raises(UsageError):
        _direction(*sides)


def test_copies_of_a_group_go_into_a_folder_per_vm(tmp_path: Path) -> None:
    vms = (a_vm("web-1"), a_vm("web-2"))
    places = _places(vms, Remote(name="web", path="/var/log/x/"), str(tmp_path / "logs"))
    assert places == {name: tmp_path / "logs" / name / "x" for name in ("web-1", "web-2")}


def test_a_copy_of_one_vm_is_named_as_by_cp(tmp_path: Path) -> None:
    there = Remote(name="web-1", path="/etc/motd")
    assert _places((a_vm(),), there, str(tmp_path / "new")) == {"web-1": tmp_path / "new"}
    assert _places((a_vm(),), there, str(tmp_path)) == {"web-1": tmp_path / "motd"}
    assert _places((a_vm(),), there, f"{tmp_path}/folder/") == {"web-1": tmp_path / "folder" / "motd"}
    with pytest.raises(UsageError):
        _places((a_vm(),), there, str(tmp_path / "none" / "new"))


@pytest.mark.parametrize("path", ["", "/", "~", "a/.."])
def test_what_has_no_name_cannot_be_copied_by_it(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError):
        _places((a_vm(),), Remote(name="web-1", path=path), str(tmp_path))
