"""Creates whose end nobody knows: which they are, how the state keeps them, what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from fakes.engine_events import MACHINE, says, step, urn

from mcis_iac.engine import checkpoint, settling, unfinished
from mcis_iac.engine.progress import Progress
from mcis_iac.engine.subjects import Subjects

STACK = {"urn": urn("s", "pulumi:pulumi:Stack"), "type": "pulumi:pulumi:Stack"}
DIED = "error reading from server: EOF"


def thing(key: str, id: str | None = None, *needs: str, **more: Any) -> dict[str, Any]:
    """A resource of the state."""
    raw = {"urn": urn(key), "type": MACHINE, "custom": True, "inputs": {"name": key}}
    return raw | {"id": id, "dependencies": [urn(each) for each in needs], **more}


@dataclass
class Stack:
    """A session that keeps its state in memory; `read` is what was asked of the clouds again."""

    state: Mapping[str, Any]
    read: list[str] = field(default_factory=list)

    @property
    def api(self) -> Stack:
        return self

    def refresh(self, target: list[str]) -> None:
        self.read += target

    def deployment(self) -> Mapping[str, Any]:
        return self.state

    def restore(self, deployment: Mapping[str, Any]) -> None:
        self.state = deployment

    @property
    def ids(self) -> list[tuple[str, str | None]]:
        return [(one["urn"].rpartition("::")[2], one.get("id")) for one in self.state["resources"]]


def settled(stack: Stack, **made: str) -> list[str]:
    session: Any = stack
    return settling.settle(session, lambda one: made.get(one.resource.key.replace("-", "_")))


def noted(key: str, *needs: str, before: str = "") -> dict[str, Any]:
    deployment = {"resources": [thing(key, before, pendingReplacement=True)] if before else []}
    return unfinished.doubted(thing(key, None, *needs), deployment)


# ---------------------------------------------------------------- which


@pytest.mark.parametrize(
    "words",
    [
        DIED,
        "rpc error: code = Unavailable desc = transport is closing",
        "read tcp 10.0.0.1:4711->10.0.0.2:443: read: connection reset by peer",
        'Post "https://ec2.ap-northeast-2.amazonaws.com/": EOF',
        "Error waiting to create Instance: timeout while waiting for state to become 'DONE'",
        "context deadline exceeded",
        "creating EC2 Instance: operation error: context canceled",
        'Code="InternalServerError" Message="try later"',
    ],
)
def test_a_create_without_an_answer_may_have_made_something(words: str) -> None:
    assert unfinished.doubtful([words])


@pytest.mark.parametrize(
    "words",
    [
        "quota: no more than 20 cores",
        "Error 409: The resource 'web-1' already exists",
        'connection error: desc = "transport: Error while dialing: dial tcp: connect: connection refused"',
        "InvalidParameterValue: geoffrey is no type",
    ],
)
def test_a_create_that_was_refused_or_never_sent_made_nothing(words: str) -> None:
    assert not unfinished.doubtful([words])


def progress(*events: Any) -> Progress:
    seen = Progress(lambda _: None, Subjects(vm_tokens=frozenset({MACHINE})))
    for event in events:
        seen.handle(unfinished.as_create(event))
    return seen


@pytest.mark.parametrize("op", ["create", "create-replacement"])
def test_a_create_whose_plugin_died_is_in_doubt(op: str) -> None:
    seen = progress(
        step("begin", op, "web-1", new={}),
        says("error", DIED, "web-1"),
        step("failed", op, "web-1", new={"name": "web-1"}),
    )
    assert {each: state.inputs for each, state in seen.unsure.items()} == {urn("web-1"): {"name": "web-1"}}


def test_what_the_state_keeps_half_made_is_in_no_doubt() -> None:
    seen = progress(says("error", DIED, "web-1"), step("failed", "create", "web-1", new={}, id="i-1"))
    assert seen.unsure == {}


@pytest.mark.parametrize("op", ["update", "delete"])
def test_updates_and_deletions_are_simply_repeated(op: str) -> None:
    seen = progress(says("error", DIED, "web-1"), step("failed", op, "web-1", old={}, new={}, id="i-1"))
    assert seen.unsure == {}


# ---------------------------------------------------------------- in the state


def test_what_is_in_doubt_does_not_exist_and_is_pending() -> None:
    state = {"resources": [STACK, thing("web-1", "i-1"), noted("web-2")]}
    assert [one.key for one in checkpoint.resources(state)] == ["web-1"]
    assert checkpoint.made(state) == {"web-1": ("i-1", {})}
    ((op, resource),) = [(one.op, one.resource) for one in checkpoint.pending(state)]
    assert (op, resource.key, resource.id, resource.inputs) == ("creating", "web-2", None, {"name": "web-2"})


def test_the_engines_own_pending_replacements_are_not_ours() -> None:
    state = {"resources": [thing("web-1", "i-1", pendingReplacement=True)]}
    assert checkpoint.pending(state) == ()


def test_an_event_about_what_is_in_doubt_is_one_of_a_create() -> None:
    begun = step("begin", "create-replacement", "web-1", old={}, new={"a": 1}, keys=["a"])
    begun.resource_pre_event.metadata.old.id = "in-doubt:"
    shown = unfinished.as_create(begun).resource_pre_event.metadata
    assert (shown.op.value, shown.old, shown.keys) == ("create", None, [])
    whole = step("begin", "replace", "web-1", old={}, new={})
    whole.resource_pre_event.metadata.old.id = "in-doubt:"
    assert unfinished.as_create(whole).resource_pre_event is None


def test_other_replacements_are_shown_as_such() -> None:
    begun = step("begin", "create-replacement", "web-1", old={}, new={}, id="i-1")
    assert unfinished.as_create(begun).resource_pre_event.metadata.op.value == "create-replacement"


# ---------------------------------------------------------------- what becomes of them


def test_what_is_found_is_adopted_and_read() -> None:
    stack = Stack({"resources": [thing("net", "n-1"), noted("web-1", "net")]})
    assert settled(stack, web_1="i-7") == ["web-1 had been created without our knowing; adopted it as i-7"]
    assert stack.ids == [("net", "n-1"), ("web-1", "i-7")]
    assert stack.read == [urn("web-1")]
    adopted = stack.state["resources"][-1]
    assert "pendingReplacement" not in adopted and adopted["dependencies"] == [urn("net")]


def test_what_is_not_found_is_begun_again() -> None:
    stack = Stack({"resources": [noted("web-1")]})
    assert settled(stack) == ["web-1: creating had never ended; it is begun again"]
    assert (stack.ids, stack.read) == ([], [])


def test_operations_the_engine_left_are_settled_with_ours() -> None:
    pending = [
        {"resource": thing("web-1"), "type": "creating"},
        {"resource": thing("db-1", "d-1"), "type": "deleting"},
    ]
    stack = Stack({"resources": [thing("db-1", "d-1"), noted("web-2")], "pending_operations": pending})
    assert len(settled(stack, web_1="i-1", web_2="i-2", db_1="d-9")) == 3
    assert sorted(stack.ids) == [("db-1", "d-1"), ("web-1", "i-1"), ("web-2", "i-2")]
    assert stack.state["pending_operations"] == []


def test_what_belongs_to_another_resource_is_not_adopted() -> None:
    stack = Stack({"resources": [thing("web-1", "i-1"), noted("web-2"), noted("web-3")]})
    assert "begun again" in settled(stack, web_2="i-1", web_3="i-3")[0]
    assert stack.ids == [("web-1", "i-1"), ("web-3", "i-3")]


def test_what_was_to_be_replaced_keeps_its_place_before_what_depends_on_it() -> None:
    resources: Sequence[Any] = [
        thing("web-1", "i-old", pendingReplacement=True), thing("disk", "d-2"), thing("ip", "e-1", "web-1"),
    ]  # fmt: skip
    pending = [{"resource": thing("web-1", None, "disk"), "type": "creating"}]
    stack = Stack({"resources": resources, "pending_operations": pending})
    settled(stack, web_1="i-new")
    assert stack.ids == [("web-1", "i-new"), ("disk", "d-2"), ("ip", "e-1")]
    assert stack.state["resources"][0]["dependencies"] == []


def test_a_replacement_that_made_nothing_is_still_to_be_made() -> None:
    stack = Stack({"resources": [noted("web-1", before="i-old"), thing("ip", "e-1", "web-1")]})
    settled(stack)
    assert stack.ids == [("web-1", "i-old"), ("ip", "e-1")]
    assert stack.state["resources"][0]["pendingReplacement"] is True
    assert settled(stack) == []
