"""Files -> Mcis: names and places of files, defaults, and what a manifest of everything becomes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifests import EVERYTHING, HEAD, HERE, PUBLIC_KEY, SMALL, TREES, loaded

from mcis_iac.clouds.registry import CLOUDS
from mcis_iac.errors import ManifestError
from mcis_iac.manifest import codes as catalogue
from mcis_iac.manifest import schema
from mcis_iac.manifest.load import load, lock_path
from mcis_iac.model import (
    Connection,
    Disk,
    Firewall,
    FirewallRule,
    Image,
    Network,
    Pin,
    Setup,
    SetupFile,
    Severity,
)


def test_a_manifest_of_everything_becomes_an_mcis() -> None:
    found = loaded(EVERYTHING, folder=Path("/shop"))
    assert found.diagnostics == ()
    mcis = found.mcis
    assert (mcis.namespace, mcis.name, mcis.stack) == ("shop", "storefront", "storefront")
    assert list(mcis.connections) == ["here", "shop", "west", "east", "lab"]
    assert mcis.connections["here"] == Connection(
        name="here", cloud="local", settings={"site": "lab", "backend": "plain"}
    )
    key = mcis.keys["ops"]
    assert (key.public_key, key.private_key_file, key.agent) == (PUBLIC_KEY, Path("/shop/keys/ops"), True)
    assert mcis.images["own"] == Image(name="own", by_cloud={"local": {"dir": "/srv/root"}})
    assert mcis.networks == {
        "main": Network(name="main", cidr="10.20.0.0/14"),
        "back": Network(name="back", existing=mcis.networks["back"].existing),
    }
    assert mcis.firewalls["web"] == Firewall(
        name="web",
        rules=(
            FirewallRule(sources=("anywhere",), ports=((80, 80), (8000, 8100))),
            FirewallRule(sources=("me", "group:db", "192.0.2.0/24"), protocol="icmp"),
        ),
    )
    assert mcis.on_failure == "drop-failed"


def test_groups_have_their_defaults_merged() -> None:
    web, db = loaded(EVERYTHING).mcis.groups.values()
    assert web.placement == Pin(connection="here", region="local-seoul", zone="a", type="medium")
    assert (web.count, web.image, web.user, web.key, web.network) == (2, "base", "ops", "ops", "back")
    assert (web.firewalls, web.public_ip, web.protect) == (("web", "none"), "static", True)
    assert (web.power, db.power) == ("suspended", None)
    assert (web.formerly, db.formerly) == ("front", None)
    assert web.disk == Disk(size_gib=30, type="fast")
    assert web.disks == (Disk(name="data", size_gib=1024, mount="/data"),)
    assert web.setup == Setup(
        packages=("curl",), files=(SetupFile(path="/etc/motd", content="hi\n"),), run=("date",)
    )
    assert (db.count, db.image, db.network, db.public_ip) == (1, "own", "main", "none")


def test_the_smallest_manifest_has_every_default() -> None:
    mcis = loaded(SMALL).mcis
    web = mcis.groups["web"]
    assert (web.image, web.user, web.key, web.network) == ("ubuntu-24.04", "mcis", "generated", "main")
    assert mcis.networks == {"main": Network(name="main")}
    assert mcis.connections == {"local": Connection(name="local", cloud="local")}


def test_spans_point_at_winning_values() -> None:
    text = f"{HEAD}defaults: {{count: 2}}\ngroups:\n  web: {{{HERE}}}\n"
    mcis = loaded(text, overlay="labels: {a: b}\n").mcis
    assert str(mcis.span("groups.web.count")) == "mcis.yaml:3:19"
    assert str(mcis.span("groups.web.placement.region")) == "mcis.yaml:5:43"
    assert str(mcis.span("groups.web.placement")) == "mcis.yaml:5:9"
    assert str(mcis.span("groups.web")) == "mcis.yaml:5:3"
    assert str(mcis.span("labels.a")) == "prod.yaml:1:13"
    assert str(mcis.span("groups.web.disk.size")) == "mcis.yaml:5:3"


# ---------------------------------------------------------------- files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "mcis.yaml").write_text(SMALL)
    (tmp_path / "stack" / "prod.yaml").write_text("groups: {web: {count: 7}}\n")
    return tmp_path / "stack"


def test_a_folder_means_its_manifest(folder: Path) -> None:
    mcis = load("stack").mcis
    assert (mcis.file, mcis.folder) == ("stack/mcis.yaml", folder)


def test_files_are_named_as_the_user_would(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(str(folder)).mcis.file == "stack/mcis.yaml"
    monkeypatch.chdir(folder)
    assert load(".").mcis.file == "mcis.yaml"
    monkeypatch.chdir("/")
    assert load(str(folder)).mcis.file == str(folder / "mcis.yaml").lstrip("/")


def test_the_lock_lies_beside_the_manifest_per_environment(folder: Path) -> None:
    assert lock_path(load("stack").mcis) == folder / "mcis.lock"
    mcis = load("stack", env="prod").mcis
    assert (mcis.groups["web"].count, mcis.stack) == (7, "edge.prod")
    assert lock_path(mcis) == folder / "mcis.prod.lock"


def test_an_overlay_that_is_not_there_suggests_one_that_is(folder: Path) -> None:
    (found,) = load("stack", env="prd").diagnostics
    assert (found.code, found.detail) == ("MCIS208", "stack/prd.yaml does not exist")
    assert found.hint == "did you mean -e prod?"


def test_the_manifest_is_no_overlay_of_itself(folder: Path) -> None:
    (found,) = load("stack", env="mcis").diagnostics
    assert found.code == "MCIS208"


@pytest.mark.parametrize("env", ["../x", "", "Prod", "a/b", "\0"])
def test_an_environment_is_a_name(folder: Path, env: str) -> None:
    loaded = load("stack", env=env)
    assert [d.code for d in loaded.diagnostics] == ["MCIS115"]
    assert loaded.mcis is None


def test_problems_of_the_manifest_are_shown_beside_a_missing_overlay(folder: Path) -> None:
    (folder / "mcis.yaml").write_text(SMALL.replace("count", "cuont"))
    assert [d.code for d in load("stack", env="nope").diagnostics] == ["MCIS208", "MCIS101"]


@pytest.mark.parametrize("file", ["nothing", "nothing/mcis.yaml", "stack/mcis.yaml/x", "a\0b"])
def test_a_manifest_that_is_not_there_raises_with_a_hint(folder: Path, file: str) -> None:
    with pytest.raises(ManifestError) as caught:
        load(file)
    assert caught.value.hint


def test_an_empty_folder_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        load(str(tmp_path))
    assert "mcis init" in caught.value.hint


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "mcis.yaml")
    with pytest.raises(ManifestError):
        load(str(tmp_path / "mcis.yaml"))


# ---------------------------------------------------------------- whatever comes


@given(st.binary(max_size=80), st.integers(0, len(EVERYTHING)), st.integers(0, 60))
def test_a_mutated_manifest_is_an_mcis_or_diagnostics(tmp: bytes, at: int, drop: int) -> None:
    text = EVERYTHING[:at] + tmp.decode("utf-8", "ignore") + EVERYTHING[at + drop :]
    found = loaded(text)
    assert (found.mcis is None) == any(d.severity is Severity.ERROR for d in found.diagnostics)


@given(TREES, TREES, st.booleans())
def test_any_tree_of_familiar_words_is_an_mcis_or_diagnostics(
    base: object, over: object, layered: bool
) -> None:
    import yaml

    text = yaml.safe_dump({"version": 1, "name": "x", **base} if isinstance(base, dict) else base)
    found = loaded(text, overlay=yaml.safe_dump(over) if layered else None)
    assert (found.mcis is None) == any(d.severity is Severity.ERROR for d in found.diagnostics)


# ---------------------------------------------------------------- what is written down twice


def test_the_schema_knows_the_clouds_of_the_registry() -> None:
    assert schema.document()["$defs"]["cloud"]["enum"] == list(CLOUDS)


def test_the_schema_is_valid_and_every_field_is_described() -> None:
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(schema.document())

    def visit(node: object, way: str) -> None:
        if isinstance(node, dict):
            for name, field in node.get("properties", {}).items():
                assert field.get("description"), f"{way}.{name} has no description"
                assert field.get("examples"), f"{way}.{name} has no example"
            for name, inner in node.items():
                visit(inner, f"{way}/{name}")
        elif isinstance(node, list):
            for index, inner in enumerate(node):
                visit(inner, f"{way}/{index}")

    visit(schema.document(), "")


def test_every_code_that_is_used_has_a_story() -> None:
    import re

    package = Path(catalogue.__file__).parents[1]
    sources = [path for path in package.rglob("*.py") if path.parent.name != "stories"]
    used = {code for path in sources for code in re.findall(r'"(MCIS\d{3})"', path.read_text())}
    assert used == set(catalogue.CODES)
    assert not [name for name, code in catalogue.CODES.items() if len(code.story) < 80]
