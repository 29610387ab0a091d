"""Machines with our tags that are in no state."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import pytest
from fakes.mcis import a_group, an_mcis

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Found
from mcis_iac.engine import operations
from mcis_iac.engine.checkpoint import StateResource
from mcis_iac.errors import OperationError
from mcis_iac.flows import orphans
from mcis_iac.flows.ground import Standing, of_mcis
from mcis_iac.model import Connection
from mcis_iac.pipeline import Request

KNOWN = StateResource(key="web-1", token="t", urn="urn::web-1", id="i-1")


def find(connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
    if connection.name == "far":
        raise OperationError(summary="no answer", detail="nobody is there")
    assert tags["mcis"] == "shop"
    kinds = {"i-1": "instance", "i-2": "instance", "v-1": "volume"}
    vm = {"mcis-vm": "web-2"}
    return [Found(kind=kind, id=id, name=f"shop-{id}", tags=vm) for id, kind in kinds.items()]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Standing]:
    registry._load.cache_clear()
    module: Any = ModuleType("mcis_iac.clouds.local.lookup")
    module.find = find
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(orphans, "open_session", lambda _: None)
    monkeypatch.setattr(operations, "state", lambda _: (KNOWN,))
    connections = {name: Connection(name=name, cloud="local") for name in ("near", "far")}
    yield of_mcis(Request(), an_mcis(a_group("web"), connections=connections))
    registry._load.cache_clear()


def test_machines_that_the_state_does_not_have_are_found(here: Standing) -> None:
    (stranger,), _ = orphans.orphans(here, lambda _: True)
    assert (stranger.id, stranger.vm, stranger.connection) == ("i-2", "web-2", "near")


def test_a_cloud_that_cannot_be_searched_is_told(here: Standing) -> None:
    _, unasked = orphans.orphans(here, lambda _: True)
    assert unasked == ("far could not be searched for what is in no state: nobody is there",)


def test_only_what_is_meant_is_searched(here: Standing) -> None:
    assert orphans.orphans(here, lambda connection: connection.name == "none") == ((), ())
