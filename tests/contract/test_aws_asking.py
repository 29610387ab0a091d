"""Asking AWS for images, states, quotas and what is ours, against a server that speaks its language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fakes import moto
from fakes.moto import CANONICAL, NOBLE, tagged

from mcis_iac.clouds.aws import doctor, images, lifecycle, lookup, quotas
from mcis_iac.clouds.aws.credentials import Access
from mcis_iac.clouds.base import Demand, ImageQuery, Spot
from mcis_iac.errors import CredentialsError, OperationError
from mcis_iac.model import Connection, Status, Vm

pytestmark = pytest.mark.process  # moto is a server of its own
SEOUL, VIRGINIA = "ap-northeast-2", "us-east-1"
AWS = Connection(name="aws", cloud="aws")
SHOP = {"mcis": "shop", "mcis-namespace": "default"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with moto.serving(tmp_path_factory.mktemp("moto")) as address:
        yield address


@pytest.fixture(autouse=True)
def account(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """An account without anything, reached by the variables the SDK reads anyway."""
    moto.forget(server)
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def regions(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that can use two regions; a client for each of moto's takes seconds."""
    asked = Access.regions

    def some(self: Access) -> list[str]:
        return [region for region in asked(self) if region in {SEOUL, VIRGINIA}]

    monkeypatch.setattr(Access, "regions", some)


def ec2(region: str = SEOUL) -> Any:
    import boto3

    return boto3.client("ec2", region_name=region)


def a_subnet(tags: dict[str, str] | None = None) -> Any:
    mine = tags or {}
    vpc = ec2().create_vpc(CidrBlock="10.0.0.0/20", TagSpecifications=tagged("vpc", mine) if mine else [])
    specifications = tagged("subnet", mine) if mine else []
    place = {"VpcId": vpc["Vpc"]["VpcId"], "CidrBlock": "10.0.0.0/24"}
    return ec2().create_subnet(**place, TagSpecifications=specifications)["Subnet"]


def a_machine(subnet: Any, name: str = "web-1", **more: str) -> str:
    tags = {**SHOP, "mcis-vm": name, "Name": f"shop-{name}", **more}
    answer = ec2().run_instances(
        ImageId="ami-0000000b",
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet["SubnetId"],
        TagSpecifications=tagged("instance", tags),
    )
    return str(answer["Instances"][0]["InstanceId"])


def a_vm(id: str, name: str = "web-1", region: str = SEOUL) -> Vm:
    return Vm(
        name=name, group="web", ordinal=1, connection="aws", cloud="aws", region=region, zone="a",
        type="t3.micro", id=id, private_ip="", public_ip=None, user="mcis", host_key=None,
    )  # fmt: skip


def found(tags: dict[str, str]) -> list[tuple[str, str]]:
    return [(each.kind, each.name) for each in lookup.find(AWS, tags)]


# ---------------------------------------------------------------- images


def asked(alias: str, *entry: tuple[str, str], arch: Any = "amd64", region: str = SEOUL) -> str | None:
    query = ImageQuery(region=region, alias=alias, arch=arch, entry=entry)
    return images.resolve(AWS, [query]).get(query)


def test_an_alias_is_the_newest_image_of_its_publisher_for_the_processor() -> None:
    assert asked("ubuntu-24.04") == "ami-0000000b"
    assert asked("ubuntu-24.04", arch="arm64") == "ami-0000000c"
    assert asked("debian-12", arch="arm64") == "ami-0000000e"


def test_an_alias_without_an_image_there_is_left_out() -> None:
    assert asked("debian-12") is None


def test_the_publishers_parameter_comes_first() -> None:
    import boto3

    name = "/company/base"
    boto3.client("ssm", region_name=SEOUL).put_parameter(Name=name, Value="ami-0000000a", Type="String")
    assert asked("mine", ("ssm", name)) == "ami-0000000a"
    assert asked("mine", ("ssm", "/company/other")) is None


def test_an_image_of_the_user_is_found_by_id_or_by_name_and_owner() -> None:
    assert asked("mine", ("id", "ami-0000000c")) == "ami-0000000c"
    assert asked("mine", ("name", f"{NOBLE}-amd64-*"), ("owner", CANONICAL)) == "ami-0000000b"


def test_an_id_that_is_not_there_is_left_out() -> None:
    assert asked("mine", ("id", "ami-0fffffff")) is None


# ---------------------------------------------------------------- states


def test_running_stopped_and_gone_machines_are_told_apart() -> None:
    subnet = a_subnet()
    ids = [a_machine(subnet, name) for name in ("web-1", "web-2", "web-3")]
    ec2().stop_instances(InstanceIds=[ids[1]])
    ec2().terminate_instances(InstanceIds=[ids[2]])
    vms = [a_vm(id, f"web-{n}") for n, id in enumerate(ids, 1)]
    seen = lifecycle.observe(AWS, [*vms, a_vm("i-00000000000000000", "web-4")])
    assert [seen[f"web-{n}"].status for n in range(1, 5)] == [
        Status.RUNNING,
        Status.SUSPENDED,
        Status.TERMINATED,
        Status.TERMINATED,
    ]


def test_a_machine_is_looked_for_in_its_own_region() -> None:
    id = a_machine(a_subnet())
    assert lifecycle.observe(AWS, [a_vm(id, region=VIRGINIA)])["web-1"].native == "not found"


# ---------------------------------------------------------------- what is ours


def test_everything_with_the_tags_is_found_machines_first() -> None:
    subnet = a_subnet(SHOP | {"Name": "net"})
    a_machine(subnet)
    ec2().import_key_pair(
        KeyName="login",
        PublicKeyMaterial=b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6ZQfAkEGBrzN5vJfA3rFj1uEWqAzwSm2s3jvJq4mY8",
        TagSpecifications=tagged("key-pair", SHOP | {"Name": "login"}),
    )
    assert found(SHOP) == [
        ("instance", "shop-web-1"),
        ("subnet", "net"),
        ("vpc", "net"),
        ("key-pair", "login"),
    ]
    assert lookup.find(AWS, SHOP)[-1].id == "login"  # as the provider calls it


def test_an_env_beside_it_is_not_meant() -> None:
    subnet = a_subnet()
    a_machine(subnet)
    a_machine(subnet, "web-9", **{"mcis-env": "prod"})
    assert found(SHOP) == [("instance", "shop-web-1")]
    assert found(SHOP | {"mcis-env": "prod"}) == [("instance", "shop-web-9")]


def test_a_terminated_machine_is_not_there_any_more() -> None:
    ec2().terminate_instances(InstanceIds=[a_machine(a_subnet())])
    assert found(SHOP) == []


def test_a_sweep_leaves_nothing_of_ours_and_all_of_the_others() -> None:
    subnet, other = a_subnet(SHOP), a_subnet()
    a_machine(subnet)
    kept = a_machine(other, **{"mcis": "another"})
    client, vpc = ec2(), subnet["VpcId"]
    sides = [
        client.create_security_group(
            GroupName=name, Description=name, VpcId=vpc, TagSpecifications=tagged("security-group", SHOP)
        )["GroupId"]
        for name in ("one", "two")
    ]
    for mine, theirs in (sides, sides[::-1]):
        pair = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": theirs}]}
        client.authorize_security_group_ingress(GroupId=mine, IpPermissions=[pair])
    gateway = client.create_internet_gateway(TagSpecifications=tagged("internet-gateway", SHOP))
    gateway_id = gateway["InternetGateway"]["InternetGatewayId"]
    client.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc)
    address = client.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", SHOP))
    client.create_nat_gateway(
        SubnetId=subnet["SubnetId"],
        AllocationId=address["AllocationId"],
        TagSpecifications=tagged("natgateway", SHOP),
    )
    table = client.create_route_table(VpcId=vpc, TagSpecifications=tagged("route-table", SHOP))
    client.associate_route_table(
        RouteTableId=table["RouteTable"]["RouteTableId"], SubnetId=subnet["SubnetId"]
    )
    swept = lookup.sweep(AWS, SHOP)
    assert [each.kind for each in swept] == [
        "instance", "natgateway", "elastic-ip", "security-group", "security-group",
        "subnet", "route-table", "internet-gateway", "vpc",
    ]  # fmt: skip
    assert found(SHOP) == []
    assert lifecycle.observe(AWS, [a_vm(kept)])["web-1"].status is Status.RUNNING
    assert vpc not in {each["VpcId"] for each in ec2().describe_vpcs()["Vpcs"]}


# ---------------------------------------------------------------- spot requests


def a_spot_request(subnet: Any, *, tags: dict[str, str] | None = None, group: str = "") -> tuple[str, str]:
    """A persistent request and the machine it has started, which has the tags."""
    launch = {"ImageId": "ami-0000000b", "InstanceType": "t3.micro", "SubnetId": subnet["SubnetId"]}
    if group:
        launch["SecurityGroups"] = [group]  # the only words moto has for them
    (made,) = ec2().request_spot_instances(Type="persistent", LaunchSpecification=launch)[
        "SpotInstanceRequests"
    ]
    if tags:
        named = [{"Key": key, "Value": value} for key, value in tags.items()]
        ec2().create_tags(Resources=[made["InstanceId"]], Tags=named)
    return str(made["SpotInstanceRequestId"]), str(made["InstanceId"])


def open_requests() -> set[str]:
    told = ec2().describe_spot_instance_requests()["SpotInstanceRequests"]
    return {each["SpotInstanceRequestId"] for each in told}


def a_group(name: str, vpc: str, tags: dict[str, str]) -> str:
    made = ec2().create_security_group(
        GroupName=name, Description=name, VpcId=vpc, TagSpecifications=tagged("security-group", tags)
    )
    return str(made["GroupId"])


WEB = SHOP | {"mcis-vm": "web-1", "Name": "shop-web-1"}


def test_the_request_of_a_living_machine_is_cancelled_with_it() -> None:
    a_spot_request(a_subnet(), tags=WEB)
    assert found(SHOP) == [("instance", "shop-web-1")]
    assert [each.kind for each in lookup.sweep(AWS, SHOP)] == ["instance"]
    assert open_requests() == set()


@pytest.mark.parametrize("tags", [SHOP, SHOP | {"mcis-vm": "web-1"}])
def test_a_request_that_outlives_its_machine_is_found_and_cancelled(tags: dict[str, str]) -> None:
    request, machine = a_spot_request(a_subnet(), tags=WEB)
    ec2().terminate_instances(InstanceIds=[machine])
    assert found(tags) == [("spot-request", request)]
    assert [each.id for each in lookup.sweep(AWS, tags)] == [request]
    assert open_requests() == set() and found(tags) == []


def test_a_machine_that_a_request_has_started_in_our_group_goes_with_it() -> None:
    subnet = a_subnet(SHOP)
    request, machine = a_spot_request(subnet, group=a_group("web", subnet["VpcId"], SHOP))
    assert ("spot-request", request) in found(SHOP)
    lookup.sweep(AWS, SHOP)
    assert open_requests() == set()
    assert lifecycle.observe(AWS, [a_vm(machine)])["web-1"].status is Status.TERMINATED
    assert found(SHOP) == []


def test_requests_of_others_stay() -> None:
    subnet = a_subnet(SHOP)
    vpc = subnet["VpcId"]
    ours, theirs = a_group("web", vpc, SHOP), a_group("theirs", vpc, {"mcis": "another"})
    kept = [
        a_spot_request(a_subnet())[0],
        a_spot_request(a_subnet(), tags=WEB | {"mcis-env": "prod"})[0],
        a_spot_request(subnet, group=theirs)[0],
    ]
    assert ("security-group", ours) in [(each.kind, each.id) for each in lookup.find(AWS, SHOP)]
    assert "spot-request" not in [kind for kind, _ in found(SHOP)]
    assert open_requests() == set(kept)


# ---------------------------------------------------------------- the doctor


def checks(**wanted: Any) -> dict[str, Any]:
    demand = {"vms": 1, "vcpus": 0, "public_ips": 0, "networks": 0} | wanted
    return {each.topic: each for each in doctor.check(AWS, [Demand(region=SEOUL, **demand)])}


def test_the_doctor_says_who_we_are_and_that_we_may() -> None:
    seen = checks()
    assert seen["credentials"].ok and "arn:aws" in seen["credentials"].found
    assert seen[f"permissions in {SEOUL}"].ok


@pytest.mark.parametrize(("networks", "fits"), [(1, True), (5, False)])
def test_the_doctor_compares_a_demand_with_what_is_left(networks: int, fits: bool) -> None:
    seen = checks(networks=networks)[f"VPCs in {SEOUL}"]
    assert seen.ok is fits  # five, of which the default one is taken
    assert ("request-service-quota-increase" in seen.hint) is not fits


def test_addresses_that_stay_and_those_of_gateways_are_elastic_ones() -> None:
    demand = Demand(region=SEOUL, vms=9, vcpus=0, public_ips=9, networks=1, static_ips=4, gateways=1)
    wanted = {quota.what: quota.wanted(demand) for quota in quotas.QUOTAS}
    assert wanted["Elastic IPs"] == 5


def test_the_doctor_asks_for_the_processors_of_types_it_does_not_know() -> None:
    seen = checks(uncounted=(("m5.metal", 1), ("t3.nano", 2), ("z9.huge", 1)))[f"vCPUs in {SEOUL}"]
    assert seen.found.startswith("100 wanted")  # 96 + 2 * 2


def test_spot_machines_have_a_quota_of_their_own() -> None:
    types = (("t3.medium", 2.0), ("m5.xlarge", 4.0))
    seen = checks(vcpus=6, by_type=types, spot=Spot(vcpus=4, by_type=types[1:]))
    assert seen[f"vCPUs in {SEOUL}"].found.startswith("2 wanted")
    assert seen[f"spot vCPUs in {SEOUL}"].found.startswith("4 wanted")
    told = checks(uncounted=(("t3.nano", 3),), spot=Spot(uncounted=(("t3.nano", 2),)))
    assert told[f"vCPUs in {SEOUL}"].found.startswith("2 wanted")
    assert told[f"spot vCPUs in {SEOUL}"].found.startswith("4 wanted")
    alone = checks(vcpus=4, by_type=types[1:], spot=Spot(vcpus=4, by_type=types[1:]))
    assert f"vCPUs in {SEOUL}" not in alone


def test_families_have_quotas_of_their_own() -> None:
    seen = checks(
        by_type=(("g5.xlarge", 4.0), ("im4gn.large", 2.0), ("p4d.24xlarge", 96.0), ("vt1.3xlarge", 12.0))
    )
    wanted = {name: each.found.partition(" ")[0] for name, each in seen.items() if "vCPUs" in name}
    assert wanted == {
        f"vCPUs in {SEOUL}": "2",
        f"G and VT vCPUs in {SEOUL}": "16",
        f"P vCPUs in {SEOUL}": "96",
    }
    every = [letters for family in quotas.FAMILIES for letters in family.letters]
    assert len(every) == len(set(every))


def test_the_doctor_says_which_types_a_region_does_not_have() -> None:
    seen = checks(types=("t3.micro", "z9.huge"))
    assert seen[f"t3.micro in {SEOUL}"].ok
    missing = seen[f"z9.huge in {SEOUL}"]
    assert (missing.ok, missing.found) == (False, "not in zone a, b, c, d")
    assert missing.hint == "choose another type"


def test_the_doctor_says_how_to_get_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (only,) = checks().values()
    assert not only.ok and "profile" in only.hint


# ---------------------------------------------------------------- credentials


def test_without_credentials_nobody_is_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CredentialsError) as refused:
        asked("ubuntu-24.04")
    assert refused.value.exit_code == 3


def test_an_unknown_profile_is_named() -> None:
    connection = Connection(name="shop", cloud="aws", settings={"profile": "nobody"})
    with pytest.raises(CredentialsError, match="nobody"):
        lifecycle.observe(connection, [a_vm("i-0")])


def test_a_variable_of_the_user_stands_for_one_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"AWS_ACCESS_KEY_ID": "SHOP_ID", "AWS_SECRET_ACCESS_KEY": "SHOP_SECRET"}
    connection = Connection(name="shop", cloud="aws", settings={"env": names})
    for theirs, ours in names.items():
        monkeypatch.delenv(theirs)
        monkeypatch.setenv(ours, "x")
    assert lookup.find(connection, SHOP) == []
    monkeypatch.delenv("SHOP_SECRET")
    with pytest.raises(CredentialsError, match="SHOP_SECRET"):
        lookup.find(connection, SHOP)


def test_a_role_is_assumed() -> None:
    settings = {"role": "arn:aws:iam::123456789012:role/mcis"}
    connection = Connection(name="shop", cloud="aws", settings=settings)
    who = next(iter(doctor.check(connection, [])))
    assert who.ok and "assumed-role/mcis" in who.found


def test_a_refusal_is_said_in_the_clouds_own_words() -> None:
    with pytest.raises(OperationError) as refused:
        asked("mine", ("name", "x"), ("owner", "not an account"), region="nowhere-1")
    assert "aws" in refused.value.detail and refused.value.hint
