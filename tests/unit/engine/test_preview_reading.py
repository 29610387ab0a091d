"""From a preview's events to a Diff."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.engine_events import MACHINE, says, step, urn

from mcis_iac.engine.diff import SIGNATURE, UNKNOWN, PreviewReader, at, plain
from mcis_iac.engine.subjects import Subjects
from mcis_iac.model import Diff, Op, PropertyChange, Subject

SUBJECTS = Subjects(by_key={"web-1": Subject(group="web", vm="web-1")}, vm_tokens=frozenset({MACHINE}))


def read(*events: Any, asked: frozenset[str] = frozenset()) -> Diff:
    reader = PreviewReader(SUBJECTS, asked)
    for event in events:
        reader.handle(event)
    return reader.diff()


def test_a_new_machine_is_a_create_with_its_subject() -> None:
    diff = read(step("begin", "create", "web-1", new={"image": "a"}))

    (change,) = diff.changes
    assert (change.op, change.subject.vm, change.is_vm) == (Op.CREATE, "web-1", True)
    assert (diff.vms_before, diff.vms_after) == (0, 1)


def test_unchanged_resources_are_counted_not_listed() -> None:
    diff = read(step("begin", "same", "web-1", old={}, new={}, id="i-1"))

    assert (diff.changes, diff.same, diff.vms_before, diff.vms_after) == ((), 1, 1, 1)


def test_the_stack_and_its_providers_are_no_changes() -> None:
    diff = read(
        step("begin", "create", "shop-front", token="pulumi:pulumi:Stack", new={}),
        step("begin", "create", "provider/local", token="pulumi:providers:fake", new={}),
    )

    assert diff.empty


def test_a_changed_provider_is_told() -> None:
    event = step(
        "begin",
        "update",
        "provider/local",
        token="pulumi:providers:fake",
        old={"site": "a"},
        new={"site": "b"},
        diffs=["site"],
    )

    assert [change.key for change in read(event).changes] == ["provider/local"]


def test_a_resource_outside_the_targets_that_does_not_exist_is_nothing() -> None:
    diff = read(step("begin", "same", "web-1", old={}, new={}, id=""))

    assert (diff.same, diff.vms_before, diff.vms_after) == (0, 0, 0)


def test_the_three_steps_of_a_replacement_are_one_change() -> None:
    old, new = {"image": "a"}, {"image": "b"}
    diff = read(
        step(
            "begin", "create-replacement", "web-1", old=old, new=new, id="i", keys=["image"], diffs=["image"]
        ),
        step("begin", "replace", "web-1", old=old, new=new, id="i", keys=["image"], diffs=["image"]),
        step("begin", "delete-replaced", "web-1", old=old, id="i"),
    )

    (change,) = diff.changes
    assert change.properties == (PropertyChange(path="image", old="a", new="b", replaces=True),)
    assert (change.op, change.replace_reasons, change.old_first) == (Op.REPLACE, ("image",), False)
    assert (diff.vms_before, diff.vms_after) == (1, 1)


def test_a_replacement_that_deletes_first_says_so() -> None:
    (change,) = read(
        step("begin", "delete-replaced", "web-1", old={}, id="i"),
        step("begin", "create-replacement", "web-1", old={}, new={}, id="i", keys=["disk"]),
    ).changes

    assert change.old_first


def test_the_leftover_of_an_earlier_replacement_is_a_delete_of_nothing_wanted() -> None:
    diff = read(
        step("begin", "delete-replaced", "web-1", old={}, id="i-0"),
        step("begin", "same", "web-1", old={}, new={}, id="i-1"),
    )

    assert [change.op for change in diff.changes] == [Op.DELETE]
    assert diff.vms_before == 1


def test_a_replacement_that_was_asked_for_says_so_and_shows_what_differs() -> None:
    (change,) = read(
        step("begin", "create-replacement", "web-1", old={"a": 1}, new={"a": 2}, id="i", keys=["id"]),
        asked=frozenset({urn("web-1")}),
    ).changes

    assert change.replace_reasons == ("asked for",)
    assert [prop.path for prop in change.properties] == ["a"]


def test_a_detailed_difference_names_the_path_that_replaces() -> None:
    (change,) = read(
        step(
            "begin",
            "replace",
            "web-1",
            old={"disk": {"size": 1}, "tags": {"a": "x"}},
            new={"disk": {"size": 2}, "tags": {"a": "y"}},
            id="i",
            detailed={"disk.size": "update-replace", "tags.a": "update"},
        )
    ).changes

    assert change.replace_reasons == ("disk.size",)
    assert [(p.path, p.replaces) for p in change.properties] == [("disk.size", True), ("tags.a", False)]


def test_one_changed_tag_is_not_shown_as_all_tags() -> None:
    event = step(
        "begin",
        "update",
        "web-1",
        old={"tags": {"a": "x", "b": "y"}},
        new={"tags": {"a": "x", "b": "z", "c": "n"}},
        id="i",
        diffs=["tags"],
    )

    changed = {p.path: (p.old, p.new) for p in read(event).changes[0].properties}
    assert changed == {"tags.b": ("y", "z"), "tags.c": (None, "n")}


def test_secrets_and_unknown_values_are_words() -> None:
    secret = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
    event = step(
        "begin", "update", "web-1", old={"p": secret}, new={"p": UNKNOWN}, id="i", detailed={"p": "update"}
    )

    (prop,) = read(event).changes[0].properties
    assert (prop.old, prop.new) == ("[secret]", "[unknown]")


def test_errors_keep_their_resource_and_lose_their_colour() -> None:
    reader = PreviewReader(SUBJECTS)
    reader.handle(says("error", "\x1b[31mno such zone\x1b[0m\n", "web-1"))
    reader.handle(says("error", "preview failed"))

    assert reader.errors == [("web-1", "no such zone")]


def test_a_warning_is_told_once() -> None:
    assert read(says("warning", "old plugin"), says("warning", "old plugin")).warnings == ("old plugin",)


@pytest.mark.parametrize(
    "path,value",
    [("a.b", 1), ("list[1].x", 2), ('["odd.name"]', 3), ("list[9]", None), ("a.b.c", None), ("none", None)],
)
def test_a_property_path_leads_to_its_value(path: str, value: object) -> None:
    assert at({"a": {"b": 1}, "list": [{}, {"x": 2}], "odd.name": 3}, path) == value


def test_bookkeeping_of_the_engine_is_left_out_of_values() -> None:
    assert plain({"__internal": {}, "a": [{"b": UNKNOWN}]}) == {"a": [{"b": "[unknown]"}]}
