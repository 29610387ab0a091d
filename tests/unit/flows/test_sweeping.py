"""Looking by tag for what no state knows: what is taken over, and clouds that do not answer."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from fakes.mcis import a_group, an_mcis

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Found
from mcis_iac.engine.checkpoint import Pending, StateResource
from mcis_iac.errors import CredentialsError
from mcis_iac.flows.adoption import Adoption
from mcis_iac.flows.ground import Standing, of_mcis
from mcis_iac.flows.stack import sweep
from mcis_iac.model import Connection
from mcis_iac.pipeline import Request
from mcis_iac.program import naming

OURS = {"mcis": "shop", "mcis-namespace": "default"}


@dataclass
class Cloud:
    """A cloud with things in it, which may refuse to answer."""

    name: str
    things: list[Found] = field(default_factory=list)
    silent: str = ""

    def find(self, connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
        if self.silent:
            raise CredentialsError(summary="no way in", detail=self.silent)
        return [thing for thing in self.things if tags.items() <= thing.tags.items()]

    def sweep(self, connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
        found = self.find(connection, tags)
        self.things = [thing for thing in self.things if thing not in found]
        return found

    def has(self, key: str, vm: str) -> str:
        """Something of the MCIS `shop`, made from that key; its id."""
        name = naming.cloud_name(an_mcis(), key)
        self.things.append(Found(kind="thing", id=f"id-{key}", name=name, tags={**OURS, "mcis-vm": vm}))
        return f"id-{key}"


@pytest.fixture
def clouds(monkeypatch: pytest.MonkeyPatch) -> dict[str, Cloud]:
    """Two clouds, one, two, that are registered for the time of a test."""
    made = {name: Cloud(name) for name in ("one", "two")}
    registry._load.cache_clear()
    for name, cloud in made.items():
        monkeypatch.setitem(registry.CLOUDS, name, f"imaginary_{name}")
        parts: dict[str, Any] = {
            "lookup": SimpleNamespace(CREATE_ADOPTS=False, find=cloud.find, sweep=cloud.sweep),
            "graph": SimpleNamespace(PACKAGE=name),
        }
        for part, content in parts.items():
            module = ModuleType(f"imaginary_{name}.{part}")
            vars(module).update(vars(content))
            monkeypatch.setitem(sys.modules, f"imaginary_{name}.{part}", module)
        monkeypatch.setitem(sys.modules, f"imaginary_{name}", ModuleType(f"imaginary_{name}"))
    return made


@pytest.fixture
def here(clouds: dict[str, Cloud]) -> Standing:
    connections = {name: Connection(name=name, cloud=name) for name in clouds}
    mcis = an_mcis(a_group("web", cloud="one"), connections=connections)
    return of_mcis(Request(), mcis)


def unfinished(key: str, token: str, **inputs: Any) -> Pending:
    resource = StateResource(urn=f"urn::{key}", token=token, key=key, id="", inputs=inputs)
    return Pending(op="creating", resource=resource)


def test_a_silent_cloud_keeps_nobody_from_sweeping_the_others(
    here: Standing, clouds: dict[str, Cloud]
) -> None:
    clouds["one"].silent = "boto3 is not installed"
    clouds["two"].has("web-1", "web-1")
    swept = sweep(here)
    assert [found.id for found in swept.found] == ["id-web-1"]
    assert swept.unasked == ("one could not be searched for what is in no state: boto3 is not installed",)


def test_a_cloud_that_cannot_be_searched_is_named_once(here: Standing, clouds: dict[str, Cloud]) -> None:
    clouds["one"].silent = "boto3 is not installed"
    both = sweep(here) + sweep(here, {"mcis-vm": "web-1"})
    assert len(both.unasked) == 1


def test_an_unfinished_create_takes_over_what_has_its_name(here: Standing, clouds: dict[str, Cloud]) -> None:
    clouds["one"].has("ip/web-1", "web-1")
    made = clouds["one"].has("web-1", "web-1")
    assert Adoption(here)(unfinished("web-1", "one:compute:Instance")) == made


def test_nothing_of_another_key_is_taken_over(here: Standing, clouds: dict[str, Cloud]) -> None:
    clouds["one"].has("ip/web-1", "web-1")
    assert Adoption(here)(unfinished("web-1", "one:compute:Instance")) is None


def test_only_the_cloud_of_the_resource_is_asked(here: Standing, clouds: dict[str, Cloud]) -> None:
    clouds["one"].silent = "boto3 is not installed"
    made = clouds["two"].has("web-1", "web-1")
    assert Adoption(here)(unfinished("web-1", "two:compute:Instance")) == made


def test_a_name_that_was_asked_for_is_found_among_its_kind(here: Standing, clouds: dict[str, Cloud]) -> None:
    for kind in ("resource group", "networkInterfaces"):
        clouds["one"].things.append(Found(kind=kind, id=f"id of {kind}", name="mcis-shop", tags=OURS))
    asked = {"resourceGroupName": "mcis-shop", "networkInterfaceName": "mcis-shop"}
    found = Adoption(here)(unfinished("nic/web-1", "one:network:NetworkInterface", **asked))
    assert found == "id of networkInterfaces"
    assert Adoption(here)(unfinished("disk/web-1/a", "one:compute:Disk", **asked)) is None


def test_a_cloud_is_asked_once_for_all_that_never_ended(
    here: Standing, clouds: dict[str, Cloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    lookup = registry.lookup("one")
    monkeypatch.setattr(lookup, "find", lambda connection, _: asked.append(connection.name) or ())
    adoption = Adoption(here)
    assert [adoption(unfinished(f"web-{n}", "one:compute:Instance")) for n in (1, 2, 3)] == [None] * 3
    assert asked == ["one"]
