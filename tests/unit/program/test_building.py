"""A graph that cannot be registered is refused before the engine sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from fakes.mcis import a_group, a_plan

from mcis_iac.clouds import registry
from mcis_iac.model import Connection, Member, Plan
from mcis_iac.program.build import GraphError, build
from mcis_iac.program.graph import Options, Ref, Resource, Value


class ACloud:
    """A cloud that declares just what it is told."""

    def __init__(self, *resources: Resource, **inventory: Value) -> None:
        self.resources, self.entry = resources, inventory

    def declare(self, plan: Plan, connection: Connection) -> Iterator[Resource]:
        yield from self.resources

    def links(self, plan: Plan, connection: Connection) -> Iterator[Resource]:
        yield from ()

    def inventory(self, plan: Plan, member: Member) -> Mapping[str, Value]:
        return self.entry


def a(key: str, /, *depends_on: str, outputs: tuple[str, ...] = (), **inputs: Any) -> Resource:
    options = Options(depends_on=depends_on)
    return Resource(key=key, token="x:y:Z", inputs=inputs, outputs=outputs, options=options)


@pytest.fixture
def declares(monkeypatch: pytest.MonkeyPatch) -> Any:
    plan = a_plan(a_group("web"))

    def run(*resources: Resource, **inventory: Value) -> Any:
        fake = SimpleNamespace(graph=lambda cloud: ACloud(*resources, **inventory))
        monkeypatch.setattr("mcis_iac.program.build.registry", fake)
        return build(plan)

    return run


def test_the_stack_is_named_after_namespace_name_and_env() -> None:
    graph = build(a_plan(a_group("web"), namespace="team", env="prod"))
    assert (graph.project, graph.stack) == ("team", "shop.prod")


def test_every_reference_points_backwards(declares: Any) -> None:
    assert [r.key for r in declares(a("one"), a("two", at=[{"x": Ref("one")}])).resources] == ["one", "two"]


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ((a("one", at=Ref("two")), a("two")), "one refers to two"),
        ((a("one", "two"),), "one needs two"),
        ((a("one"), a("one")), "two resources have the key one"),
        ((a("one"), a("two", at=Ref("one", "ip"))), "two refers to one.ip"),
        ((a("one"), a("two", at=Ref("one", implied=True))), "two does not depend on one"),
        ((Resource(key="one", token="x:y:Z", inputs={}, provider="p"),), "one needs p"),
    ],
)
def test_a_reference_to_nothing_is_refused(
    declares: Any, resources: tuple[Resource, ...], words: str
) -> None:
    with pytest.raises(GraphError, match=words):
        declares(*resources)


def test_the_inventory_may_refer_only_to_what_is_there(declares: Any) -> None:
    with pytest.raises(GraphError, match=r"inventory refers to one\.ip"):
        declares(a("one"), private_ip=Ref("one", "ip"))
    assert declares(a("one", outputs=("ip",)), private_ip=Ref("one", "ip.0.x")).outputs


def test_a_dependency_may_be_implied_by_another_one(declares: Any) -> None:
    chain = (a("key"), a("group", "key"), a("vm", "group", key=Ref("key", implied=True)))
    assert len(declares(*chain).resources) == 3


def test_a_stack_without_members_is_empty() -> None:
    graph = build(a_plan(a_group("web", 0)))
    assert (graph.resources, graph.outputs) == ((), {"inventory": {}})


def test_connections_are_declared_by_name_whatever_the_order_of_groups() -> None:
    plan = a_plan(a_group("web", connection="zeta"), a_group("api", connection="alpha"))
    providers = [r.key for r in build(plan).resources if r.key.startswith("provider/")]
    assert providers == ["provider/alpha", "provider/zeta"]


def test_every_registered_cloud_can_be_loaded() -> None:
    assert all(registry.graph(cloud).PACKAGE for cloud in registry.CLOUDS)
