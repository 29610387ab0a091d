"""The table of resource types: differences, observed inputs and the schema read off it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcis_iac.local_cloud import choose
from mcis_iac.local_cloud.plugin.diff import changes, observed
from mcis_iac.local_cloud.plugin.kinds import BACKENDS, INSTANCE, KINDS, NETWORK, SECURITY_GROUP
from mcis_iac.local_cloud.plugin.schema import schema
from mcis_iac.local_cloud.plugin.values import UNKNOWN

VM: dict[str, Any] = {"name": "web-1", "securityGroups": ["sg-1", "sg-2"], "tags": {"a": "b"}}


def test_the_provider_takes_the_backends_there_are() -> None:
    assert (choose.AUTO, *choose.FACTORIES) == BACKENDS


def test_observed_inputs_keep_the_user_s_wording_where_it_still_holds() -> None:
    found = {**VM, "securityGroups": ["sg-2", "sg-1"], "assignPublicIp": True, "volumes": []}
    assert observed(INSTANCE.inputs, VM, found) == VM


def test_observed_inputs_show_what_became_different() -> None:
    found = {**VM, "securityGroups": ["sg-1"], "assignPublicIp": False}
    assert observed(INSTANCE.inputs, VM, found) == found


def test_a_tag_that_was_removed_outside_is_drift() -> None:
    now = observed(INSTANCE.inputs, VM, {**VM, "tags": {}})
    assert [change.key for change in changes(INSTANCE.inputs, now, {}, VM)] == ["tags"]


def test_what_the_cloud_chose_does_not_become_an_input() -> None:
    olds = {"name": "main", "region": "local-seoul"}
    assert observed(NETWORK.inputs, olds, {**olds, "cidr": "10.100.0.0/20", "tags": {}}) == olds


def test_a_rule_written_another_way_is_no_change() -> None:
    olds = {"rules": [{"protocol": "all", "host": True}, {"protocol": "tcp", "peer": "api"}]}
    news = {"rules": [{"protocol": "tcp", "peer": "api", "host": False}, {"protocol": "all", "host": True}]}
    assert list(changes(SECURITY_GROUP.inputs, olds, {}, news)) == []


@pytest.mark.parametrize(
    "old,new,how",
    [(None, {"a": "b"}, "ADD"), ({"a": "b"}, None, "DELETE"), ({"a": "b"}, {"a": "c"}, "UPDATE")],
)
def test_a_change_says_how(old: Any, new: Any, how: str) -> None:
    olds, news = ({"tags": value} if value else {} for value in (old, new))
    (change,) = changes(NETWORK.inputs, olds, {}, news)
    assert (change.key, change.how, change.replaces) == ("tags", how, False)


def test_something_unknown_inside_a_list_is_a_change() -> None:
    (change,) = changes(INSTANCE.inputs, VM, {}, {**VM, "securityGroups": ["sg-1", UNKNOWN]})
    assert change.key == "securityGroups"


def test_the_schema_has_every_type_and_property() -> None:
    package = json.loads(schema("1.2.3"))
    assert (package["name"], package["version"]) == ("mcislocal", "1.2.3")
    assert set(package["resources"]) == set(KINDS)
    for token, kind in KINDS.items():
        resource = package["resources"][token]
        assert set(resource["inputProperties"]) == set(kind.inputs.fields)
        assert set(resource["properties"]) == set(kind.outputs)
        assert set(resource["requiredInputs"]) <= set(resource["inputProperties"])
