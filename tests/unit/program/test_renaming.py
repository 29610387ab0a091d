"""Renamed groups on every cloud: other keys with aliases, and nothing else but tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from fakes.clouds import CLOUDS, built, by_key, planned, rich
from fakes.mcis import KEY
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.model import Firewall, FirewallRule, HostKey, Mcis, Severity
from mcis_iac.placement.lock import Lock
from mcis_iac.placement.members import settle
from mcis_iac.program import naming
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph

TAGS = ("mcis-group", "mcis-vm")


def renamed(mcis: Mcis, old: str, new: str) -> Mcis:
    """The manifest after somebody renamed a group: every mention of it, and `formerly`."""

    def now(source: str) -> str:
        return f"group:{new}" if source == f"group:{old}" else source

    groups = {
        new if name == old else name: replace(group, name=new, formerly=old) if name == old else group
        for name, group in mcis.groups.items()
    }
    walls = {
        name: Firewall(
            name=name,
            rules=tuple(replace(rule, sources=tuple(map(now, rule.sources))) for rule in wall.rules),
        )
        for name, wall in mcis.firewalls.items()
    }
    return replace(mcis, groups=groups, firewalls=walls)


def lock_of(mcis: Mcis) -> Lock:
    return settle(mcis, Lock(), public_keys={"generated": KEY}).lock


def both(cloud: str, old: str, new: str) -> tuple[Graph, Graph]:
    mcis = rich(cloud)
    return built(mcis), build(planned(renamed(mcis, old, new), lock_of(mcis)))


def plain(value: Any, keys: Mapping[str, str]) -> Any:
    """A value without tags that tell group and VM, its references under the old keys."""
    if isinstance(value, Mapping):
        return {name: plain(inner, keys) for name, inner in value.items() if name not in TAGS}
    if isinstance(value, list | tuple):
        return [plain(inner, keys) for inner in value if str(inner).partition("=")[0] not in TAGS]
    if hasattr(value, "key"):
        return replace(value, key=keys.get(value.key, value.key))
    if hasattr(value, "parts"):
        return plain(value.parts, keys)
    return value


@pytest.mark.parametrize("group", ["web", "api", "db"])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_renamed_group_has_the_same_inputs_on_every_cloud(cloud: str, group: str) -> None:
    before, after = both(cloud, group, "front")
    keys = {one.options.aliases[0]: one.key for one in after.resources if one.options.aliases}
    back = {new: old for old, new in keys.items()}
    assert [back.get(one.key, one.key) for one in after.resources] == [one.key for one in before.resources]
    for old, new in zip(before.resources, after.resources, strict=True):
        assert plain(new.inputs, back) == plain(old.inputs, {})
        assert new.token == old.token
    assert all(naming.belongs_to(old, group) and naming.belongs_to(new, "front") for old, new in keys.items())


def leaves(value: Any) -> Iterator[str]:
    """The tags inside an input, however they are written, as `name=value`."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from [f"{name}={inner}"] if isinstance(inner, str) else leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from [inner] if isinstance(inner, str) else leaves(inner)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_tag_tells_the_new_name(cloud: str) -> None:
    before, after = (
        {tag for one in graph.resources for tag in leaves(one.inputs) if tag.startswith(TAGS)}
        for graph in both(cloud, "web", "front")
    )
    assert "mcis-group=web" in before and "mcis-group=front" in after
    assert not [tag for tag in after if tag.partition("=")[2].startswith("web")]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_nothing_of_the_old_name_is_left_in_keys_subjects_and_the_inventory(cloud: str) -> None:
    _, after = both(cloud, "web", "front")
    assert not [one.key for one in after.resources if naming.belongs_to(one.key, "web")]
    assert "web" not in {one.subject.group for one in after.resources}
    inventory: Any = after.outputs["inventory"]
    assert {name for name in inventory if name.startswith("front")} == {"front-1", "front-2", "front-3"}
    assert inventory["front-2"]["group"] == "front" and inventory["front-2"]["id"].key == "front-2"
    assert not [name for name in inventory if name.startswith("web")]


def test_new_vms_of_a_renamed_group_are_called_like_the_others_inside_the_cloud() -> None:
    mcis = rich("local")
    larger = renamed(mcis, "db", "data")
    larger = replace(larger, groups={**larger.groups, "data": replace(larger.groups["data"], count=2)})
    names = {r.key: r.inputs.get("name") for r in build(planned(larger, lock_of(mcis))).resources}
    assert names["data-2"] == naming.cloud_name(mcis, "db-2")
    assert names["data-1"] == by_key(built(mcis))["db-1"].inputs["name"]


def test_the_second_name_of_three_is_an_alias_and_the_first_stays_the_name_inside_the_cloud() -> None:
    mcis = rich("local")
    twice = renamed(mcis, "db", "data")
    lock = settle(twice, lock_of(mcis), public_keys={"generated": KEY}).lock
    vm = by_key(build(planned(renamed(twice, "data", "base"), lock)))["base-1"]
    assert vm.options.aliases == ("db-1", "data-1")
    assert vm.inputs["name"] == naming.cloud_name(mcis, "db-1")


def test_a_name_that_comes_back_is_no_alias_of_itself() -> None:
    mcis = rich("local")
    away = renamed(mcis, "db", "data")
    lock = settle(away, lock_of(mcis), public_keys={"generated": KEY}).lock
    vm = by_key(build(planned(renamed(away, "data", "db"), lock)))["db-1"]
    assert vm.options.aliases == ("data-1",)
    assert vm.inputs == by_key(built(mcis))["db-1"].inputs


def test_the_host_key_of_a_renamed_vm_is_the_one_it_was_given() -> None:
    mcis = rich("openstack")
    key = HostKey(public="ssh-ed25519 AAAAhost", private="secret")
    plan = planned(renamed(mcis, "db", "data"), lock_of(mcis))
    graph = build(replace(plan, host_keys={"data-1": key}))
    before = build(replace(planned(mcis), host_keys={"db-1": key}))
    inventory: Any = graph.outputs["inventory"]
    assert inventory["data-1"]["host_key"] == key.public
    assert by_key(graph)["data-1"].inputs["userData"] == by_key(before)["db-1"].inputs["userData"]


def test_a_rule_that_lets_in_the_renamed_group_stays_as_it_is() -> None:
    mcis = rich("local")
    walls = {"web": Firewall(name="web", rules=(FirewallRule(sources=("group:db",), ports=((1, 2),)),))}
    mcis = replace(mcis, firewalls=walls)
    region = mcis.groups["web"].placement.region
    wall = naming.security_group("web", "local", region)
    after = build(planned(renamed(mcis, "db", "data"), lock_of(mcis)))
    assert by_key(after)[wall].inputs == by_key(built(mcis))[wall].inputs


names = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


@given(names, names, st.integers(1, 9999))
def test_keys_of_a_group_go_to_another_name_and_back(old: str, new: str, ordinal: int) -> None:
    vm = naming.vm(old, ordinal)
    keys = (vm, naming.disk(vm, "data/x"), naming.boot_config(old, "c"), naming.of_group("sg", old, "c", "r"))
    for key in keys:
        moved = naming.with_group(key, old, new)
        assert naming.belongs_to(key, old) and naming.belongs_to(moved, new)
        assert naming.with_group(moved, new, old) == key
    assert not naming.belongs_to(naming.network(old, "c", "r"), old)


@pytest.mark.parametrize("change", ["taken", "both"])
def test_a_name_that_is_still_in_use_inside_the_cloud_is_refused(change: str) -> None:
    mcis = rich("local")
    after = renamed(mcis, "db", "data")
    lock = settle(after, lock_of(mcis), public_keys={"generated": KEY}).lock
    if change == "taken":  # a new group gets the name that the renamed one has left
        after = replace(after, groups={**after.groups, "db": replace(after.groups["api"], name="db")})
    else:  # two groups with VMs become one
        after = renamed(after, "data", "api")
        after = replace(after, groups={name: after.groups[name] for name in ("web", "api")})
    found = settle(after, lock, public_keys={"generated": KEY}).diagnostics
    assert [each.code for each in found if each.severity is Severity.ERROR] == ["MCIS230"]


def test_a_group_without_vms_gives_its_first_name_back() -> None:
    mcis = rich("local")
    after = renamed(mcis, "db", "data")
    lock = settle(after, lock_of(mcis), public_keys={"generated": KEY}).lock
    empty = replace(after, groups={**after.groups, "data": replace(after.groups["data"], count=0)})
    left = settle(empty, lock, public_keys={"generated": KEY}).lock
    assert left.groups["data"].formerly == () and left.groups["data"].highest == 1
