"""A lock that knows the id behind a name serves everybody who has no account to ask with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mcis_iac import pipeline
from mcis_iac.placement import lock as locks
from mcis_iac.placement.lock import Place

STACK = Path(__file__).parents[3] / "stacks" / "openstack-private"
ROUTER = "router/storage/lab/RegionOne"
KNOWN = {"lab/RegionOne": {"external_network": Place(name="datacentre", id="77fe")}}


@pytest.fixture
def stack(tmp_path: Path) -> pipeline.Request:
    """A checkout of the stack."""
    for name in ("mcis.yaml", "mcis.lock"):
        (tmp_path / name).write_bytes((STACK / name).read_bytes())
    return pipeline.Request(file=str(tmp_path))


def pinned(stack: pipeline.Request, places: Mapping[str, Mapping[str, Place]]) -> None:
    path = Path(str(stack.file)) / "mcis.lock"
    locks.write(path, replace(locks.read(path), places=places))


def test_the_id_of_a_committed_lock_is_rendered(stack: pipeline.Request) -> None:
    pinned(stack, KNOWN)
    router = pipeline.render(stack, locked=True)[ROUTER]
    assert router.inputs["externalNetworkId"] == "77fe"
    assert router.options.ignore_changes == ()


def test_the_id_of_a_committed_lock_is_ejected(stack: pipeline.Request, tmp_path: Path) -> None:
    pinned(stack, KNOWN)
    pipeline.eject(stack, tmp_path / "ejected")
    text = (tmp_path / "ejected" / "connections" / "lab.py").read_text(encoding="utf-8")
    assert 'external_network_id="77fe"' in text
    assert 'ignore_changes=["external_network_id"]' not in text


def test_an_unresolved_lock_renders_the_name_and_never_compares_it(stack: pipeline.Request) -> None:
    router = pipeline.render(stack, locked=True)[ROUTER]
    assert router.inputs["externalNetworkId"] == "datacentre"
    assert router.options.ignore_changes == ("externalNetworkId",)


def test_an_id_of_another_name_is_not_used(stack: pipeline.Request) -> None:
    pinned(stack, {"lab/RegionOne": {"external_network": Place(name="public", id="77fe")}})
    assert pipeline.render(stack)[ROUTER].inputs["externalNetworkId"] == "datacentre"
