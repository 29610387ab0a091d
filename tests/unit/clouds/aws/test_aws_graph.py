"""What AWS is asked for: the traps its graph goes around."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest
from fakes.mcis import KEY, a_group, an_mcis
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.clouds import registry
from mcis_iac.clouds.aws import graph, machine, network
from mcis_iac.model import Connection, Disk, HostKey, Image, ImageChoice, Mcis, Member, Network, Plan
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph, Join, Ref, Secret, refs

SEOUL, VIRGINIA = "ap-northeast-2", "us-east-1"


def an_aws(*groups: Any, settings: dict[str, Any] | None = None, **fields: Any) -> Mcis:
    return an_mcis(
        *groups, connections={"aws": Connection(name="aws", cloud="aws", settings=settings or {})}, **fields
    )


def a_web(count: int = 1, region: str = SEOUL, **fields: Any) -> Any:
    return a_group(fields.pop("name", "web"), count, cloud="aws", region=region, **fields)


def members_of(mcis: Mcis) -> tuple[Member, ...]:
    def zone(group: Any, ordinal: int) -> str:
        zones = graph.facts().regions[group.placement.region].zones
        return group.placement.zone or zones[(ordinal - 1) % len(zones)]

    return tuple(
        Member(
            group=group.name,
            ordinal=ordinal,
            connection=group.placement.connection,
            cloud="aws",
            region=group.placement.region,
            zone=zone(group, ordinal),
            type=group.placement.type or "t3.micro",
            image=ImageChoice(alias=group.image),
            spot=group.placement.spot,
        )
        for group in mcis.groups.values()
        for ordinal in range(1, group.count + 1)
    )


def planned(mcis: Mcis, **fields: Any) -> Plan:
    members = members_of(mcis)
    places = dict.fromkeys(f"{member.connection}/{member.region}" for member in members)
    ranges = {"main": {place: f"10.32.{16 * n}.0/20" for n, place in enumerate(places)}}
    whole = {"ranges": ranges, **fields}
    return Plan(mcis=mcis, members=members, public_keys={"generated": KEY}, **whole)


def built(*groups: Any, plan: dict[str, Any] | None = None, **fields: Any) -> Graph:
    return build(planned(an_aws(*groups, **fields), **(plan or {})))


def inputs(found: Graph, key: str) -> Any:
    return found[key].inputs


def keys(found: Graph, kind: str) -> list[str]:
    return [r.key for r in found.resources if r.key.partition("/")[0] == kind]


# ---------------------------------------------------------------- machines


def test_in_a_network_of_ours_the_subnet_gives_the_address_and_no_machine_asks_for_one() -> None:
    found = built(a_web(), a_web(name="api", public_ip="none"), a_web(name="db", public_ip="static"))
    for name in ("web-1", "api-1", "db-1"):
        assert "associatePublicIpAddress" not in (*inputs(found, name), *found[name].options.ignore_changes)


def test_images_and_first_boot_count_once() -> None:
    assert {"ami", "userData", "keyName"} <= set(built(a_web())["web-1"].options.ignore_changes)


def test_the_boot_disk_is_encrypted_and_metadata_needs_a_token() -> None:
    web = inputs(built(a_web(disk=Disk(size_gib=30))), "web-1")
    disk = web["rootBlockDevice"]
    assert (disk["encrypted"], disk["volumeType"], disk["volumeSize"]) == (True, "gp3", 30)
    assert web["metadataOptions"]["httpTokens"] == "required"


@pytest.mark.parametrize(("size", "iops"), [(4, 3000), (8, 4000), (100, 6000), (None, 3000)])
def test_a_fast_disk_has_the_operations_its_size_allows(size: int | None, iops: int) -> None:
    found = machine.disk_inputs(Disk(size_gib=size, type="fast"), size="size", kind="type")
    assert (found["iops"], found["throughput"]) == (iops, 500)


def test_an_image_nobody_looked_up_is_shown_by_its_alias() -> None:
    assert inputs(built(a_web()), "web-1")["ami"] == "ubuntu-24.04"


def test_an_image_of_the_user_is_its_id_until_it_is_pinned() -> None:
    own = {"mine": Image(name="mine", by_cloud={"aws": {"id": "ami-0123"}})}
    assert inputs(built(a_web(image="mine"), images=own), "web-1")["ami"] == "ami-0123"


def test_a_spot_machine_can_be_stopped() -> None:
    web = a_web()
    web = replace(web, placement=replace(web.placement, spot=True))
    market = inputs(built(web), "web-1")["instanceMarketOptions"]
    assert market == {
        "marketType": "spot",
        "spotOptions": {"spotInstanceType": "persistent", "instanceInterruptionBehavior": "stop"},
    }


def test_a_static_address_is_bound_and_in_the_inventory() -> None:
    found = built(a_web(public_ip="static"))
    assert inputs(found, "bind/web-1") == {
        "region": SEOUL,
        "allocationId": Ref("ip/web-1"),
        "instanceId": Ref("web-1"),
    }
    inventory: Any = found.outputs["inventory"]
    assert inventory["web-1"]["public_ip"] == Ref("ip/web-1", "publicIp")


def test_a_data_disk_is_in_the_zone_of_its_machine_and_known_by_its_id() -> None:
    disk = Disk(name="data", size_gib=20, mount="/data")
    found = built(a_web(2, disks=(disk,)))
    assert inputs(found, "disk/web-2/data")["availabilityZone"] == f"{SEOUL}b"
    assert Ref("disk/web-2/data") in list(refs(inputs(found, "web-2")["userData"]))
    assert found["attach/web-2/data"].options.deleted_with == "web-2"


def test_a_private_host_key_is_secret_beside_a_disk_too() -> None:
    key = {"web-1": HostKey(public="ssh-ed25519 AAAA", private="PRIVATE")}
    disk = Disk(name="data", size_gib=20, mount="/data")
    plain = inputs(built(a_web(), plan={"host_keys": key}), "web-1")["userData"]
    mixed = inputs(built(a_web(disks=(disk,)), plan={"host_keys": key}), "web-1")["userData"]
    assert isinstance(plain, Secret) and "PRIVATE" in str(plain.value)
    assert isinstance(mixed, Join) and not any(isinstance(part, str) for part in mixed.parts)


@given(st.sets(st.text("abcdefgh", min_size=1), max_size=12))
def test_no_two_disks_have_one_device(names: set[str]) -> None:
    found = machine.devices(names)
    assert found == machine.devices(sorted(names, reverse=True))
    assert len(set(found.values())) == len(names)


# ---------------------------------------------------------------- networks


def test_public_machines_alone_need_no_nat_gateway() -> None:
    assert keys(built(a_web(3)), "nat") == []


def test_machines_without_an_address_share_one_nat_gateway_in_the_first_zone() -> None:
    found = built(a_web(3, zone="c", public_ip="none"))
    assert keys(found, "nat") == [f"nat/main/aws/{SEOUL}"]
    assert inputs(found, f"nat/main/aws/{SEOUL}")["subnetId"] == Ref(f"subnet/main/aws/{SEOUL}/a/public")
    assert inputs(found, f"route/main/aws/{SEOUL}/private")["natGatewayId"] == Ref(f"nat/main/aws/{SEOUL}")


def test_only_public_subnets_give_addresses() -> None:
    found = built(a_web(), a_web(name="api", public_ip="none"))
    given_out = {key: inputs(found, key)["mapPublicIpOnLaunch"] for key in keys(found, "subnet")}
    assert given_out == {
        f"subnet/main/aws/{SEOUL}/a/public": True,
        f"subnet/main/aws/{SEOUL}/a/private": False,
    }


def test_a_machine_starts_when_its_subnet_has_a_way_out() -> None:
    found = built(a_web(public_ip="none"))
    association = f"rta/main/aws/{SEOUL}/a/private"
    assert found["web-1"].options.depends_on == (association,)
    assert found[association].options.depends_on == (f"route/main/aws/{SEOUL}/private",)


@pytest.mark.parametrize("given_range", ["10.20.0.0/20", "10.20.3.0/24"])
def test_subnets_lie_in_the_block_and_beside_each_other(given_range: str) -> None:
    ranges = {"main": {f"aws/{SEOUL}": given_range}}
    found = built(a_web(4), a_web(4, name="api", public_ip="none"), plan={"ranges": ranges})
    block = IPv4Network(inputs(found, f"net/main/aws/{SEOUL}")["cidrBlock"])
    parts = [IPv4Network(inputs(found, key)["cidrBlock"]) for key in keys(found, "subnet")]
    assert len(parts) == 8 and all(part.subnet_of(block) for part in parts)
    assert not any(a.overlaps(b) for a in parts for b in parts if a is not b)


def test_an_existing_network_is_used_and_nothing_is_added_to_it() -> None:
    office = Network(
        name="main",
        existing={"aws": {SEOUL: {"vpc": "vpc-0abc", "subnets": {"a": "subnet-a", "b": "subnet-b"}}}},
    )
    found = built(a_web(2), networks={"main": office})
    assert [inputs(found, name)["subnetId"] for name in ("web-1", "web-2")] == ["subnet-a", "subnet-b"]
    assert inputs(found, f"sg/web/aws/{SEOUL}")["vpcId"] == "vpc-0abc"
    assert not [kind for kind in ("net", "subnet", "igw", "rtb", "route") if keys(found, kind)]


@pytest.mark.parametrize(("wanted", "asked"), [("ephemeral", True), ("static", True), ("none", False)])
def test_in_an_existing_network_a_machine_asks_itself_for_its_address_once(wanted: Any, asked: bool) -> None:
    office = Network(
        name="main", existing={"aws": {SEOUL: {"vpc": "vpc-0abc", "subnets": {"a": "subnet-a"}}}}
    )
    web = built(a_web(public_ip=wanted), networks={"main": office})["web-1"]
    assert web.inputs["associatePublicIpAddress"] is asked
    assert "associatePublicIpAddress" in web.options.ignore_changes


def test_a_private_part_is_as_far_into_the_upper_half() -> None:
    block = IPv4Network("10.0.16.0/20")
    assert str(network.private_part(block, IPv4Network("10.0.17.0/24"))) == "10.0.25.0/24"


# ---------------------------------------------------------------- firewalls and keys


def test_a_group_in_the_same_vpc_is_named_and_one_elsewhere_is_counted() -> None:
    found = built(a_web(), a_web(2, name="api"), a_web(2, VIRGINIA, name="far"))
    named = inputs(found, f"rule/web/aws/{SEOUL}/all/api")
    assert named["referencedSecurityGroupId"] == Ref(f"sg/api/aws/{SEOUL}")
    single = inputs(found, f"admit/far-2/web/aws/{SEOUL}/all")
    assert single["cidrIpv4"] == Join((Ref("far-2", "publicIp"), "/32"))


def test_all_traffic_has_no_ports_and_ping_has_all_types() -> None:
    found = built(a_web())
    rule = inputs(found, f"rule/web/aws/{SEOUL}/all/web")
    assert rule["ipProtocol"] == "-1" and "fromPort" not in rule


def test_a_group_may_talk_to_everybody() -> None:
    found = built(a_web())
    assert inputs(found, f"rule/web/aws/{SEOUL}/out")["cidrIpv4"] == "0.0.0.0/0"
    assert inputs(found, f"rule/web/aws/{SEOUL}/out6")["cidrIpv6"] == "::/0"


def test_every_region_has_its_own_copy_of_a_key() -> None:
    found = built(a_web(), a_web(name="far", region=VIRGINIA))
    assert keys(found, "key") == [f"key/generated/aws/{SEOUL}", f"key/generated/aws/{VIRGINIA}"]


def test_a_new_key_has_a_new_name() -> None:
    mcis = an_aws(a_web())
    plan = planned(mcis)
    other = replace(plan, public_keys={"generated": KEY.replace("AAAAC3", "AAAAC4")})
    key = f"key/generated/aws/{SEOUL}"
    assert build(plan)[key].inputs["keyName"] != build(other)[key].inputs["keyName"]


# ---------------------------------------------------------------- the provider


def test_a_provider_knows_where_credentials_are_and_has_none() -> None:
    settings = {"profile": "shop", "role": "arn:aws:iam::1:role/x", "env": {"AWS_ACCESS_KEY_ID": "SHOP_ID"}}
    provider = built(a_web(), settings=settings)["provider/aws"]
    assert provider.inputs["profile"] == "shop"
    assert provider.inputs["assumeRoles"] == [{"roleArn": "arn:aws:iam::1:role/x", "sessionName": "mcis"}]
    assert provider.env == {"SHOP_ID": "AWS_ACCESS_KEY_ID"}


def test_another_region_changes_no_provider() -> None:
    one, two = built(a_web()), built(a_web(region=VIRGINIA))
    assert one["provider/aws"] == two["provider/aws"]


@pytest.mark.parametrize(
    ("kind", "arch"),
    [("t3.micro", "amd64"), ("t4g.small", "arm64"), ("c7gn.large", "arm64"), ("g4dn.xlarge", "amd64"),
     ("a1.large", "arm64"), ("m7i-flex.large", "amd64"), ("x2gd.medium", "arm64"), ("g6e.xlarge", "amd64")],
)  # fmt: skip
def test_a_type_tells_its_processor(kind: str, arch: str) -> None:
    assert graph.arch(kind) == arch


def test_every_region_has_zones_and_every_type_its_size() -> None:
    facts = registry.graph("aws").facts()
    assert all(region.zones for region in facts.regions.values())
    assert all(size["vcpus"] > 0 and size["memory_gib"] > 0 for size in facts.types.values())
    assert not facts.types_complete
