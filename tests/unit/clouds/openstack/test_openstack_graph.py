"""What an OpenStack is asked to make of a plan."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from fakes.mcis import KEY, a_group, an_mcis

from mcis_iac.clouds.openstack import graph, resources
from mcis_iac.model import (
    Connection,
    Disk,
    Firewall,
    FirewallRule,
    HostKey,
    ImageChoice,
    Mcis,
    Network,
    Plan,
)
from mcis_iac.placement.lock import Lock
from mcis_iac.placement.members import settle
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph, Join, Ref, Resource, Secret

ONE, TWO = "RegionOne", "RegionTwo"
HOST_KEY = HostKey(public="ssh-ed25519 AAAA", private="-----BEGIN OPENSSH PRIVATE KEY-----")


def lab(**settings: Any) -> Connection:
    return Connection(name="lab", cloud="openstack", settings={"external_network": "public"} | settings)


def a_lab(*groups: Any, connection: Connection | None = None, **fields: Any) -> Mcis:
    return an_mcis(*groups, connections={"lab": connection or lab()}, **fields)


def web(count: int = 1, **fields: Any) -> Any:
    return a_group("web", count, **({"cloud": "openstack", "connection": "lab", "region": ONE} | fields))


def planned(mcis: Mcis) -> Plan:
    return settle(mcis, Lock(), public_keys={"generated": KEY}).plan


def built(mcis: Mcis, **fields: Any) -> Graph:
    return build(replace(planned(mcis), **fields))


def of_kind(made: Graph, kind: str) -> dict[str, Resource]:
    return {r.key: r for r in made.resources if r.token.endswith(f":{kind}")}


def test_a_machine_has_its_address_and_its_rules_on_a_port() -> None:
    made = built(a_lab(web()))
    assert made["web-1"].inputs["networks"] == [{"port": Ref("nic/web-1")}]
    assert "securityGroups" not in made["web-1"].inputs
    assert made["nic/web-1"].inputs["securityGroupIds"] == [Ref("sg/web/lab/RegionOne")]
    inventory: Any = made.outputs["inventory"]
    assert inventory["web-1"]["private_ip"] == Ref("nic/web-1", "allFixedIps.0")


@pytest.mark.parametrize("kind", ["ephemeral", "static"])
def test_a_public_address_is_a_floating_one(kind: str) -> None:
    made = built(a_lab(web(public_ip=kind)))
    inventory: Any = made.outputs["inventory"]
    assert made["ip/web-1"].inputs["pool"] == "public"
    assert made["bind/web-1"].inputs["portId"] == Ref("nic/web-1")
    assert inventory["web-1"]["public_ip"] == Ref("ip/web-1", "address")


def test_a_machine_without_a_public_address_still_has_a_way_out() -> None:
    made = built(a_lab(web(public_ip="none")))
    assert not of_kind(made, "FloatingIp")
    assert made["nic/web-1"].options.depends_on == ("link/main/lab/RegionOne",)


def test_what_is_stopped_or_newly_imaged_outside_is_left_alone() -> None:
    made = built(a_lab(web()))
    assert {"powerState", "imageId", "imageName", "userData"} <= set(made["web-1"].options.ignore_changes)


def test_a_boot_disk_with_a_size_is_a_volume_whose_image_is_pinned() -> None:
    made = built(a_lab(web(disk=Disk(size_gib=40))))
    device: Any = made["web-1"].inputs["blockDevices"]
    assert "imageId" not in made["web-1"].inputs
    assert (device[0]["volumeSize"], device[0]["deleteOnTermination"]) == (40, True)
    assert "blockDevices[0].uuid" in made["web-1"].options.ignore_changes


def test_the_locked_image_is_what_machines_boot() -> None:
    plan = planned(a_lab(web()))
    chosen = tuple(
        replace(member, image=ImageChoice(alias="ubuntu-24.04", id="3f1e")) for member in plan.members
    )
    assert build(replace(plan, members=chosen))["web-1"].inputs["imageId"] == "3f1e"


def test_an_image_nobody_has_looked_up_is_shown_by_its_alias() -> None:
    assert built(a_lab(web()))["web-1"].inputs["imageId"] == "ubuntu-24.04"


@pytest.mark.parametrize(
    "connection, places, shown",
    [
        (lab(), {}, "public"),
        (lab(), {"lab/RegionOne": {"external_network": "77fe"}}, "77fe"),
        (lab(external_network_id="3a1c"), {"lab/RegionOne": {"external_network": "77fe"}}, "3a1c"),
        (lab(external_network_id={ONE: "3a1c"}), {}, "3a1c"),
    ],
)
def test_a_router_leads_into_the_external_network(connection: Connection, places: Any, shown: str) -> None:
    made = built(a_lab(web(), connection=connection), places=places)
    router = made["router/main/lab/RegionOne"]
    assert router.inputs["externalNetworkId"] == shown
    # What is only a name is not compared with the id a router has.
    assert ("externalNetworkId" in router.options.ignore_changes) == (shown == "public")


@pytest.mark.parametrize(
    "settings, names",
    [
        ({}, {"external_network": "public"}),
        ({"external_network": {ONE: "ext-net"}}, {"external_network": "ext-net"}),
        ({"external_network": {"RegionTwo": "ext-net"}}, {}),
        ({"external_network_id": "3a1c"}, {}),
        ({"external_network_id": {"RegionTwo": "3a1c"}}, {"external_network": "public"}),
    ],
)
def test_a_name_without_an_id_is_one_to_be_asked_for(settings: dict[str, Any], names: dict[str, str]) -> None:
    assert graph.names(lab(**settings), ONE) == names


def test_without_an_external_network_there_is_no_router() -> None:
    bare = Connection(name="lab", cloud="openstack")
    made = built(a_lab(web(public_ip="none"), connection=bare))
    assert not of_kind(made, "Router") and made["nic/web-1"].options.depends_on == ()


def test_a_network_that_is_there_is_used_and_none_is_made() -> None:
    there = {"lab": {ONE: {"network": "3a1c", "subnet": "77fe"}}}
    made = built(a_lab(web(), networks={"main": Network(name="main", existing=there)}))
    assert not {*of_kind(made, "Network"), *of_kind(made, "Subnet"), *of_kind(made, "Router")}
    port = made["nic/web-1"].inputs
    assert (port["networkId"], port["fixedIps"]) == ("3a1c", [{"subnetId": "77fe"}])


def test_all_zones_of_a_region_share_a_subnet() -> None:
    groups = (web(zone="az1"), a_group("api", cloud="openstack", connection="lab", region=ONE, zone="az2"))
    made = built(a_lab(*groups, networks={"main": Network(name="main", cidr="10.20.0.0/14")}))
    assert [r.inputs["cidr"] for r in of_kind(made, "Subnet").values()] == ["10.20.0.0/20"]
    assert made["api-1"].inputs["availabilityZone"] == "az2"


def test_without_a_zone_the_cloud_chooses_one() -> None:
    assert "availabilityZone" not in built(a_lab(web()))["web-1"].inputs


def test_every_region_has_its_own_network_and_key_pair() -> None:
    made = built(a_lab(web(), a_group("api", cloud="openstack", connection="lab", region=TWO)))
    assert set(of_kind(made, "Network")) == {"net/main/lab/RegionOne", "net/main/lab/RegionTwo"}
    assert {r.inputs["region"] for r in of_kind(made, "Keypair").values()} == {ONE, TWO}
    assert len(of_kind(made, "openstack")) == 1


def test_a_group_beside_is_named_and_one_elsewhere_is_let_in_by_address() -> None:
    wall = Firewall(name="w", rules=(FirewallRule(sources=("group:api", "group:far"), ports=((80, 80),)),))
    beside = a_group("api", cloud="openstack", connection="lab", region=ONE)
    far = a_group("far", 2, cloud="openstack", connection="lab", region=TWO)
    made = built(a_lab(web(firewalls=("w",)), beside, far, firewalls={"w": wall}))
    rules = {key: r.inputs for key, r in of_kind(made, "SecGroupRule").items() if "/web/" in key}
    named = rules["rule/web/lab/RegionOne/tcp-80/group:api"]
    assert named["remoteGroupId"] == Ref("sg/api/lab/RegionOne")
    by_address = rules["admit/far-2/web/lab/RegionOne/tcp-80"]
    assert by_address["remoteIpPrefix"] == Join((Ref("ip/far-2", "address"), "/32"))
    assert len(rules) == 3


def test_a_group_in_another_network_of_the_region_comes_through_a_router() -> None:
    networks = {"main": Network(name="main"), "back": Network(name="back")}
    wall = Firewall(name="w", rules=(FirewallRule(sources=("group:api",), ports=((80, 80),)),))
    beside = a_group("api", cloud="openstack", connection="lab", region=ONE, network="back")
    made = built(a_lab(web(firewalls=("w",)), beside, firewalls={"w": wall}, networks=networks))
    assert "admit/api-1/web/lab/RegionOne/tcp-80" in of_kind(made, "SecGroupRule")


@pytest.mark.parametrize(
    "rule, wanted",
    [
        (FirewallRule(sources=("anywhere",), protocol="all"), {"remoteIpPrefix": "0.0.0.0/0"}),
        (
            FirewallRule(sources=("198.51.100.0/24",), protocol="udp", ports=((8000, 8100),)),
            {"protocol": "udp", "portRangeMin": 8000, "portRangeMax": 8100},
        ),
        (FirewallRule(sources=("anywhere",), protocol="icmp"), {"protocol": "icmp"}),
        (FirewallRule(sources=("2001:db8::/32",), ports=((22, 22),)), {"ethertype": "IPv6"}),
    ],
)
def test_a_rule_says_what_the_firewall_says(rule: FirewallRule, wanted: dict[str, Any]) -> None:
    made = built(a_lab(web(firewalls=("w",)), firewalls={"w": Firewall(name="w", rules=(rule,))}))
    (found,) = of_kind(made, "SecGroupRule").values()
    assert wanted.items() <= found.inputs.items()
    assert ("protocol" in found.inputs) == (rule.protocol != "all")
    assert ("portRangeMin" in found.inputs) == bool(rule.ports)


def test_a_data_disk_is_found_on_the_machine_by_the_id_of_its_volume() -> None:
    made = built(a_lab(web(disks=(Disk(name="data", size_gib=20, mount="/data"),))))
    text: Any = made["web-1"].inputs["userData"]
    assert isinstance(text, Join) and Ref("disk/web-1/data") in text.parts
    assert made["attach/web-1/data"].inputs["volumeId"] == Ref("disk/web-1/data")


def test_the_host_key_of_a_machine_is_a_secret_and_its_public_half_is_known() -> None:
    made = built(
        a_lab(web(disks=(Disk(name="data", size_gib=20, mount="/data"),))), host_keys={"web-1": HOST_KEY}
    )
    inventory: Any = made.outputs["inventory"]
    assert isinstance(made["web-1"].inputs["userData"], Secret)
    assert inventory["web-1"]["host_key"] == HOST_KEY.public


def test_no_credential_is_an_input_of_the_provider() -> None:
    connection = lab(os_cloud="lab", region=ONE, env={"OS_PASSWORD": "LAB_PASSWORD"})
    provider = built(a_lab(web(), connection=connection))["provider/lab"]
    assert provider.inputs == {"cloud": "lab", "region": ONE}
    assert provider.env == {"LAB_PASSWORD": "OS_PASSWORD"}


def test_disk_types_are_the_operators_own_words() -> None:
    connection = lab(volume_types={"fast": "nvme"})
    disks = (Disk(name="a", size_gib=1, type="fast"), Disk(name="b", size_gib=1))
    made = built(a_lab(web(disks=disks), connection=connection))
    assert made["disk/web-1/a"].inputs["volumeType"] == "nvme"
    assert "volumeType" not in made["disk/web-1/b"].inputs


def test_new_subnets_tell_the_name_servers_of_the_connection() -> None:
    made = built(a_lab(web(), connection=lab(dns_servers=["192.0.2.53"])))
    (subnet,) = of_kind(made, "Subnet").values()
    assert subnet.inputs["dnsNameservers"] == ["192.0.2.53"]


def test_a_key_pair_can_be_found_by_its_name() -> None:
    tags = {"mcis": "shop", "mcis-namespace": "default"}
    mcis = a_lab(web())
    name = resources.key_name(mcis, "key/generated/lab/RegionOne", KEY)
    assert name.startswith(resources.key_mark(tags))
    assert not name.startswith(resources.key_mark(tags | {"mcis-env": "prod"}))


def test_another_key_has_another_name() -> None:
    mcis = a_lab(web())
    key = "key/ops/lab/RegionOne"
    assert resources.key_name(mcis, key, "ssh-rsa A") != resources.key_name(mcis, key, "ssh-rsa B")


def test_every_connection_and_region_of_a_user_has_key_pairs_of_its_own_name() -> None:
    places = [(name, region) for name in ("lab", "two", "a" * 100) for region in (ONE, TWO)]
    connections = {
        name: Connection(name=name, cloud="openstack", settings=lab().settings) for name, _ in places
    }
    groups = [
        replace(web(connection=name, region=region), name=f"g{number}")
        for number, (name, region) in enumerate(places)
    ]
    mcis = an_mcis(*groups, connections=connections)
    pairs = of_kind(built(mcis), "Keypair").values()
    names = {str(pair.inputs["name"]) for pair in pairs}
    assert len(names) == len(places)
    # Nova takes 255 of letters, digits, spaces, underscores and dashes.
    assert all(re.fullmatch(r"[A-Za-z0-9 _-]{1,255}", name) for name in names)


def test_a_label_that_networks_cannot_carry_is_on_machines_only() -> None:
    made = built(a_lab(web(labels={"note": "x" * 80, "a/b": "c"})))
    metadata: Any = made["web-1"].inputs["metadata"]
    words: Any = made["nic/web-1"].inputs["tags"]
    assert metadata["note"] == "x" * 80 and metadata["a_b"] == "c"
    assert not [word for word in words if word.startswith(("note", "a"))]


@pytest.mark.parametrize(
    "flavor, arch",
    [("m1.small", "amd64"), ("a1.arm64.large", "arm64"), ("ampere-4", "arm64"), ("farm.large", "amd64")],
)
def test_a_flavors_name_gives_its_processor_away(flavor: str, arch: str) -> None:
    assert graph.arch(flavor) == arch
