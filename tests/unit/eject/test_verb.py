"""`mcis eject`: from a manifest to a folder, offline."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcis_iac import pipeline
from mcis_iac.errors import ManifestError, UsageError

STACKS = Path(__file__).parents[3] / "stacks"


@pytest.mark.parametrize(
    "stack", sorted(path.name for path in STACKS.iterdir() if (path / "mcis.yaml").exists())
)
def test_every_example_can_be_ejected(stack: str, tmp_path: Path) -> None:
    paths = pipeline.eject(pipeline.Request(file=str(STACKS / stack)), tmp_path / "made")
    assert {"__main__.py", "Pulumi.yaml", "README.md"} <= {path.name for path in paths}


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(UsageError):
        pipeline.eject(pipeline.Request(file=str(STACKS / "local-demo")), tmp_path)


def test_a_broken_manifest_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "mcis.yaml").write_text("version: 1\nname: shop\ngroups: {web: {cuont: 1}}\n")
    with pytest.raises(ManifestError):
        pipeline.eject(pipeline.Request(file=str(tmp_path)), tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_the_state_and_passphrase_of_the_checkout_are_named(tmp_path: Path) -> None:
    manifest = tmp_path / "mcis.yaml"
    manifest.write_text(
        "version: 1\nname: shop\ngroups: {web: {count: 1, placement: {cloud: local, region: local-seoul}}}\n"
    )
    work = tmp_path / ".mcis" / "shop" / "work"
    work.mkdir(parents=True)
    (work / "Pulumi.shop.yaml").write_text("encryptionsalt: v1:abc=\nconfig:\n  a:b: c\n")
    pipeline.eject(pipeline.Request(file=str(tmp_path)), tmp_path / "made")
    readme = (tmp_path / "made" / "README.md").read_text()
    assert f"pulumi login file://{tmp_path / '.mcis' / 'state'}\n" in readme
    settings = (tmp_path / "made" / "Pulumi.shop.yaml").read_text()
    assert settings.startswith("encryptionsalt: v1:abc=\n")
    assert "a:b" not in settings


@pytest.mark.parametrize("spot", [True, False])
def test_requests_of_spot_machines_are_mentioned_where_there_are_any(tmp_path: Path, spot: bool) -> None:
    place = f"{{cloud: aws, region: us-east-1, spot: {str(spot).lower()}}}"
    text = f"version: 1\nname: shop\ngroups: {{web: {{count: 1, placement: {place}}}}}\n"
    (tmp_path / "mcis.yaml").write_text(text)
    pipeline.eject(pipeline.Request(file=str(tmp_path)), tmp_path / "made")
    readme = (tmp_path / "made" / "README.md").read_text()
    assert ("cancel-spot-instance-requests" in readme) == spot
