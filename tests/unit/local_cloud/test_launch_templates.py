"""Launch templates of the cloud: adopted, changed, and followed by the tags of their instances."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes.local_world import TAGS, World

from mcis_iac.local_cloud.types import Launch, LaunchTemplate, LocalCloudError, own_tags

COMMON = {**TAGS, "role": "front"}


def launch(world: World) -> Launch:
    return Launch(zone="a", subnet=world.subnet.id, image="host", key_pair="login", user="mcis")


def template(world: World, name: str = "web", **changes: Any) -> LaunchTemplate:
    given = {"launch": launch(world), "instance_tags": COMMON, "tags": TAGS, **changes}
    return world.cloud.create_launch_template(name=name, **given)


def tags_of(world: World, id: str) -> dict[str, str]:
    (found,) = (each for each in world.cloud.instances() if each.id == id)
    return dict(found.spec.tags)


def test_a_repeated_create_finds_the_template_and_brings_it_up_to_date(world: World) -> None:
    first = template(world)
    again = template(world, instance_tags={**COMMON, "role": "back"})
    assert (again.id, again.instance_tags["role"]) == (first.id, "back")


def test_a_template_that_is_made_again_has_the_same_id(world: World) -> None:
    first = template(world)
    world.cloud.delete("launch_template", [first.id])
    assert world.cloud.get("launch_template", first.id) is None
    assert template(world).id == first.id


def test_one_left_over_from_an_earlier_try_is_made_anew(world: World) -> None:
    template(world)
    changed = template(world, launch=replace(launch(world), user="ops"))
    assert changed.launch.user == "ops"


def test_the_tags_of_instances_follow_their_template_and_keep_their_own(world: World) -> None:
    made = template(world)
    mine = {**COMMON, "mcis-vm": "web-1"}
    (vm, other) = world.create("web-1", "web-2", template=made.id, tags=mine)
    new = {**TAGS, "team": "x"}
    world.cloud.update_launch_template(made.id, boot_config=None, instance_tags=new, tags=TAGS)
    assert tags_of(world, vm.id) == tags_of(world, other.id) == {**new, "mcis-vm": "web-1"}


def test_an_instance_outlives_its_template(world: World) -> None:
    made = template(world)
    (vm,) = world.create("web-1", template=made.id, tags=COMMON)
    world.cloud.delete("launch_template", [made.id])
    assert tags_of(world, vm.id) == COMMON


@pytest.mark.parametrize(
    "changes", [{"user": "root"}, {"image": "dir:nowhere"}, {"key_pair": "gone"}, {"security_groups": ("x",)}]
)
def test_a_template_no_instance_could_copy_is_refused(world: World, changes: dict[str, Any]) -> None:
    with pytest.raises(LocalCloudError):
        template(world, launch=replace(launch(world), **changes))


def test_only_what_differs_from_the_template_is_an_instance_s_own() -> None:
    assert own_tags({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "9"}) == {"b": "2", "c": "3"}
