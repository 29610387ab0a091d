"""What a manifest still wants of a region: what the doctor holds against the quotas."""

from __future__ import annotations

from dataclasses import replace

from fakes.mcis import a_group, an_mcis, settled

from mcis_iac.clouds.base import Demand, Spot
from mcis_iac.flows.demands import counted
from mcis_iac.model import Connection, Disk, Firewall, FirewallRule, Group, Inventory, Network, Plan, Vm

SEOUL, TOKYO = "ap-northeast-2", "ap-northeast-1"
DISK = Disk(name="data", size_gib=100, mount="/data")


def plan(*groups: Group, **fields: object) -> Plan:
    names = {group.placement.connection for group in groups}
    connections = {name: Connection(name=name, cloud="aws") for name in names}
    return settled(an_mcis(*groups, connections=connections, **fields)).plan


def web(count: int = 2, **fields: object) -> Group:
    return a_group("web", count, **({"cloud": "aws", "region": SEOUL, "type": "t3.medium"} | fields))


def a_vm(name: str) -> Vm:
    group, _, ordinal = name.rpartition("-")
    return Vm(
        name=name, group=group, ordinal=int(ordinal), connection="aws", cloud="aws", region=SEOUL, zone="a",
        type="t3.medium", id=f"i-{name}", private_ip="10.0.0.1", public_ip=None, user="mcis",
        host_key=None,
    )  # fmt: skip


def test_everything_is_wanted_of_an_empty_region() -> None:
    found = counted(plan(web(disks=(DISK,))), Inventory())
    assert found == {
        "aws": [
            Demand(
                region=SEOUL,
                vms=2,
                vcpus=4,
                public_ips=2,
                networks=1,
                types=("t3.medium",),
                by_type=(("t3.medium", 4),),
                disks=2,
                disk_gib=200,
                walls=1,
                rules=2,
            )
        ]
    }


def test_what_is_there_is_not_wanted_again() -> None:
    (found,) = counted(plan(web(3)), Inventory(vms=(a_vm("web-1"),)))["aws"]
    assert (found.vms, found.vcpus, found.networks) == (2, 4, 0)


def test_a_region_where_all_is_there_is_still_looked_at() -> None:
    (found,) = counted(plan(web(1)), Inventory(vms=(a_vm("web-1"),)))["aws"]
    assert found == Demand(region=SEOUL, vms=0, vcpus=0, public_ips=0, networks=0)


def test_every_region_of_a_connection_has_its_own() -> None:
    groups = (web(1), a_group("api", 2, cloud="aws", region=TOKYO, public_ip="none"))
    assert [
        (each.region, each.vms, each.public_ips) for each in counted(plan(*groups), Inventory())["aws"]
    ] == [
        (SEOUL, 1, 1),
        (TOKYO, 2, 0),
    ]


def test_connections_are_kept_apart() -> None:
    groups = (web(1), replace(web(1, connection="labs"), name="api"))
    assert {name: len(each) for name, each in counted(plan(*groups), Inventory()).items()} == {
        "aws": 1,
        "labs": 1,
    }


def test_a_network_that_is_there_is_not_wanted() -> None:
    existing = {"aws": {SEOUL: {"vpc": "vpc-1", "subnets": {"a": "s"}}}}
    (found,) = counted(plan(web(), networks={"main": Network(name="main", existing=existing)}), Inventory())[
        "aws"
    ]
    assert found.networks == 0


def test_of_an_unknown_type_the_processors_are_left_to_the_cloud() -> None:
    groups = (web(type="z9.huge"), replace(web(1), name="api"))
    (found,) = counted(plan(*groups), Inventory())["aws"]
    assert (found.vms, found.vcpus, found.uncounted) == (3, 2, (("z9.huge", 2),))


def spot(group: Group) -> Group:
    return replace(group, placement=replace(group.placement, spot=True))


def test_what_the_cloud_may_take_back_is_counted_apart_as_well() -> None:
    groups = (
        web(2),
        spot(replace(web(3), name="api")),
        spot(replace(web(1, type="m6i.large"), name="db")),
        spot(replace(web(4, type="z9.huge"), name="far")),
    )
    (found,) = counted(plan(*groups), Inventory())["aws"]
    assert (found.vcpus, found.uncounted) == (12, (("z9.huge", 4),))
    by_type = (("m6i.large", 2), ("t3.medium", 6))
    assert found.by_type == (("m6i.large", 2), ("t3.medium", 10))
    assert found.spot == Spot(
        vcpus=8, by_type=by_type, types=("m6i.large", "z9.huge"), uncounted=(("z9.huge", 4),)
    )


def walled(*sources: str) -> Firewall:
    return Firewall(name="w", rules=(FirewallRule(sources=sources, ports=((80, 80), (443, 443))),))


def test_every_group_and_every_source_of_a_range_of_ports_is_counted() -> None:
    """Members beside are one source; those in another region are one each."""
    fields = {"firewalls": {"w": walled("anywhere", "group:api", "group:far")}}
    far = a_group("far", 3, cloud="aws", region=TOKYO, firewalls=("none",))
    api = replace(web(2, firewalls=("none",)), name="api")
    none = Firewall(name="none", rules=())
    made = plan(web(2, firewalls=("w",)), api, far, firewalls=fields["firewalls"] | {"none": none})
    (seoul, tokyo) = counted(made, Inventory())["aws"]
    assert (seoul.walls, seoul.rules) == (2, 2 * (1 + 1 + 3))
    assert (tokyo.walls, tokyo.rules) == (1, 0)


def test_a_group_that_is_there_wants_only_the_rules_for_new_members_elsewhere() -> None:
    far = replace(a_vm("far-1"), region=TOKYO)
    made = plan(
        web(2, firewalls=("w",)),
        a_group("far", 3, cloud="aws", region=TOKYO),
        firewalls={"w": walled("anywhere", "group:far")},
    )
    seoul, _ = counted(made, Inventory(vms=(a_vm("web-1"), far)))["aws"]
    assert (seoul.walls, seoul.rules) == (0, 2 * 2)


def test_addresses_that_stay_are_counted_apart() -> None:
    groups = (web(2, public_ip="static"), replace(web(3), name="api"))
    (found,) = counted(plan(*groups), Inventory())["aws"]
    assert (found.public_ips, found.static_ips) == (5, 2)


def test_a_network_with_vms_without_an_address_needs_one_gateway() -> None:
    hidden = (web(2, public_ip="none"), replace(web(1, public_ip="none"), name="api"))
    (found,) = counted(plan(*hidden), Inventory())["aws"]
    assert found.gateways == 1
    (again,) = counted(plan(*hidden), Inventory(vms=(a_vm("web-1"),)))["aws"]
    assert again.gateways == 0
    (open_,) = counted(plan(web()), Inventory())["aws"]
    assert open_.gateways == 0
