"""A stack as it would be without the providers that are refused."""

from __future__ import annotations

from typing import Any

from mcis_iac.engine import silence
from mcis_iac.engine.checkpoint import StateResource
from mcis_iac.engine.subjects import Subjects
from mcis_iac.program.graph import Graph, Join, Options, Ref, Resource

A, B = "pulumi:providers:a", "pulumi:providers:b"


def thing(key: str, package: str, *needs: str, **options: Any) -> Resource:
    inputs = {"needs": [Join((Ref(need, "ip"), "/32")) for need in needs]}
    return Resource(
        key=key, token=f"{package}:x:Y", inputs=inputs, provider=f"provider/{package}",
        options=Options(**options),
    )  # fmt: skip


def graph(*more: Resource) -> Graph:
    providers = [
        Resource(key=f"provider/{name}", token=f"pulumi:providers:{name}", inputs={}) for name in "ab"
    ]
    outputs = {"inventory": {key: {"ip": Ref(key, "ip")} for key in ("vm-a", "vm-b")}}
    whole = (*providers, thing("vm-a", "a"), thing("vm-b", "b"), *more)
    return Graph(project="p", stack="s", resources=whole, outputs=outputs)


def keys(of: Graph) -> list[str]:
    return [resource.key for resource in of.resources]


def urn(key: str, token: str) -> str:
    return f"urn:pulumi:s::p::{token}::{key}"


def raw(key: str, package: str, *needs: str, **more: Any) -> dict[str, Any]:
    needed = [urn(need, f"{need[-1]}:x:Y") for need in needs]
    return {
        "urn": urn(key, f"{package}:x:Y"),
        "type": f"{package}:x:Y",
        "provider": f"{urn(f'provider/{package}', f'pulumi:providers:{package}')}::1234",
        "dependencies": needed,
        "propertyDependencies": {"needs": needed},
        **more,
    }


def left(deployment: dict[str, Any], whole: Graph, *silent: str) -> dict[str, Any]:
    found = silence.forgotten(deployment, whole, silence.spared(whole, silent), silent)
    return {each["urn"].rpartition("::")[2]: each for each in found["resources"]}


def test_what_refers_to_a_silent_provider_s_things_goes_too() -> None:
    whole = graph(
        thing("rule", "b", "vm-a"), thing("note", "b", depends_on=("rule",)), thing("other", "b", "vm-b")
    )
    rest = silence.spared(whole, ["provider/a"])
    assert keys(rest) == ["provider/b", "vm-b", "other"]
    assert list(rest.outputs["inventory"]) == ["vm-b"]  # type: ignore[arg-type]


def test_the_state_has_neither_what_is_left_out_nor_ties_to_it() -> None:
    whole = graph(thing("rule", "b", "vm-a"))
    there = [raw("vm-a", "a"), raw("vm-b", "b"), raw("rule", "b", "vm-a"), raw("gone", "b", "vm-a", "vm-b")]
    found = left({"resources": there}, whole, "provider/a")
    assert list(found) == ["vm-b", "gone"]
    assert found["gone"]["dependencies"] == [urn("vm-b", "b:x:Y")]
    assert found["gone"]["propertyDependencies"] == {"needs": [urn("vm-b", "b:x:Y")]}


def test_what_is_no_longer_declared_is_still_deleted_unless_its_provider_is_silent() -> None:
    there = [raw("old-a", "a"), raw("old-b", "b", deletedWith=urn("old-a", "a:x:Y"))]
    found = left({"resources": there}, graph(), "provider/a")
    assert list(found) == ["old-b"] and "deletedWith" not in found["old-b"]


def test_a_state_without_anything_silent_is_taken_as_it_is() -> None:
    deployment = {"resources": [raw("vm-b", "b")]}
    whole = graph()
    assert (
        silence.forgotten(deployment, whole, silence.spared(whole, ["provider/a"]), ["provider/a"])
        is deployment
    )


def test_words_about_a_resource_are_its_provider_s() -> None:
    old = StateResource(key="old", token="b:x:Y", urn="-", provider="provider/b")
    said = {"vm-a": "no", "provider/a": "never", "old": "nor I", "stranger": "?"}
    assert silence.by_provider(said, graph(), [old]) == {"provider/a": "no", "provider/b": "nor I"}


def test_a_provider_that_is_no_longer_declared_is_known_by_its_words() -> None:
    old = StateResource(key="old", token="c:x:Y", urn="-", provider="provider/c")
    subjects = Subjects(refusals={"c": ("go away",), "a": ("go away",)})
    assert silence.retired(["Go away!"], graph(), [old], subjects) == {"provider/c": "Go away!"}
    assert silence.retired(["something else"], graph(), [old], subjects) == {}
