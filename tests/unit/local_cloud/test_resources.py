"""Networks, groups, keys, addresses and volumes: adoption, conflicts, and who uses what."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mcis_iac.local_cloud import networks
from mcis_iac.local_cloud.types import Attachment, Instance, LocalCloudError, Rule
from tests.fakes.backend import FakeHost
from tests.fakes.local_world import PUBLIC_KEY, TAGS, Opener, World

OTHER = {"mcis": "other"}


def code(error: pytest.ExceptionInfo[LocalCloudError]) -> str:
    return error.value.code


def test_a_network_without_a_range_is_in_the_regions_part_of_the_pool(world: World) -> None:
    made = world.cloud.create_network(name="far", region="local-frankfurt", cidr=None, tags=TAGS)
    assert made.cidr == "10.100.64.0/20"


def test_two_owners_networks_in_one_region_get_different_subnets(world: World) -> None:
    network = world.cloud.create_network(name="theirs", region="local-seoul", cidr=None, tags=OTHER)
    theirs = world.cloud.create_subnet(network=network.id, zone="a", cidr=None)

    assert (world.subnet.cidr, theirs.cidr) == ("10.100.0.0/24", "10.100.1.0/24")


def test_creating_things_again_gives_the_same_ones(world: World) -> None:
    cloud = world.cloud
    for _ in range(2):
        network = cloud.create_network(name="n", region="local-tokyo", cidr=None, tags=TAGS)
        subnet = cloud.create_subnet(network=network.id, zone="b", cidr=None)
        group = cloud.create_security_group(name="g", network=network.id, rules=[], tags=TAGS)
        address = cloud.create_address(name="a", region="local-tokyo", tags=TAGS)
        volume = cloud.create_volume(name="v", zone="local-tokyo/b", size_gib=1, tags=TAGS)
        boot = cloud.create_boot_config(name="b", user_data="#cloud-config\n", tags=TAGS)
        ids = {each.id for each in (network, subnet, group, address, volume, boot)}
    found = {id for _, id, _, _ in cloud.find(TAGS)}
    assert ids <= found
    assert len(found) == len(ids) + 3  # and the world's own network, subnet and key


def test_everything_of_an_owner_is_found_by_tags_and_nothing_else(world: World) -> None:
    world.cloud.create_key_pair(name="theirs", public_key=PUBLIC_KEY, tags=OTHER)
    world.create("web-1")

    assert [kind for kind, *_ in world.cloud.find(TAGS)] == ["network", "key_pair", "instance", "subnet"]
    assert [name for _, _, name, _ in world.cloud.find(OTHER)] == ["theirs"]


def test_a_name_of_another_owner_is_a_conflict(world: World) -> None:
    with pytest.raises(LocalCloudError, match="taken by another owner") as refused:
        world.cloud.create_network(name="net", region="local-seoul", cidr=None, tags=OTHER)
    assert code(refused) == "conflict"


def test_an_unused_left_over_with_other_properties_makes_way(world: World) -> None:
    first = world.cloud.create_network(name="n", region="local-tokyo", cidr=None, tags=TAGS)
    second = world.cloud.create_network(name="n", region="local-sydney", cidr=None, tags=TAGS)

    assert second.region == "local-sydney"
    assert world.cloud.get("network", first.id) is None


def test_a_used_left_over_does_not_make_way(world: World) -> None:
    with pytest.raises(LocalCloudError, match="in use by subnet") as refused:
        world.cloud.create_network(name="net", region="local-tokyo", cidr=None, tags=TAGS)
    assert code(refused) == "conflict"


def test_an_unknown_region_is_refused_with_those_there_are(world: World) -> None:
    with pytest.raises(LocalCloudError, match=r"no region local-mars \(there are local-seoul, "):
        world.cloud.create_network(name="n", region="local-mars", cidr=None, tags=TAGS)


@pytest.mark.parametrize("cidr", ["10.100.8.0/24", "198.18.0.0/16", "10.0.0.0/8", "203.0.113.0/25"])
def test_a_range_that_meets_another_one_is_a_conflict(world: World, cidr: str) -> None:
    world.cloud.create_network(name="mine", region="local-seoul", cidr="203.0.113.0/24", tags=TAGS)
    with pytest.raises(LocalCloudError, match="overlaps") as refused:
        world.cloud.create_network(name="n", region="local-seoul", cidr=cidr, tags=TAGS)
    assert code(refused) == "conflict"


def test_a_users_range_is_used_for_private_addresses(world: World) -> None:
    network = world.cloud.create_network(name="mine", region="local-seoul", cidr="203.0.113.0/24", tags=TAGS)
    subnet = world.cloud.create_subnet(network=network.id, zone="a", cidr="203.0.113.64/26")
    [made] = world.create("web-1", subnet=subnet.id)

    assert (subnet.cidr, made.private_ip, made.public_ip) == ("203.0.113.64/26", "203.0.113.68", "198.18.0.4")


def test_a_full_subnet_of_a_users_range_says_so(world: World) -> None:
    network = world.cloud.create_network(name="mine", region="local-seoul", cidr="203.0.113.0/29", tags=TAGS)
    subnet = world.cloud.create_subnet(network=network.id, zone="a", cidr="203.0.113.0/29")
    made = world.cloud.create_instances([world.spec(f"web-{n}", subnet=subnet.id) for n in range(3)])

    assert [isinstance(each, Instance) for each in made] == [True, True, False]
    assert isinstance(made[2], LocalCloudError)
    assert made[2].code == "capacity"


def test_a_users_range_is_only_a_name_where_nothing_is_routed(reopen: Opener, host: FakeHost) -> None:
    host.addressing = {
        "private": "127.66.0.0/16",
        "public": "127.66.0.0/16",
        "host_ip": "127.0.0.1",
        "ssh_port": 2222,
        "routed": False,
    }
    cloud = reopen()
    network = cloud.create_network(name="n", region="local-tokyo", cidr="10.20.0.0/20", tags=TAGS)
    subnet = cloud.create_subnet(network=network.id, zone="a", cidr="10.20.0.0/24")
    cloud.create_key_pair(name="login", public_key=PUBLIC_KEY, tags=TAGS)
    [made] = World(cloud=cloud, host=host, network=network, subnet=subnet).create("web-1")

    assert (network.cidr, subnet.cidr) == ("10.20.0.0/20", "10.20.0.0/24")
    assert made.private_ip == made.public_ip == "127.66.16.4"


def test_the_hosts_routes_are_read_without_the_default_route(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    assert [str(route) for route in networks.host_routes(table)] == ["192.168.1.0/24"]


@pytest.mark.parametrize(
    "rule",
    [
        Rule(protocol="tcp"),
        Rule(protocol="tcp", cidr="0.0.0.0/0", host=True),
        Rule(protocol="gre", host=True),
        Rule(protocol="icmp", port_low=1, port_high=2, host=True),
        Rule(protocol="tcp", port_low=80, host=True),
        Rule(protocol="tcp", port_low=90, port_high=80, host=True),
        Rule(protocol="tcp", port_low=1, port_high=70000, host=True),
        Rule(protocol="tcp", cidr="everybody"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(world: World, rule: Rule) -> None:
    with pytest.raises(LocalCloudError) as refused:
        world.cloud.create_security_group(name="g", network=world.network.id, rules=[rule], tags=TAGS)
    assert code(refused) == "invalid"


def test_rules_come_back_as_they_were_given(world: World) -> None:
    rules = (
        Rule(protocol="tcp", port_low=22, port_high=22, host=True),
        Rule(protocol="udp", peer="db"),
        Rule(protocol="all", cidr="192.0.2.0/24"),
    )
    made = world.cloud.create_security_group(name="g", network=world.network.id, rules=rules, tags=TAGS)
    assert made.rules == rules
    assert world.cloud.get("security_group", made.id) == made


def test_what_is_used_cannot_be_deleted(world: World) -> None:
    cloud = world.cloud
    group = cloud.create_security_group(name="g", network=world.network.id, rules=[], tags=TAGS)
    address = cloud.create_address(name="a", region="local-seoul", tags=TAGS)
    volume = cloud.create_volume(name="v", zone="local-seoul/a", size_gib=1, tags=TAGS)
    world.create(
        "web-1",
        security_groups=(group.id,),
        address=address.id,
        volumes=(Attachment(volume=volume.id, mount="/data"),),
    )
    for kind, id in (
        ("network", world.network.id),
        ("subnet", world.subnet.id),
        ("security_group", group.id),
        ("address", address.id),
        ("volume", volume.id),
    ):
        with pytest.raises(LocalCloudError) as refused:
            cloud.delete(kind, [id])
        assert code(refused) == "conflict"


def test_everything_can_be_deleted_once_the_machines_are_gone(world: World) -> None:
    [made] = world.create("web-1")
    world.cloud.delete("instance", [made.id])
    for kind, id in (
        ("subnet", world.subnet.id),
        ("network", world.network.id),
        ("key_pair", "login"),
    ):
        world.cloud.delete(kind, [id])
    assert world.cloud.find({}) == []


def test_a_volume_outlives_its_instance(world: World, directory: Path) -> None:
    volume = world.cloud.create_volume(name="v", zone="local-seoul/a", size_gib=1, tags=TAGS)
    (directory / "vol" / volume.id / "kept").touch()
    attached = (Attachment(volume=volume.id, mount="/data"),)
    [made] = world.create("web-1", volumes=attached)
    world.cloud.delete("instance", [made.id])
    [again] = world.create("web-1", volumes=attached)

    assert again.spec.volumes == attached
    assert (directory / "vol" / volume.id / "kept").exists()


@pytest.mark.parametrize("mount", ["/", "/proc", "data", "/a/../b", ""])
def test_a_volume_cannot_be_mounted_just_anywhere(world: World, mount: str) -> None:
    volume = world.cloud.create_volume(name="v", zone="local-seoul/a", size_gib=1, tags=TAGS)
    [refused] = world.cloud.create_instances(
        [world.spec("web-1", volumes=(Attachment(volume=volume.id, mount=mount),))]
    )
    assert isinstance(refused, LocalCloudError)
    assert refused.code == "invalid"


def test_a_volume_is_for_one_instance_of_its_zone(world: World) -> None:
    here = world.cloud.create_volume(name="v", zone="local-seoul/a", size_gib=1, tags=TAGS)
    there = world.cloud.create_volume(name="w", zone="local-seoul/b", size_gib=1, tags=TAGS)
    world.create("web-1", volumes=(Attachment(volume=here.id, mount="/data"),))
    found = world.cloud.create_instances(
        [
            world.spec(f"web-{n}", volumes=(Attachment(volume=id, mount="/data"),))
            for n, id in ((2, here.id), (3, there.id))
        ]
    )
    assert [each.code for each in found if isinstance(each, LocalCloudError)] == ["conflict", "invalid"]


def test_a_volume_grows_and_never_shrinks(world: World) -> None:
    volume = world.cloud.create_volume(name="v", zone="local-seoul/a", size_gib=2, tags=TAGS)
    assert world.cloud.grow_volume(volume.id, 5).size_gib == 5
    with pytest.raises(LocalCloudError, match="cannot shrink"):
        world.cloud.grow_volume(volume.id, 3)


def test_a_volume_of_another_zone_is_never_thrown_away(world: World) -> None:
    world.cloud.create_volume(name="v", zone="local-seoul/a", size_gib=2, tags=TAGS)
    with pytest.raises(LocalCloudError, match="delete it first"):
        world.cloud.create_volume(name="v", zone="local-seoul/b", size_gib=2, tags=TAGS)


def test_reserved_addresses_stay_away_from_those_of_instances(world: World) -> None:
    address = world.cloud.create_address(name="a", region="local-seoul", tags=TAGS)
    assert address.public_ip == "198.18.15.253"


def test_tags_can_be_changed(world: World) -> None:
    world.cloud.set_tags(world.network.id, {"mcis": "new"})
    world.cloud.set_tags("login", {"mcis": "new"})
    assert {kind for kind, *_ in world.cloud.find({"mcis": "new"})} == {"network", "subnet", "key_pair"}


def test_what_is_no_public_key_is_refused(world: World) -> None:
    with pytest.raises(LocalCloudError, match="not a public key"):
        world.cloud.create_key_pair(name="k", public_key="-----BEGIN OPENSSH PRIVATE KEY-----", tags=TAGS)


def test_threads_that_create_the_same_thing_get_one(reopen: Opener) -> None:
    clouds = [reopen() for _ in range(4)]
    found: list[str] = []

    def create(n: int) -> None:
        made = clouds[n].create_network(name="n", region="local-seoul", cidr=None, tags=TAGS)
        found.append(clouds[n].create_subnet(network=made.id, zone="a", cidr=None).id)

    threads = [threading.Thread(target=create, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
