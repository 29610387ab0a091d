"""What every cloud must keep to. A cloud is covered by being registered.

A cloud that knows its regions says so offline; one whose regions are each operator's own is given some here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from fakes.clouds import (
    CLOUDS,
    REGIONS,
    a_connection,
    built,
    by_key,
    leaves,
    planned,
    regions_of,
    reordered,
    rich,
    without,
)
from fakes.mcis import a_group, an_mcis
from fakes.walls import World

from mcis_iac.clouds import registry
from mcis_iac.model import Firewall, FirewallRule, Mcis, Setup, Severity, Vm
from mcis_iac.program import naming
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph, Join, Ref, Resource, Secret, refs

pytestmark = pytest.mark.parametrize("cloud", CLOUDS)
# The first machine in a zone may bring what those after it share.
OF_A_ZONE = naming.NETWORK_KINDS | {"template"}


def differences(one: Any, other: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of the innermost values that are not the same."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in one.keys() | other.keys():
            yield from differences(one.get(name), other.get(name), (*path, name))
    elif one != other:
        yield path


def ignored(resource: Resource) -> set[tuple[str, ...]]:
    """What changes of the resource are not looked at: `a.b`, `a["b-c"]`."""
    paths = (re.findall(r'\["([^"]+)"\]|([^.\["]+)', path) for path in resource.options.ignore_changes)
    return {tuple(quoted or plain for quoted, plain in path) for path in paths}


def test_it_says_what_it_has_without_being_asked(cloud: str) -> None:
    facts = registry.graph(cloud).facts()
    assert (facts.regions or cloud in REGIONS) and facts.image_aliases
    assert all(region.name == name for name, region in facts.regions.items())
    assert not facts.types or facts.default_type in facts.types


def test_it_names_its_plugin_and_its_machines(cloud: str) -> None:
    module = registry.graph(cloud)
    assert module.PACKAGE and module.VERSION
    assert all(token.startswith(f"{module.PACKAGE}:") for token in module.VM_TOKENS)


def test_the_same_plan_gives_the_same_graph(cloud: str) -> None:
    assert built(rich(cloud)) == built(rich(cloud))


def test_only_tokens_of_the_cloud_appear_each_with_its_version(cloud: str) -> None:
    module = registry.graph(cloud)
    for resource in built(rich(cloud)).resources:
        assert resource.package == module.PACKAGE, resource.key
        assert resource.version == module.VERSION, resource.key


def test_there_is_one_provider_per_connection_and_everything_names_it(cloud: str) -> None:
    for resource in built(rich(cloud)).resources:
        is_provider = resource.token.startswith("pulumi:providers:")
        assert resource.provider == (None if is_provider else naming.provider(cloud)), resource.key
        assert is_provider == (resource.key == naming.provider(cloud))


def test_two_connections_of_one_cloud_share_nothing(cloud: str) -> None:
    mcis = rich(cloud)
    second = a_group("other", cloud=cloud, connection="second", region=mcis.groups["web"].placement.region)
    both = replace(
        mcis,
        groups={**mcis.groups, "other": second},
        connections={**mcis.connections, "second": a_connection(cloud, "second")},
    )
    plan, module = planned(both), registry.graph(cloud)
    graph, own = by_key(build(plan)), {r.key for r in module.declare(plan, both.connections["second"])}
    for key in own:
        assert {ref.key for ref in refs(graph[key].inputs)} <= own, key
    for resource in module.links(plan, both.connections["second"]):
        # What lets in machines of elsewhere knows their addresses and nothing else.
        for ref in refs(resource.inputs):
            assert ref.key in own or graph[ref.key].subject.vm, resource.key


def test_every_machine_is_keyed_by_its_name_and_is_in_the_inventory(cloud: str) -> None:
    graph, module = built(rich(cloud)), registry.graph(cloud)
    machines = {r.key for r in graph.resources if r.token in module.VM_TOKENS}
    assert machines == {"web-1", "web-2", "web-3", "api-1", "api-2", "db-1"}
    inventory = graph.outputs["inventory"]
    assert isinstance(inventory, Mapping) and inventory.keys() == machines


def test_the_inventory_has_what_a_vm_is_made_of(cloud: str) -> None:
    inventory: Any = built(rich(cloud)).outputs["inventory"]
    for name, entry in inventory.items():
        filled = {field: "x" if isinstance(value, Ref) else value for field, value in entry.items()}
        vm = Vm(name=name, **filled)
        assert f"{vm.group}-{vm.ordinal}" == name and vm.cloud == cloud
    assert inventory["api-1"]["public_ip"] is None


def test_a_resource_serves_whom_its_key_says(cloud: str) -> None:
    for resource in built(rich(cloud)).resources:
        told, subject = naming.subject_of(resource.key), resource.subject
        assert subject.cloud == cloud
        for part in ("group", "vm", "connection", "region"):
            if getattr(told, part) is not None:
                assert getattr(subject, part) == getattr(told, part), resource.key


def test_keys_do_not_depend_on_the_cloud_having_other_things(cloud: str) -> None:
    web = replace(rich(cloud).groups["web"], firewalls=())
    whole = replace(rich(cloud), groups={**rich(cloud).groups, "web": web})
    alone = replace(whole, groups={"web": web})
    assert by_key(built(alone)).keys() <= by_key(built(whole)).keys()


def test_scaling_out_by_one_touches_only_what_the_new_machine_brings(cloud: str) -> None:
    before, after = by_key(built(rich(cloud))), by_key(built(rich(cloud, web=4)))
    new = after.keys() - before.keys()
    assert before.keys() <= after.keys()
    shared = {key for key in new if naming.subject_of(key).vm is None}
    assert {naming.subject_of(key).vm for key in new - shared} == {"web-4"}
    assert {key.partition("/")[0] for key in shared} <= OF_A_ZONE
    for key, resource in before.items():
        followed = replace(after[key], inputs=without(after[key].inputs, new))
        assert followed == resource, f"{key} changes by more than the addresses of web-4"
        assert after[key] == resource or resource.subject.vm is None, key


def test_the_first_machine_in_a_zone_brings_its_part_of_the_network_and_nothing_else(cloud: str) -> None:
    before, after = by_key(built(rich(cloud, web=1))), by_key(built(rich(cloud, web=2)))
    assert before.keys() <= after.keys()
    for key in after.keys() - before.keys():
        kind, vm = key.partition("/")[0], naming.subject_of(key).vm
        assert vm == "web-2" or kind in OF_A_ZONE, key
    for key, resource in before.items():
        assert after[key] == resource or resource.subject.vm is None, key


def test_the_first_machine_of_a_group_changes_no_other_group(cloud: str) -> None:
    before, after = by_key(built(rich(cloud, api=0))), by_key(built(rich(cloud, api=1)))
    assert before.items() <= after.items()


def test_reordering_groups_and_rules_touches_nothing(cloud: str) -> None:
    mcis = rich(cloud)
    assert by_key(built(mcis)) == by_key(built(reordered(mcis)))


def test_a_new_setup_touches_no_machine(cloud: str) -> None:
    mcis, module = rich(cloud), registry.graph(cloud)
    web = replace(mcis.groups["web"], setup=Setup(run=("other",)))
    before, after = by_key(built(mcis)), by_key(built(replace(mcis, groups={**mcis.groups, "web": web})))
    assert before.keys() == after.keys()
    for key, resource in before.items():
        if resource.token in module.VM_TOKENS:
            for path in differences(resource.inputs, after[key].inputs):
                assert any(path[:end] in ignored(resource) for end in range(1, len(path) + 1)), key


def test_nothing_is_left_of_a_group_without_members(cloud: str) -> None:
    mcis = rich(cloud)
    empty = replace(mcis, groups={name: replace(group, count=0) for name, group in mcis.groups.items()})
    assert built(empty).resources == ()


def test_every_input_is_plain_json(cloud: str) -> None:
    for resource in built(rich(cloud)).resources:
        for leaf in leaves(resource.inputs):
            assert isinstance(leaf, str | int | float | bool | Ref | Secret | Join) or leaf is None, (
                resource.key
            )
        json.dumps([leaf for leaf in leaves(resource.inputs) if not isinstance(leaf, Ref | Secret | Join)])


def test_what_is_called_a_secret_is_one(cloud: str) -> None:
    words = ("password", "secret", "token", "privatekey")
    for resource in built(rich(cloud)).resources:
        for name, value in resource.inputs.items():
            if any(word in name.lower() for word in words):
                assert isinstance(value, Secret), f"{resource.key}.{name}"


def tags_of(resource: Resource) -> dict[str, str] | None:
    """The tags of a resource, wherever its cloud has them: a map, or words such as `mcis=shop`."""
    for place in ("labels", "tags", "metadata"):
        found: Any = resource.inputs.get(place)
        if isinstance(found, Mapping):
            return dict(found)
        # A cloud may have lists called tags, too, that are none: those name networks' machines.
        if isinstance(found, list) and all("=" in str(word) for word in found):
            return dict(str(word).split("=", 1) for word in found)
    return None


def carried(graph: Graph, resource: Resource) -> Mapping[str, Any]:
    """The tags of a resource, those its launch template gives it among them."""
    template: Any = resource.inputs.get("template")
    inherited: Any = graph[template.key].inputs["instanceTags"] if template else {}
    return {**inherited, **(tags_of(resource) or {})}


def test_what_takes_tags_carries_ours(cloud: str) -> None:
    graph = built(rich(cloud))
    tagged = {r.key: r for r in graph.resources if tags_of(r) is not None}
    machines = {"web-1", "api-1", "db-1"}
    assert machines <= tagged.keys()
    for key, resource in tagged.items():
        tags = carried(graph, resource)
        wanted = {"mcis": "shop", "mcis-namespace": "default", "mcis-env": "prod", "team": "x"}
        subject = {"mcis-group": resource.subject.group, "mcis-vm": resource.subject.vm}
        wanted |= {name: value for name, value in subject.items() if value}
        assert wanted.items() <= tags.items(), key


def test_a_label_of_a_group_is_on_its_machines_only(cloud: str) -> None:
    graph = built(rich(cloud))
    assert [carried(graph, graph[key]).get("a") for key in ("web-1", "api-1")] == ["b", None]


def test_no_name_meets_that_of_another_mcis(cloud: str) -> None:
    def names(mcis: Mcis) -> set[str]:
        return {str(r.inputs["name"]) for r in built(mcis).resources if "name" in r.inputs}

    mine = rich(cloud)
    others = (replace(mine, env="ci"), replace(mine, name="shop2"), replace(mine, namespace="team"))
    assert not any(names(mine) & names(other) for other in others)


def test_a_machine_is_taken_down_before_its_successor_is_made(cloud: str) -> None:
    module = registry.graph(cloud)
    for resource in built(rich(cloud)).resources:
        if resource.token in module.VM_TOKENS:
            assert resource.options.delete_before_replace, resource.key


def test_a_machine_without_a_public_address_asks_for_none(cloud: str) -> None:
    graph = built(rich(cloud))
    inventory: Any = graph.outputs["inventory"]
    assert [inventory[name]["public_ip"] is None for name in ("web-1", "api-1", "db-1")] == [
        False,
        True,
        False,
    ]


def walled(cloud: str, *rules: FirewallRule) -> World:
    """One machine behind those rules."""
    region = regions_of(cloud)[0]
    mcis = an_mcis(
        a_group("web", 1, cloud=cloud, region=region, firewalls=("w",)),
        connections={cloud: a_connection(cloud)},
        firewalls={"w": Firewall(name="w", rules=rules)},
    )
    return World(planned(mcis))


def test_a_rule_means_its_ports_and_its_range(cloud: str) -> None:
    world = walled(cloud, FirewallRule(sources=("198.51.100.0/24",), ports=((8000, 8100),)))
    within = ("198.51.100.0", "198.51.100.255")
    assert all(world.reaches(one, "web-1", "tcp", port) for one in within for port in (8000, 8050, 8100))
    assert not any(world.reaches(within[0], "web-1", "tcp", port) for port in (22, 7999, 8101))
    assert not any(world.reaches(one, "web-1", "tcp", 8000) for one in ("198.51.99.255", "198.51.101.0"))


def test_only_anywhere_opens_to_the_world(cloud: str) -> None:
    def open_to_the_world(*rules: FirewallRule) -> bool:
        return walled(cloud, *rules).reaches("8.8.8.8", "web-1", "tcp", 80)

    assert open_to_the_world(FirewallRule(sources=("anywhere",), ports=((80, 80),)))
    assert not open_to_the_world()
    assert not open_to_the_world(FirewallRule(sources=("mcis", "me"), ports=((80, 80),)))
    assert not open_to_the_world(FirewallRule(sources=("mcis",), protocol="all"))


def test_the_same_rule_twice_is_one_rule(cloud: str) -> None:
    rule = FirewallRule(sources=("198.51.100.0/24",), ports=((80, 80),))
    assert walled(cloud, rule, rule).graph.resources == walled(cloud, rule).graph.resources


def test_its_check_passes_a_manifest_without_a_problem(cloud: str) -> None:
    errors = [p for p in registry.graph(cloud).check(rich(cloud)) if p.severity is Severity.ERROR]
    assert errors == []


def test_it_can_be_searched_and_watched(cloud: str) -> None:
    for module, verbs in (
        (registry.lookup(cloud), ("find", "sweep")),
        (registry.lifecycle(cloud), ("observe", "stop", "start", "reboot", "console", "notices")),
    ):
        assert all(callable(getattr(module, verb)) for verb in verbs)


def test_a_sweep_without_tags_deletes_nothing(cloud: str) -> None:
    assert list(registry.lookup(cloud).sweep(a_connection(cloud), {})) == []


def test_nobody_is_looked_at_when_there_are_no_machines(cloud: str) -> None:
    assert dict(registry.lifecycle(cloud).observe(a_connection(cloud), [])) == {}
