"""Creating, starting, stopping and deleting machines, on a host in memory."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mcis_iac.local_cloud.types import Attachment, Instance, LocalCloudError, Rule
from tests.fakes.local_world import TAGS, Opener, World


def state(world: World, id: str) -> str:
    found = world.cloud.get("instance", id)
    assert isinstance(found, Instance)
    return found.state


def test_a_created_instance_runs_and_has_both_addresses(world: World) -> None:
    [made] = world.create("web-1")

    assert (made.state, made.private_ip, made.public_ip) == ("running", "10.100.0.4", "198.18.0.4")
    assert made.host_key.startswith("ssh-ed25519 ")
    assert (made.region, made.ssh_port, made.backend) == ("local-seoul", 22, "fake")


def test_the_backend_gets_a_private_host_key_that_is_nowhere_in_the_database(
    world: World, directory: Path
) -> None:
    [made] = world.create("web-1")

    machine = world.host.prepared[made.id]
    assert "OPENSSH PRIVATE KEY" in machine.host_private_key
    stored = b"".join(path.read_bytes() for path in directory.glob("cloud.db*"))
    assert made.host_key.split()[1].encode() in stored
    assert machine.host_private_key.splitlines()[1].encode() not in stored


def test_a_hundred_instances_get_different_addresses_numbers_and_hardware_addresses(world: World) -> None:
    world.create(*(f"web-{n}" for n in range(1, 101)))

    machines = world.host.prepared.values()
    for unique in ("number", "private_ip", "public_ip", "mac"):
        assert len({getattr(machine, unique) for machine in machines}) == 100


def test_a_subnet_holds_more_instances_than_one_block(world: World) -> None:
    made = world.create(*(f"web-{n}" for n in range(1, 261)))

    assert {each.private_ip.rsplit(".", 1)[0] for each in made} == {"10.100.0", "10.100.1"}


def test_creating_again_makes_no_second_instance(world: World) -> None:
    [first] = world.create("web-1")
    [second] = world.create("web-1")

    assert second.id == first.id
    assert len(world.host.booted) == 1


def test_creating_a_stopped_instance_again_starts_it(world: World) -> None:
    [made] = world.create("web-1")
    world.cloud.stop([made.id])
    [again] = world.create("web-1")

    assert (again.id, again.state) == (made.id, "running")


def test_asking_twice_for_one_name_in_a_batch_makes_one_instance(world: World) -> None:
    first, second = world.create("web-1", "web-1")

    assert first.id == second.id
    assert len(world.host.running) == 1


def test_a_name_of_another_owner_is_a_conflict(world: World) -> None:
    world.create("web-1")
    [refused] = world.cloud.create_instances([world.spec("web-1", tags={"mcis": "other"})])

    assert isinstance(refused, LocalCloudError)
    assert refused.code == "conflict"
    assert "mcis=shop" in refused.message


def test_labels_may_change_between_two_creates_of_one_owner(world: World) -> None:
    [first] = world.create("web-1", tags={**TAGS, "colour": "red"})
    [second] = world.create("web-1", tags={**TAGS, "colour": "blue"})

    assert second.id == first.id
    assert second.spec.tags["colour"] == "blue"


def test_a_left_over_instance_with_other_properties_is_replaced(world: World) -> None:
    [first] = world.create("web-1")
    [second] = world.create("web-1", user="admin")

    assert second.id != first.id
    assert world.cloud.get("instance", first.id) is None
    assert set(world.host.running) == {second.id}


def test_a_bad_one_fails_alone(world: World) -> None:
    good, bad = world.cloud.create_instances([world.spec("web-1"), world.spec("web-2", flavor="huge")])

    assert isinstance(good, Instance)
    assert isinstance(bad, LocalCloudError)
    assert bad.message == "there is no flavor huge (there are micro, small, medium, large)"


def test_a_machine_that_does_not_boot_leaves_nothing_and_says_why(world: World, directory: Path) -> None:
    world.host.machine_never_boots("web-2", "sshd: bad configuration")
    good, bad = world.cloud.create_instances([world.spec("web-1"), world.spec("web-2")])

    assert isinstance(good, Instance)
    assert isinstance(bad, LocalCloudError)
    assert bad.message == "web-2 did not come up: sshd: bad configuration"
    assert [path.name for path in (directory / "i").iterdir()] == [good.id]
    assert world.host.names_connected() == {"web-1"}


def test_a_machine_that_cannot_be_prepared_fails_alone(world: World) -> None:
    world.host.machine_cannot_be_prepared("web-1", "no space left")
    bad, good = world.cloud.create_instances([world.spec("web-1"), world.spec("web-2")])

    assert isinstance(bad, LocalCloudError)
    assert isinstance(good, Instance)


def test_after_a_failure_the_next_try_succeeds(world: World) -> None:
    world.host.machine_never_boots("web-1", "no luck")
    world.cloud.create_instances([world.spec("web-1")])
    world.host.everything_works_again()

    [made] = world.create("web-1")
    assert made.state == "running"


@pytest.mark.parametrize("user", ["root", "Mcis", "1st", "", "a b", "x" * 40])
def test_a_name_that_cannot_log_in_is_refused(world: World, user: str) -> None:
    [refused] = world.cloud.create_instances([world.spec("web-1", user=user)])
    assert isinstance(refused, LocalCloudError)
    assert refused.code == "invalid"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"subnet": "sub-00000000"}, "not_found"),
        ({"zone": "b"}, "invalid"),
        ({"image": "ubuntu"}, "invalid"),
        ({"image": "dir:/nowhere/at/all"}, "not_found"),
        ({"key_pair": "lost"}, "not_found"),
        ({"security_groups": ("sg-00000000",)}, "not_found"),
        ({"boot_config": "boot-00000000"}, "not_found"),
        ({"address": "adr-00000000"}, "not_found"),
        ({"volumes": (Attachment(volume="vol-00000000", mount="/data"),)}, "not_found"),
        ({"name": "Web_1"}, "invalid"),
    ],
)
def test_a_spec_that_names_what_is_not_there_is_refused(
    world: World, change: dict[str, object], code: str
) -> None:
    [refused] = world.cloud.create_instances([world.spec(**{"name": "web-1", **change})])  # type: ignore[arg-type]
    assert isinstance(refused, LocalCloudError)
    assert refused.code == code


def test_stop_and_start_keep_addresses_and_host_key(world: World) -> None:
    [before] = world.create("web-1")
    world.cloud.stop([before.id])
    assert state(world, before.id) == "stopped"
    world.cloud.start([before.id])

    after = world.cloud.get("instance", before.id)
    assert isinstance(after, Instance) and after == replace(before, booted_at=after.booted_at)


def test_a_started_machine_is_not_set_up_again(world: World) -> None:
    [made] = world.create("web-1")
    world.cloud.reboot([made.id])

    assert [machine.first_boot for machine in world.host.booted] == [True, False]


def test_a_stopped_machine_is_out_of_the_network(world: World) -> None:
    made = world.create("web-1", "web-2")
    world.cloud.stop([made[0].id])

    assert world.host.names_connected() == {"web-2"}


def test_after_a_reboot_of_the_host_everything_is_stopped_and_can_be_started(world: World) -> None:
    made = world.create("web-1", "web-2")
    world.host.host_reboots()
    assert {each.state for each in world.cloud.instances()} == {"stopped"}

    world.cloud.start([each.id for each in made])
    assert {each.state for each in world.cloud.instances()} == {"running"}
    assert world.host.names_connected() == {"web-1", "web-2"}


def test_starting_what_does_not_exist_names_it(world: World) -> None:
    with pytest.raises(LocalCloudError, match="there is no instance i-00000000"):
        world.cloud.start(["i-00000000"])


def test_deleting_the_last_instance_takes_the_network_of_the_host_down(world: World) -> None:
    one, two = world.create("web-1", "web-2")
    world.cloud.delete("instance", [one.id])
    assert world.host.torn_down == 0
    world.cloud.delete("instance", [two.id])
    assert world.host.torn_down == 1


def test_deleting_removes_the_folder_and_frees_the_address(world: World, directory: Path) -> None:
    [first] = world.create("web-1")
    world.cloud.delete("instance", [first.id])
    [second] = world.create("web-2")

    assert second.private_ip == first.private_ip
    assert [path.name for path in (directory / "i").iterdir()] == [second.id]


def test_deleting_what_is_not_there_succeeds(world: World) -> None:
    for kind in ("instance", "network", "subnet", "security_group", "key_pair", "boot_config", "volume"):
        world.cloud.delete(kind, ["nothing"])


def test_a_process_that_ended_by_itself_is_seen_as_stopped(world: World) -> None:
    [made] = world.create("web-1")
    world.host.machine_dies(made.id)

    assert state(world, made.id) == "stopped"


def test_a_half_made_instance_is_finished_by_the_next_create(world: World, reopen: Opener) -> None:
    [made] = world.create("web-1")
    world.host.machine_dies(made.id)
    with world.cloud.store.write() as db:
        db.execute("UPDATE instance SET phase='pending', pid=NULL")
    assert state(world, made.id) == "pending"

    [finished] = reopen().create_instances([world.spec("web-1")])
    assert isinstance(finished, Instance)
    assert (finished.id, finished.state) == (made.id, "running")
    assert world.host.booted[-1].first_boot
    assert finished.host_key != made.host_key


def test_collecting_removes_half_made_instances_and_stray_folders(world: World, directory: Path) -> None:
    [made] = world.create("web-1")
    with world.cloud.store.write() as db:
        db.execute("UPDATE instance SET phase='pending'")
    (directory / "i" / "i-deadbeef").mkdir()

    done = world.cloud.collect()

    assert done == [
        f"removed {made.id} (web-1), half made",
        "removed the folder i/i-deadbeef, which belongs to nothing",
    ]
    assert list((directory / "i").iterdir()) == []


def test_new_rules_reach_the_network_at_once(world: World) -> None:
    group = world.cloud.create_security_group(name="web", network=world.network.id, rules=[], tags=TAGS)
    world.create("web-1", security_groups=(group.id,))
    world.cloud.set_rules(group.id, [Rule(protocol="tcp", port_low=80, port_high=80, cidr="0.0.0.0/0")])

    assert world.host.fabric is not None
    assert [rule.port_low for rule in world.host.fabric.groups[0].rules] == [80]


def test_the_boot_config_reaches_the_first_boot(world: World) -> None:
    config = world.cloud.create_boot_config(
        name="setup", user_data="#cloud-config\nruncmd: [date]\n", tags=TAGS
    )
    [made] = world.create("web-1", boot_config=config.id)

    assert world.host.prepared[made.id].boot.runcmd == ("date",)


def test_updating_in_place_reaches_the_running_machine(world: World) -> None:
    volume = world.cloud.create_volume(name="data", zone="local-seoul/a", size_gib=1, tags=TAGS)
    group = world.cloud.create_security_group(name="web", network=world.network.id, rules=[], tags=TAGS)
    [made] = world.create("web-1")

    after = world.cloud.update_instance(
        made.id,
        flavor="large",
        security_groups=(group.id,),
        volumes=(Attachment(volume=volume.id, mount="/data"),),
        tags=TAGS,
        boot_config=None,
    )

    assert (after.id, after.spec.flavor, after.state) == (made.id, "large", "running")
    assert [mount for _, mount in world.host.attached[0].mounts] == ["/data"]
    assert world.host.fabric is not None
    assert world.host.fabric.machines[0].security_groups == (group.id,)


def test_a_static_address_comes_back_with_its_private_one(world: World) -> None:
    address = world.cloud.create_address(name="ip", region="local-seoul", tags=TAGS)
    [first] = world.create("web-1", address=address.id)
    world.cloud.delete("instance", [first.id])
    world.create("web-2")
    [second] = world.create("web-1", address=address.id)

    assert first.public_ip == second.public_ip == address.public_ip
    assert second.private_ip == first.private_ip


def test_a_machine_is_called_as_its_owner_calls_it(world: World) -> None:
    [made] = world.create("shop-web-1-a1b2c3", tags={**TAGS, "mcis-vm": "web-1"})

    assert world.host.prepared[made.id].name == "web-1"


def test_reset_removes_everything(world: World, directory: Path) -> None:
    world.create("web-1")
    world.cloud.reset()

    assert not directory.exists()
    assert world.host.running == {}
    assert world.host.torn_down == 1


def test_two_who_create_the_same_instances_at_once_get_the_same_ones(world: World, reopen: Opener) -> None:
    clouds = [reopen() for _ in range(3)]
    specs = [world.spec(f"web-{n}") for n in range(10)]
    found: list[list[str]] = []

    def create(n: int) -> None:
        made = clouds[n].create_instances(specs)
        found.append([each.id for each in made if isinstance(each, Instance)])

    threads = [threading.Thread(target=create, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert found[0] == found[1] == found[2]
    assert len(world.host.booted) == 10


def test_a_machine_without_a_row_is_ended_by_the_next_create(world: World) -> None:
    world.create("web-1")
    world.host.stray_machine_runs("i-deadbeef")
    [done, *_] = world.cloud.collect()

    assert done.startswith("killed process ")
    assert world.cloud.collect() == []


def test_an_owner_cannot_smuggle_anything_into_a_host_name(world: World) -> None:
    [made] = world.create("web-1", tags={**TAGS, "mcis-vm": "a\n127.0.0.1 bank"})
    assert world.host.prepared[made.id].name == "web-1"


def test_a_failing_host_is_a_refusal_of_the_cloud(world: World) -> None:
    [made] = world.create("web-1")
    world.host.breaks_down("No space left on device")
    with pytest.raises(LocalCloudError, match=r"the host failed: .*No space left"):
        world.cloud.stop([made.id])


def test_a_running_machine_tells_since_when_and_a_stopped_one_does_not(world: World) -> None:
    vm = world.create("web-1")[0]
    assert vm.booted_at is not None and vm.booted_at >= vm.created_at
    assert [each.booted_at for each in world.cloud.instances()] == [vm.booted_at]
    world.cloud.reboot([vm.id])
    again = world.cloud.instances()[0].booted_at
    assert again is not None and again > vm.booted_at
    world.cloud.stop([vm.id])
    assert world.cloud.instances()[0].booted_at is None
