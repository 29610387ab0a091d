"""What the doctor looks at: the manifest in reach, a cloud, a connection; and the plugins they need."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcis_iac.clouds import registry
from mcis_iac.errors import EngineError, UsageError
from mcis_iac.flows import plugins
from mcis_iac.flows.doctor import look_at
from mcis_iac.model import Connection
from mcis_iac.pipeline import Request

MANIFEST = """\
version: 1
name: shop
connections:
  shop: {cloud: aws, profile: shop}
  labs: {cloud: aws, profile: labs}
  spare: {cloud: gcp, project: spare}
groups:
  web: {count: 2, placement: {connection: shop, region: ap-northeast-2}}
  api: {placement: {cloud: azure, region: koreacentral}}
"""
PLUGINS = ("aws", "azure", "gcp", "openstack")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder without plugins, a folder without a manifest."""
    monkeypatch.setenv("MCIS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def manifest(tmp_path: Path) -> Request:
    path = tmp_path / "shop.yaml"
    path.write_text(MANIFEST)
    return Request(file=str(path))


def names(request: Request, target: str | None = None) -> list[str]:
    return [connection.name for connection in look_at(request, target).connections]


def put(cloud: str, version: str | None = None) -> plugins.Plugin:
    """A plugin where the engine keeps those it has fetched."""
    (found,) = plugins.needed([cloud])
    folder = found.folder.with_name(f"resource-{found.package}-v{version or found.version}")
    folder.mkdir(parents=True)
    program = folder / f"pulumi-resource-{found.package}"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return found


# ---------------------------------------------------------------- what is looked at


def test_without_a_manifest_only_what_needs_no_account_is_looked_at() -> None:
    assert names(Request()) == ["local"]


def test_the_connections_in_use_are_looked_at(manifest: Request) -> None:
    assert names(manifest) == ["shop", "azure"]


def test_what_the_manifest_wants_goes_along(manifest: Request) -> None:
    (found,) = look_at(manifest, None).demands["shop"]
    assert (found.region, found.vms) == ("ap-northeast-2", 2)


def test_a_manifest_in_this_folder_is_in_reach(tmp_path: Path) -> None:
    (tmp_path / "mcis.yaml").write_text(MANIFEST)
    assert names(Request()) == ["shop", "azure"]


def test_a_connection_can_be_named(manifest: Request) -> None:
    assert names(manifest, "spare") == ["spare"]


def test_a_cloud_means_all_its_connections(manifest: Request) -> None:
    assert names(manifest, "aws") == ["shop", "labs"]


@pytest.mark.parametrize("cloud", registry.CLOUDS)
def test_a_cloud_means_its_own_defaults_without_a_connection(cloud: str) -> None:
    assert look_at(Request(), cloud).connections == (Connection(name=cloud, cloud=cloud),)


def test_another_name_is_refused_with_the_nearest(manifest: Request) -> None:
    with pytest.raises(UsageError) as refused:
        look_at(manifest, "shp")
    assert refused.value.hint == "mcis doctor shop"


def test_a_broken_manifest_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "mcis.yaml").write_text("version: 1\n")
    scope = look_at(Request(), "aws")
    assert [connection.name for connection in scope.connections] == ["aws"]
    assert [(each.ok, each.hint) for each in scope.trouble] == [(False, "mcis validate")]


# ---------------------------------------------------------------- plugins


def test_every_cloud_with_an_account_needs_a_plugin_of_one_version() -> None:
    found = plugins.needed(registry.CLOUDS)
    assert tuple(plugin.cloud for plugin in found) == PLUGINS
    assert all(plugin.version == registry.graph(plugin.cloud).VERSION for plugin in found)


def test_a_plugin_is_there_when_its_program_is() -> None:
    (plugin,) = plugins.needed(["aws"])
    assert not plugin.present
    put("aws")
    assert plugin.present


def test_a_plugin_that_was_half_unpacked_is_not_there() -> None:
    plugin = put("aws")
    plugin.folder.with_name(f"{plugin.folder.name}.partial").touch()
    assert not plugin.present


def test_another_version_is_not_there_but_known() -> None:
    plugin = put("aws", "7.0.0")
    assert (plugin.present, plugin.others) == (False, ("7.0.0",))


def test_a_missing_plugin_is_refused_with_both_commands(manifest: Request) -> None:
    put("gcp")
    with pytest.raises(EngineError) as refused:
        plugins.require({"aws", "gcp", "local"}, manifest)
    (aws,) = plugins.needed(["aws"])
    assert refused.value.exit_code == 4
    assert refused.value.hint == f"mcis doctor --install -f {manifest.file}"
    assert f"pulumi plugin install resource aws v{aws.version}" in refused.value.detail
    assert "gcp" not in refused.value.detail


def test_with_all_plugins_there_is_nothing_to_refuse() -> None:
    put("aws")
    plugins.require({"aws", "local"}, Request())
