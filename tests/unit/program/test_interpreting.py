"""What is registered is the graph, property by property and option by option."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from fakes.mcis import a_group, a_plan
from fakes.monitor import SECRET, UNKNOWN, Monitor, run

from mcis_iac.model import Disk
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph, Join, Options, Ref, Resource, Secret, Value
from mcis_iac.program.interpreter import program
from mcis_iac.program.quiet import quiet

URN = "urn:pulumi:s::p::x:y:Z::{}"


def a(
    key: str, /, options: Options | None = None, outputs: tuple[str, ...] = (), **inputs: Value
) -> Resource:
    found = options or Options()
    return Resource(key=key, token="x:y:Z", inputs=inputs, options=found, outputs=outputs, version="1.2.3")


def registered(*resources: Resource, output: Value = None, preview: bool = False, **monitor: Any) -> Monitor:
    outputs = {} if output is None else {"inventory": output}
    graph = Graph(project="p", stack="s", resources=resources, outputs=outputs)
    return run(program(graph), Monitor(**monitor), preview=preview)


def resolved(value: Any) -> Any:
    """A value of a graph as the fake engine would get it, every id being known."""
    if isinstance(value, Ref):
        return f"id-of-{value.key}"
    if isinstance(value, Mapping):
        return {name: resolved(inner) for name, inner in value.items()}
    return [resolved(inner) for inner in value] if isinstance(value, list | tuple) else value


def test_a_whole_shop_is_registered_property_by_property() -> None:
    disk = Disk(name="data", size_gib=20, mount="/data")
    db = a_group("db", 1, disks=(disk,), public_ip="static")
    graph = build(a_plan(a_group("web", 2), db))
    found = run(program(graph), Monitor())
    assert found.requests.keys() == {resource.key for resource in graph.resources}
    for resource in graph.resources:
        request = found.requests[resource.key]
        assert found.inputs(resource.key) == resolved(resource.inputs), resource.key
        assert request.type == resource.token
        assert request.version == resource.version
        assert request.deleteBeforeReplace == resource.options.delete_before_replace
        assert list(request.ignoreChanges) == list(resource.options.ignore_changes)
        wanted = (
            f"urn:pulumi:s::p::pulumi:providers:mcislocal::{resource.provider}::id-of-{resource.provider}"
        )
        assert request.provider == (wanted if resource.provider else "")
        assert request.parent.startswith("urn:pulumi:s::p::pulumi:pulumi:Stack::")


def test_a_joined_text_has_the_outputs_in_their_places() -> None:
    joined = Join(("/dev/", Ref("one"), "-x"))
    found = registered(a("one"), a("two", path=joined), output={"v": {"path": joined}})
    assert found.inputs("two")["path"] == "/dev/id-of-one-x"
    assert list(found.requests["two"].dependencies) == [URN.format("one")]


@pytest.mark.parametrize(
    "hidden", [Secret(Join(("a-", Ref("one")))), Join((Secret("a-"), Ref("one")))], ids=["whole", "part"]
)
def test_a_joined_text_may_be_a_secret_in_whole_or_in_part(hidden: Value) -> None:
    found = registered(a("one"), a("two", text=hidden))
    assert found.inputs("two")["text"] == {**SECRET, "value": "a-id-of-one"}
    assert list(found.requests["two"].dependencies) == [URN.format("one")]


def test_inputs_arrive_as_they_are_written() -> None:
    inputs: Any = {
        "camelCase": "x",
        "snake_case": 1,
        "map": {"keep-This_as": "is", "n": 1.5, "yes": True},
        "list": ["a", {"b": [1]}],
        "tuple": ("a",),
    }
    assert registered(a("one", **inputs)).inputs("one") == json.loads(json.dumps(inputs))


def test_an_input_without_a_value_is_left_out() -> None:
    assert registered(a("one", at=None, to="x")).inputs("one") == {"to": "x"}


def test_a_declared_output_is_no_input() -> None:
    assert registered(a("one", outputs=("ip", "key"), to="x")).inputs("one") == {"to": "x"}


def test_a_reference_becomes_the_id_and_a_dependency() -> None:
    found = registered(a("one"), a("two", at=[Ref("one")], to="x"))
    request = found.requests["two"]
    assert found.inputs("two") == {"at": ["id-of-one"], "to": "x"}
    assert list(request.dependencies) == [URN.format("one")]
    assert list(request.propertyDependencies["at"].urns) == [URN.format("one")]


def test_an_implied_reference_becomes_the_id_alone() -> None:
    found = registered(
        a("one"), a("two", at=Ref("one", implied=True)), a("three", at=Ref("one", implied=True))
    )
    for name in ("two", "three"):
        assert found.inputs(name) == {"at": "id-of-one"}
        assert list(found.requests[name].dependencies) == []


class HangingUp(Monitor):
    """An engine that is gone when the first resource is registered."""

    def RegisterResource(self, request: Any) -> Any:
        if request.name == "one":
            raise ConnectionError(request.name)
        return super().RegisterResource(request)


def test_nothing_is_complained_about_when_the_engine_hangs_up(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    users = [a(f"user-{n}", one=Ref("one", implied=True)) for n in range(3)]
    graph = Graph(
        project="p", stack="s", resources=(a("one"), *users), outputs={"inventory": {"v": {"id": Ref("one")}}}
    )
    with pytest.raises(Exception, match="one"):
        run(program(graph), HangingUp())
    gc.collect()
    assert not said


def test_a_reference_finds_its_way_into_an_output() -> None:
    answers = {"one": {"nics": [{"ip": "10.0.0.1"}], "none": None}}
    found = registered(
        a("one", outputs=("nics", "none")),
        a("two", at=Ref("one", "nics.0.ip"), whole=Ref("one", "nics"), gone=Ref("one", "none.x")),
        answers=answers,
    )
    assert found.inputs("two") == {"at": "10.0.0.1", "whole": [{"ip": "10.0.0.1"}]}


def test_a_secret_is_sent_as_one() -> None:
    sent = registered(a("one", password=Secret("hunter2"))).inputs("one")["password"]
    assert sent == {**SECRET, "value": "hunter2"}


def test_every_option_is_passed_on() -> None:
    options = Options(
        depends_on=("one",),
        ignore_changes=("bootConfig",),
        replace_on_changes=("a.b",),
        additional_secret_outputs=("key",),
        delete_before_replace=True,
        deleted_with="one",
        retain_on_delete=True,
    )
    request = registered(a("one"), a("two", options)).requests["two"]
    assert list(request.dependencies) == [URN.format("one")]
    assert list(request.ignoreChanges) == ["bootConfig"]
    assert list(request.replaceOnChanges) == ["a.b"]
    assert list(request.additionalSecretOutputs) == ["key"]
    assert request.deleteBeforeReplace and request.deleteBeforeReplaceDefined
    assert request.deletedWith == URN.format("one")
    assert request.retainOnDelete


def test_what_is_not_asked_for_is_left_to_the_engine() -> None:
    request = registered(a("one")).requests["one"]
    assert not request.deleteBeforeReplaceDefined and not request.retainOnDelete
    assert (list(request.ignoreChanges), request.deletedWith, list(request.dependencies)) == ([], "", [])


def test_inputs_of_a_provider_are_text_or_json_in_text() -> None:
    given: Any = {
        "site": "default",
        "flag": True,
        "tags": {"a": ["b"]},
        "token": Secret("hunter2"),
        "limit": Secret(3),
        "gone": None,
    }
    provider = Resource(key="p", token="pulumi:providers:x", inputs=given, version="1.2.3")
    found = registered(provider)
    hidden = {name: {**SECRET, "value": value} for name, value in (("token", "hunter2"), ("limit", "3"))}
    sent = found.inputs("p")
    assert {name: sent[name] for name in ("site", "flag")} == {"site": "default", "flag": "true"}
    assert json.loads(sent["tags"]) == {"a": ["b"]}
    assert {name: sent[name] for name in hidden} == hidden
    assert "gone" not in sent


def test_a_provider_reads_credentials_from_other_variables() -> None:
    env = {"MCIS_A_KEY": "AWS_SECRET_ACCESS_KEY"}
    provider = Resource(key="p", token="pulumi:providers:x", inputs={}, version="1.2.3", env=env)
    request = registered(provider).requests["p"]
    assert dict(request.envVarMappings) == env
    assert request.version == "1.2.3"


# ---------------------------------------------------------------- the one output


ENTRY = {
    "web-1": {"group": "web", "ip": Ref("web-1", "ip"), "id": Ref("web-1")},
    "web-2": {"ip": Ref("web-2", "ip")},
}
TWO = (a("web-1", outputs=("ip",)), a("web-2", outputs=("ip",)))
IPS = {"web-1": {"ip": "10.0.0.1"}, "web-2": {"ip": None}}


def test_the_inventory_is_exported_with_its_values() -> None:
    assert registered(*TWO, output=ENTRY, answers=IPS).stack_outputs == {
        "inventory": {
            "web-1": {"group": "web", "ip": "10.0.0.1", "id": "id-of-web-1"},
            "web-2": {"ip": None},
        }
    }


def test_a_machine_that_failed_hides_no_other_one() -> None:
    found = registered(*TWO, output=ENTRY, answers=IPS, failing={"web-1"})
    assert found.stack_outputs == {"inventory": {"web-2": {"ip": None}}}


def test_a_machine_that_was_no_target_is_left_out() -> None:
    found = registered(*TWO, output=ENTRY, answers=IPS, pending={"web-1"})
    assert found.stack_outputs["inventory"].keys() == {"web-2"}


def test_in_a_preview_the_inventory_of_what_is_not_there_is_unknown() -> None:
    found = registered(*TWO, output=ENTRY, answers=IPS, pending={"web-2"}, preview=True)
    assert found.stack_outputs == {"inventory": UNKNOWN}


def test_in_a_preview_the_inventory_of_what_is_there_is_known() -> None:
    answers = {**IPS, "web-2": {"ip": "10.0.0.2"}}
    found = registered(*TWO, output=ENTRY, answers=answers, preview=True)
    assert found.stack_outputs["inventory"].keys() == {"web-1", "web-2"}


def test_an_output_with_a_secret_inside_is_a_secret() -> None:
    found = registered(output={"one": {"password": Secret("hunter2"), "list": [1, "x"]}})
    assert found.stack_outputs["inventory"] == {
        **SECRET,
        "value": {"one": {"password": "hunter2", "list": [1, "x"]}},
    }


def test_an_output_may_be_one_value() -> None:
    assert registered(a("one"), output=Ref("one")).stack_outputs == {"inventory": "id-of-one"}


# ---------------------------------------------------------------- quiet


def test_quiet_ends_with_the_last_operation() -> None:
    said = pulumi.log.debug
    assert gc.isenabled()
    with quiet():
        with quiet():
            assert pulumi.log.debug is not said
        assert pulumi.log.debug is not said and not gc.isenabled()
    assert pulumi.log.debug is said and gc.isenabled()


def test_quiet_ends_when_an_operation_fails() -> None:
    said = pulumi.log.debug
    with pytest.raises(RuntimeError), quiet():
        raise RuntimeError
    assert pulumi.log.debug is said and gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with quiet():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
