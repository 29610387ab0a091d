"""A replacement names what changed first, however many references lie between."""

from __future__ import annotations

from typing import Any

from mcis_iac.engine.causes import traced
from mcis_iac.model import Change, Diff, Op, PropertyChange
from mcis_iac.program.graph import Graph, Options, Ref, Resource


def a_change(key: str, *paths: str, op: Op = Op.REPLACE, asked: bool = False, **more: Any) -> Change:
    reasons = (*paths, *(("asked for",) if asked else ()))
    items = tuple(PropertyChange(path=path, old="a", new="b", replaces=True) for path in paths)
    quiet = tuple(PropertyChange(path=path, old=1, new=2) for path in more.get("also", ()))
    return Change(key=key, token="t", op=op, properties=(*items, *quiet), replace_reasons=reasons)


def a_graph(**inputs: dict[str, Any]) -> Graph:
    resources = tuple(Resource(key=key, token="t", inputs=given) for key, given in inputs.items())
    return Graph(project="p", stack="s", resources=resources, outputs={})


CHAIN = a_graph(
    net={"cidr": "x"}, template={"net": Ref("net"), "image": "i"}, vm={"template": Ref("template")}
)


def reasons(*changes: Change, graph: Graph = CHAIN) -> dict[str, tuple[str, ...]]:
    found = traced(Diff(changes=changes, same=0, vms_before=1, vms_after=1), graph)
    return {change.key: change.replace_reasons for change in found.changes}


def test_a_property_that_refers_to_something_replaced_is_not_the_origin() -> None:
    found = reasons(a_change("template", "name", "image"), a_change("vm", "template"))
    assert found == {"template": ("image",), "vm": ("image",)}


def test_the_origin_is_found_over_several_steps() -> None:
    found = reasons(a_change("net", "cidr"), a_change("template", "net"), a_change("vm", "template"))
    assert found["vm"] == ("cidr",)


def test_a_reference_to_something_that_stays_is_the_origin_itself() -> None:
    assert reasons(a_change("vm", "template"))["vm"] == ("template",)


def test_a_name_alone_is_a_cause() -> None:
    assert reasons(a_change("template", "name"))["template"] == ("name",)


def test_what_was_asked_for_stays_said_and_other_changes_stay_shown() -> None:
    graph = a_graph(vm={"size": 1})
    (change,) = traced(
        Diff(
            changes=(a_change("vm", "size", asked=True, also=("tags.a",)),), same=0, vms_before=1, vms_after=1
        ),
        graph,
    ).changes
    assert change.replace_reasons == ("size", "asked for")
    assert [item.path for item in change.properties] == ["size", "tags.a"]


BELONGS = Graph(
    project="p",
    stack="s",
    resources=(
        Resource(key="net", token="t", inputs={"cidr": "x"}),
        Resource(key="nic", token="t", inputs={"net": Ref("net")}),
        Resource(key="vm", token="t", inputs={"nic": Ref("nic")}),
        Resource(key="bind", token="t", inputs={}, options=Options(deleted_with="vm")),
        Resource(key="nat", token="t", inputs={}, options=Options(depends_on=("net",))),
    ),
    outputs={},
)


def test_what_is_replaced_without_a_word_has_the_cause_of_what_it_belongs_to() -> None:
    changes = (
        a_change("net", "cidr"),
        a_change("nic"),
        a_change("vm", "nic"),
        a_change("bind"),
        a_change("nat"),
    )
    found = reasons(*changes, graph=BELONGS)
    assert found == dict.fromkeys(("net", "nic", "vm", "bind", "nat"), ("cidr",))


def test_what_goes_with_something_asked_for_was_asked_for() -> None:
    found = reasons(a_change("vm", asked=True), a_change("bind"), graph=BELONGS)
    assert found["bind"] == ("asked for",)


def test_an_update_is_left_as_it_is() -> None:
    change = a_change("vm", "template", op=Op.UPDATE)
    assert traced(Diff(changes=(change,), same=0, vms_before=1, vms_after=1), CHAIN).changes == (change,)
