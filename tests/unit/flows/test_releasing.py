"""What would outlive machines is given up before they go, in the clouds that have such things."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from fakes.mcis import a_group, an_mcis

from mcis_iac.clouds import registry
from mcis_iac.engine.session import Session
from mcis_iac.errors import CredentialsError
from mcis_iac.flows.ground import Standing, of_mcis
from mcis_iac.flows.releasing import by_hand, release
from mcis_iac.model import Connection
from mcis_iac.pipeline import Request
from mcis_iac.program.graph import Graph, Resource

LEASED = {"leased": True, "place": "here"}


@dataclass
class Cloud:
    """A cloud whose leased machines have a lease that must be given up."""

    given_up: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    silent: str = ""
    BY_HAND: str = "give up leases by hand."

    def holds(self, inputs: Mapping[str, Any]) -> bool:
        return bool(inputs.get("leased"))

    def release(self, connection: Connection, machines: Mapping[str, Mapping[str, Any]]) -> None:
        if self.silent:
            raise CredentialsError(summary="no way in", detail=self.silent)
        self.given_up |= machines


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Two clouds that are registered for the time of a test: `lender`, and `plain`, which has no leases."""
    made = Cloud()
    registry._load.cache_clear()
    for name, lookup in (("lender", made), ("plain", SimpleNamespace(find=None))):
        monkeypatch.setitem(registry.CLOUDS, name, f"imaginary_{name}")
        monkeypatch.setitem(sys.modules, f"imaginary_{name}", ModuleType(f"imaginary_{name}"))
        monkeypatch.setitem(sys.modules, f"imaginary_{name}.lookup", cast(ModuleType, lookup))
    return made


@pytest.fixture
def here(cloud: Cloud) -> Standing:
    connections = {name: Connection(name=name, cloud=name) for name in ("lender", "plain")}
    return of_mcis(Request(), an_mcis(a_group("web", cloud="lender"), connections=connections))


def a_session(*machines: tuple[str, str, Mapping[str, Any]]) -> Session:
    """A stack with those machines: key, connection and inputs."""
    raw = [
        {
            "urn": f"urn:pulumi:shop::default::{connection}:index:Machine::{key}",
            "type": f"{connection}:index:Machine",
            "custom": True,
            "id": f"id-{key}",
            "inputs": dict(inputs),
            "provider": f"urn:pulumi:shop::default::pulumi:providers:{connection}::provider/{connection}::p",
        }
        for key, connection, inputs in machines
    ]
    stack = SimpleNamespace(absent=False, deployment=lambda: {"resources": raw})
    return cast(Session, stack)


FOUR = a_session(
    ("web-1", "lender", LEASED),
    ("web-2", "lender", LEASED),
    ("web-3", "lender", {}),
    ("db-1", "plain", LEASED),
)


def test_only_what_goes_and_holds_something_is_asked_about(here: Standing, cloud: Cloud) -> None:
    assert release(here, FOUR, {"web-1", "web-3", "db-1"}) == ()
    assert cloud.given_up == {"id-web-1": LEASED}


def test_everything_means_every_machine(here: Standing, cloud: Cloud) -> None:
    release(here, FOUR)
    assert set(cloud.given_up) == {"id-web-1", "id-web-2"}


def test_a_cloud_is_not_asked_for_nothing(here: Standing, cloud: Cloud) -> None:
    cloud.silent = "nobody must ask"
    assert release(here, FOUR, set()) == () and release(here, FOUR, {"web-3"}) == ()


def test_the_state_is_not_read_where_no_cloud_has_such_things(here: Standing) -> None:
    plain = of_mcis(Request(), an_mcis(a_group("web")))
    assert release(plain, cast(Session, object())) == ()


def test_a_cloud_that_does_not_answer_stops_nobody_but_it_is_said(here: Standing, cloud: Cloud) -> None:
    cloud.silent = "the token has expired"
    assert release(here, FOUR) == ("web-1, web-2: the token has expired; give up leases by hand.",)


def test_what_must_be_done_by_hand_is_told_for_graphs_that_need_it(cloud: Cloud) -> None:
    leased = Resource(key="web-1", token="lender:index:Machine", inputs=LEASED)
    graph = Graph(project="default", stack="shop", resources=(leased,), outputs={})
    assert by_hand(graph, {"lender", "plain"}) == (cloud.BY_HAND,)
    assert by_hand(Graph(project="p", stack="s", resources=(), outputs={}), {"lender"}) == ()
