"""The cloud misbehaves as ordered, and not otherwise."""

from __future__ import annotations

import pytest

from mcis_iac.local_cloud import faults
from mcis_iac.local_cloud.faults import Fault
from mcis_iac.local_cloud.types import Instance, LocalCloudError
from tests.fakes.local_world import World


def order(world: World, **fault: object) -> None:
    faults.add(world.cloud.store, Fault(**fault))  # type: ignore[arg-type]


def test_matching_instances_are_refused_and_the_others_come_up(world: World) -> None:
    order(world, pattern="web-2*", action="create", code="capacity")
    made = world.cloud.create_instances([world.spec(name) for name in ("web-1", "web-2", "web-21")])

    assert isinstance(made[0], Instance)
    assert [each.code for each in made[1:] if isinstance(each, LocalCloudError)] == ["capacity"] * 2


def test_a_counted_fault_is_used_up(world: World) -> None:
    order(world, pattern="*", action="create", code="quota", times=2)
    first = world.cloud.create_instances([world.spec(f"web-{n}") for n in range(3)])
    assert [isinstance(each, Instance) for each in first] == [False, False, True]

    world.create("web-0", "web-1")
    assert faults.listed(world.cloud.store) == ()


def test_a_fault_knows_the_name_the_owner_gave(world: World) -> None:
    order(world, pattern="web-1", action="create", code="host")
    [refused] = world.cloud.create_instances([world.spec("shop-web-1-abcdef", tags={"mcis-vm": "web-1"})])
    assert isinstance(refused, LocalCloudError)


def test_a_delay_alone_only_delays(world: World) -> None:
    order(world, pattern="web-1", action="create", delay_s=0.01)
    slow, fast = world.create("web-1", "web-2")
    assert slow.created_at >= fast.created_at


def test_deleting_spares_those_that_refuse(world: World) -> None:
    one, two = world.create("web-1", "web-2")
    order(world, pattern="web-1", action="delete", code="host", times=1)

    with pytest.raises(LocalCloudError, match="web-1: the host failed"):
        world.cloud.delete("instance", [one.id, two.id])
    assert [each.id for each in world.cloud.instances()] == [one.id]


def test_starting_can_fail(world: World) -> None:
    [made] = world.create("web-1")
    world.cloud.stop([made.id])
    order(world, pattern="web-1", action="start", code="capacity")
    with pytest.raises(LocalCloudError, match="no capacity"):
        world.cloud.start([made.id])


@pytest.mark.parametrize(
    "bad",
    [
        {"action": "explode", "code": "host"},
        {"action": "create", "code": "bad luck"},
        {"action": "create"},
    ],
)
def test_a_fault_that_means_nothing_is_refused(world: World, bad: dict[str, str]) -> None:
    with pytest.raises(LocalCloudError):
        order(world, pattern="*", **bad)


def test_all_faults_can_be_cleared(world: World) -> None:
    order(world, pattern="*", action="create", code="host")
    assert faults.clear(world.cloud.store) == 1
    world.create("web-1")


def test_a_power_action_spares_those_that_refuse_and_names_them(world: World) -> None:
    vms = world.create("web-1", "web-2")
    faults.add(world.cloud.store, Fault(pattern="web-2", action="stop", code="host"))
    refused = world.cloud.power("stop", [*(vm.id for vm in vms), "i-00000000"])
    assert {id: error.code for id, error in refused.items()} == {vms[1].id: "host", "i-00000000": "not_found"}
    assert world.host.names_running() == {"web-2"}


def test_a_reboot_can_fail_for_one_alone(world: World) -> None:
    vms = world.create("web-1", "web-2")
    faults.add(world.cloud.store, Fault(pattern="web-1", action="reboot", code="capacity"))
    refused = world.cloud.power("reboot", [vm.id for vm in vms])
    assert [error.code for error in refused.values()] == ["capacity"]
    assert len(world.host.booted) == 3
