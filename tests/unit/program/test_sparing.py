"""What needs something that failed is not registered, unless it exists."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi.runtime.proto import alias_pb2 as aliases
from pulumi.runtime.proto import resource_pb2 as messages

from mcis_iac.program.sparing import Sparing


class Monitor:
    """An engine in which everything called `bad...` fails."""

    supports = "much"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def RegisterResource(self, request: Any) -> Any:
        self.asked.append(request.name)
        failed = request.name.startswith("bad")
        result = messages.Result.FAIL if failed else messages.Result.SUCCESS
        return messages.RegisterResourceResponse(
            urn=urn(request.name), id="" if failed else "i", result=result
        )


def urn(name: str) -> str:
    return f"urn:pulumi:dev::demo::t::{name}"


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    monkeypatch.setattr(pulumi, "get_project", lambda: "demo")


def register(sparing: Sparing, name: str, *needs: str) -> Any:
    urns = [urn(each) for each in needs]
    return sparing.RegisterResource(messages.RegisterResourceRequest(type="t", name=name, dependencies=urns))


def test_what_needs_nothing_that_failed_is_registered() -> None:
    monitor, lost = Monitor(), dict[str, str]()
    sparing = Sparing(monitor, frozenset, lost)
    register(sparing, "net")
    assert register(sparing, "vm", "net").id == "i"
    assert (monitor.asked, lost) == (["net", "vm"], {})


def test_what_exists_under_an_earlier_name_is_registered_whatever_it_needs() -> None:
    monitor, lost = Monitor(), dict[str, str]()
    sparing = Sparing(monitor, lambda: {urn("old-vm")}, lost)
    register(sparing, "bad-net")
    alias = aliases.Alias(spec=aliases.Alias.Spec(name="old-vm"))
    sparing.RegisterResource(
        messages.RegisterResourceRequest(
            type="t", name="new-vm", dependencies=[urn("bad-net")], aliases=[alias]
        )
    )
    assert (monitor.asked, lost) == (["bad-net", "new-vm"], {})


def test_what_needs_a_failed_one_is_left_out_however_far_away() -> None:
    monitor, lost = Monitor(), dict[str, str]()
    sparing = Sparing(monitor, frozenset, lost)
    register(sparing, "bad-net")
    assert register(sparing, "subnet", "bad-net").result == messages.Result.FAIL
    register(sparing, "vm", "subnet")
    assert monitor.asked == ["bad-net"]
    assert lost == {urn("subnet"): urn("bad-net"), urn("vm"): urn("bad-net")}


def test_a_need_of_one_property_counts() -> None:
    monitor, lost = Monitor(), dict[str, str]()
    sparing = Sparing(monitor, frozenset, lost)
    register(sparing, "bad-net")
    needs = {"net": messages.RegisterResourceRequest.PropertyDependencies(urns=[urn("bad-net")])}
    sparing.RegisterResource(
        messages.RegisterResourceRequest(type="t", name="vm", propertyDependencies=needs)
    )
    assert list(lost) == [urn("vm")]


def test_what_exists_is_registered_all_the_same() -> None:
    monitor, lost = Monitor(), dict[str, str]()
    sparing = Sparing(monitor, lambda: {urn("vm")}, lost)
    register(sparing, "bad-net")
    register(sparing, "vm", "bad-net")
    assert (monitor.asked, lost) == (["bad-net", "vm"], {})


def test_the_state_is_not_read_while_all_is_well() -> None:
    def unread() -> frozenset[str]:
        raise AssertionError

    register(Sparing(Monitor(), unread, {}), "net")


def test_everything_else_goes_to_the_engine() -> None:
    assert Sparing(Monitor(), frozenset, {}).supports == "much"
