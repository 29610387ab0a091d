"""An ejected program must register exactly what its graph does, for every cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes.clouds import planned, regions_of, rich
from fakes.ejected import of_graph, of_project
from fakes.mcis import a_group, an_mcis
from fakes.standin.stacks import CONNECTIONS, HOST_KEY, everything, plan_of, three_clouds

from mcis_iac.clouds import registry
from mcis_iac.eject.files import Ejected, Stack, ejected, write
from mcis_iac.model import Connection, Mcis
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph

CLOUDS = sorted(registry.CLOUDS)
UNTYPED = {
    registry.graph(cloud).PACKAGE: "mcis-iac" for cloud in CLOUDS if registry.graph(cloud).SHIPS_PLUGIN
}


def of_everything(cloud: str, **counts: int) -> Graph:
    """The graph of an MCIS that uses all that a manifest can say of a group."""
    return (
        built(everything(cloud, **counts)) if cloud in CONNECTIONS else build(planned(rich(cloud, **counts)))
    )


def built(mcis: Mcis) -> Graph:
    clouds = {each.cloud for each in mcis.connections.values()}
    return build(plan_of(mcis) if clouds <= set(CONNECTIONS) else planned(mcis))


def project(graph: Graph) -> Ejected:
    return ejected(graph, Stack(untyped=UNTYPED))


def counts(graph: Graph) -> dict[str, Any]:
    found: dict[str, int] = {}
    for entry in graph.outputs["inventory"].values():  # type: ignore[union-attr]
        found[entry["group"]] = found.get(entry["group"], 0) + 1
    return found


def assert_same(graph: Graph, folder: Path) -> None:
    made = project(graph)
    write(folder, made)
    theirs, ours = of_project(folder, graph, made, counts(graph)), of_graph(graph)
    assert set(theirs["resources"]) == set(ours["resources"])
    for name, expected in ours["resources"].items():
        assert_alike(theirs["resources"][name], expected, name)
    assert theirs["outputs"] == ours["outputs"]


def assert_alike(found: dict[str, Any], expected: dict[str, Any], name: str) -> None:
    """Equal, but for two things that a program may have more of.

    The graph leaves dependencies out that the state need not have twice, and typed classes hide
    outputs that nobody gives a value.
    """
    for more in ("dependencies", "additionalSecretOutputs"):
        assert set(expected[more]) <= set(found[more]), name
    assert {**found, "dependencies": 0, "additionalSecretOutputs": 0} == {
        **expected,
        "dependencies": 0,
        "additionalSecretOutputs": 0,
    }, name


@pytest.mark.process  # an ejected program runs as a program
@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_ejected_program_registers_the_same_graph(cloud: str, tmp_path: Path) -> None:
    assert_same(of_everything(cloud), tmp_path / "made")


@pytest.mark.process  # an ejected program runs as a program
def test_an_ejected_program_over_three_clouds_registers_the_same_graph(tmp_path: Path) -> None:
    assert_same(built(three_clouds()), tmp_path / "made")


@pytest.mark.process  # an ejected program runs as a program
@pytest.mark.parametrize("cloud", ["aws", "local"])
def test_groups_may_be_called_like_what_the_program_uses(cloud: str, tmp_path: Path) -> None:
    names = ("network", "vpc", "boot", "links", "members", "zone", "instance", "import", "provider", "n")
    region = regions_of(cloud)[0]
    groups = [a_group(name, 2, cloud=cloud, region=region) for name in names]
    connections = {cloud: Connection(name=cloud, cloud=cloud)}
    assert_same(built(an_mcis(*groups, connections=connections)), tmp_path / "made")


@pytest.mark.process  # an ejected program runs as a program
def test_connections_may_be_called_like_what_the_program_uses(tmp_path: Path) -> None:
    names = ("common", "json", "pulumi-aws", "class")
    groups = [a_group(f"g{n}", 1, connection=name) for n, name in enumerate(names)]
    connections = {name: Connection(name=name, cloud="local") for name in names}
    assert_same(built(an_mcis(*groups, connections=connections)), tmp_path / "made")


@pytest.mark.process  # an ejected program runs as a program
@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_count_of_a_group_is_config(cloud: str, tmp_path: Path) -> None:
    """With a higher count the program registers what mcis would: names, zones and address lists follow."""
    small, large = of_everything(cloud, api=3), of_everything(cloud, api=4)
    made = project(small)
    write(tmp_path / "made", made)
    theirs, ours = of_project(tmp_path / "made", large, made, counts(large)), of_graph(large)
    assert set(theirs["resources"]) == set(ours["resources"])
    for name, expected in ours["resources"].items():
        if name != "api-4":  # its host key is not known to the program
            assert_alike(theirs["resources"][name], expected, name)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_no_file_holds_a_secret(cloud: str) -> None:
    graph = of_everything(cloud)
    texts = "\n".join(project(graph).files.values())
    secret = "private-host-key-of"
    assert secret in HOST_KEY
    assert secret not in texts
    assert "PRIVATE KEY" not in texts


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_ejected_project_reads_as_it_did(cloud: str, golden: Any) -> None:
    for name, text in project(of_everything(cloud)).files.items():
        if text:
            golden(f"eject/{cloud}/{name}", text)
