"""One run names every problem: of the manifest, of its lock, and what the clouds say of the sound parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcis_iac.errors import ManifestError
from mcis_iac.flows import ground
from mcis_iac.pipeline import Checked, Request
from mcis_iac.report.diagnostics import render

MANIFEST = """\
version: 1
name: edge
images:
  own: {local: {dir: missing}}
firewalls:
  in: [{from: ["group:web", "group:lost"]}]
groups:
  web:
    cuont: 3
    placement: {cloud: local, region: local-soeul, type: huge}
    setup: {run: [systemctl start web]}
  db:
    image: own
    firewall: in
    placement: {cloud: local, region: local-seoul, zone: q}
    user: 7
  lost:
    placement: {cloud: lcoal, region: mars}
"""
VALID = """\
version: 1
name: edge
groups: {web: {placement: {cloud: local, region: mars}}}
"""
BAD_LOCK = "version: 1\ngroups: 3\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(text: str, lock: str = "") -> Checked:
    Path("mcis.yaml").write_text(text)
    if lock:
        Path("mcis.lock").write_text(lock)
    return ground.check(Request(file="mcis.yaml"))


def codes(found: Checked) -> list[str]:
    return [each.code.removeprefix("MCIS") for each in found.diagnostics]


def test_all_stages_are_on_one_screen(folder: Path, golden) -> None:
    found = checked(MANIFEST, BAD_LOCK)
    assert found.mcis is None
    golden("diagnostics/screen-all-stages.txt", render(found.diagnostics, found.texts, name="mcis.yaml"))


def test_problems_are_in_the_order_of_the_file_whoever_finds_them(folder: Path) -> None:
    assert codes(checked(MANIFEST)) == ["251", "101", "240", "242", "250", "241", "105", "103"]


def test_when_the_manifest_is_repaired_the_rest_is_as_it_was(folder: Path) -> None:
    repaired = MANIFEST.replace("cuont", "count").replace("user: 7", "user: ops")
    repaired = repaired.replace("lcoal, region: mars", "local, region: local-tokyo")
    assert codes(checked(repaired)) == ["251", "240", "242", "250", "241"]


def test_a_text_that_is_no_yaml_does_not_hide_a_broken_lock(folder: Path) -> None:
    assert codes(checked("groups: {", BAD_LOCK)) == ["106", "249"]


def test_a_lock_that_cannot_be_read_does_not_hide_a_broken_manifest(folder: Path) -> None:
    Path("mcis.lock").mkdir()
    assert codes(checked("groups: {")) == ["106"]


@pytest.mark.parametrize(("text", "first"), [(MANIFEST, "MCIS251"), (VALID, "MCIS240")])
def test_who_needs_the_whole_manifest_is_told_everything_too(folder: Path, text: str, first: str) -> None:
    shown = checked(text, BAD_LOCK).diagnostics
    with pytest.raises(ManifestError) as caught:
        ground.ground(Request(file="mcis.yaml"))
    assert caught.value.diagnostics == shown
    assert (shown[0].code, shown[-1].code) == (first, "MCIS249")


def test_a_stack_nobody_noted_is_refused_with_everything(folder: Path) -> None:
    shown = checked(MANIFEST).diagnostics
    with pytest.raises(ManifestError) as caught:
        ground.standing(Request(file="mcis.yaml"))
    assert caught.value.diagnostics == shown
