"""Puts things of a graph into the fake of its cloud, as an engine that died had made them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes import arm, gcp, moto, openstack

from mcis_iac.program.graph import Resource

Put = Callable[[Resource], str]


def google(fake: gcp.FakeGoogle) -> Put:
    plurals = {
        "Network": "global/networks",
        "Firewall": "global/firewalls",
        "Subnetwork": "regions/{region}/subnetworks",
        "Router": "regions/{region}/routers",
        "Address": "regions/{region}/addresses",
        "Instance": "zones/{zone}/instances",
        "Disk": "zones/{zone}/disks",
    }
    fake.has_project("shop-project")

    def put(one: Resource) -> str:
        place = plurals[kind_of(one)].format(**{"zone": "", **one.inputs})
        carried = {name: one.inputs[name] for name in ("labels", "description") if name in one.inputs}
        return fake.has(f"projects/shop-project/{place}/{one.inputs['name']}", **carried)

    return put


def azure(fake: arm.FakeArm) -> Put:
    types = {
        "compute": "Microsoft.Compute",
        "network": "Microsoft.Network",
        "resources": "Microsoft.Resources",
    }
    plurals = {
        "VirtualMachine": ("virtualMachines", "vmName"),
        "Disk": ("disks", "diskName"),
        "PublicIPAddress": ("publicIPAddresses", "publicIpAddressName"),
        "ResourceGroup": ("resourceGroups", "resourceGroupName"),
    }

    def put(one: Resource) -> str:
        kind = kind_of(one)
        word = f"{kind[0].lower()}{kind[1:]}"
        plural, given = plurals.get(kind, (f"{word}s", f"{word}Name"))
        name = str(one.inputs[given])
        group = name if kind == "ResourceGroup" else "shop-group"
        space = types[one.token.split(":")[1]]
        return fake.has(f"{space}/{plural}", group, name, texts(one.inputs["tags"]))

    return put


def stack(fake: openstack.FakeOpenStack) -> Put:
    plurals = {
        "Instance": "servers",
        "Volume": "volumes",
        "FloatingIp": "floatingips",
        "SecGroup": "security-groups",
        "Keypair": "os-keypairs",
        "Router": "routers",
    }

    def put(one: Resource) -> str:
        kind = kind_of(one)
        named = {name: one.inputs[name] for name in ("name", "description") if name in one.inputs}
        if "metadata" in one.inputs:
            named["metadata"] = one.inputs["metadata"]
        named["tags"] = one.inputs.get("tags", [])
        if kind == "Instance":
            return fake.has_server(f"id-of-{one.key}", **named)
        id_ = str(named["name"]) if kind == "Keypair" else f"id-of-{one.key}"
        return fake.has(plurals.get(kind, f"{kind.lower()}s"), id_, **named)

    return put


@dataclass
class Amazon:
    """Makes things on EC2 one after the other, each with what it cannot be without."""

    region: str = ""
    vpc: str = ""
    subnet: str = ""

    def __call__(self, one: Resource) -> str:
        self.region = self.region or str(one.inputs["region"])
        kind, word = kind_of(one), WORDS[kind_of(one)]
        answer: Any = getattr(self, f"_{word.replace('-', '_')}")(
            moto.tagged(word, texts(one.inputs["tags"]))
        )
        for name in ANSWERS[kind]:
            answer = answer[name]
        return str(answer)

    @property
    def ec2(self) -> Any:
        import boto3

        return boto3.client("ec2", region_name=self.region)

    def _vpc(self, tags: Any) -> Any:
        made = self.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)
        self.vpc = made["Vpc"]["VpcId"]
        return made

    def _subnet(self, tags: Any) -> Any:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/24", TagSpecifications=tags)
        self.subnet = made["Subnet"]["SubnetId"]
        return made

    def _internet_gateway(self, tags: Any) -> Any:
        return self.ec2.create_internet_gateway(TagSpecifications=tags)

    def _route_table(self, tags: Any) -> Any:
        return self.ec2.create_route_table(VpcId=self.vpc, TagSpecifications=tags)

    def _elastic_ip(self, tags: Any) -> Any:
        return self.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)

    def _natgateway(self, tags: Any) -> Any:
        return self.ec2.create_nat_gateway(
            SubnetId=self.subnet, ConnectivityType="private", TagSpecifications=tags
        )

    def _security_group(self, tags: Any) -> Any:
        return self.ec2.create_security_group(
            GroupName="a", Description="a", VpcId=self.vpc, TagSpecifications=tags
        )

    def _key_pair(self, tags: Any) -> Any:
        return self.ec2.create_key_pair(KeyName="a-name", TagSpecifications=tags)

    def _volume(self, tags: Any) -> Any:
        return self.ec2.create_volume(AvailabilityZone=f"{self.region}a", Size=1, TagSpecifications=tags)

    def _instance(self, tags: Any) -> Any:
        return self.ec2.run_instances(
            ImageId="ami-0000000b",
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            SubnetId=self.subnet,
            TagSpecifications=tags,
        )


WORDS = {
    "Vpc": "vpc",
    "Subnet": "subnet",
    "InternetGateway": "internet-gateway",
    "RouteTable": "route-table",
    "Eip": "elastic-ip",
    "NatGateway": "natgateway",
    "SecurityGroup": "security-group",
    "KeyPair": "key-pair",
    "Volume": "volume",
    "Instance": "instance",
}
ANSWERS: Mapping[str, tuple[str | int, ...]] = {
    "Vpc": ("Vpc", "VpcId"),
    "Subnet": ("Subnet", "SubnetId"),
    "InternetGateway": ("InternetGateway", "InternetGatewayId"),
    "RouteTable": ("RouteTable", "RouteTableId"),
    "Eip": ("AllocationId",),
    "NatGateway": ("NatGateway", "NatGatewayId"),
    "SecurityGroup": ("GroupId",),
    "KeyPair": ("KeyName",),
    "Volume": ("VolumeId",),
    "Instance": ("Instances", 0, "InstanceId"),
}


def kind_of(one: Resource) -> str:
    return one.token.rpartition(":")[2]


def texts(tags: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in tags.items()}


def _on_aws(until: ExitStack, folder: Path) -> tuple[Put, dict[str, str]]:
    address = until.enter_context(moto.serving(folder))
    return Amazon(), {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _on_gcp(until: ExitStack, folder: Path) -> tuple[Put, dict[str, str]]:
    fake = until.enter_context(gcp.google())
    return google(fake), {
        "GOOGLE_COMPUTE_CUSTOM_ENDPOINT": f"{fake.base}/compute/v1/",
        "GOOGLE_OAUTH_ACCESS_TOKEN": gcp.TOKEN,
        "CLOUDSDK_CONFIG": str(folder),
        "NO_GCE_CHECK": "true",
    }


def _on_azure(until: ExitStack, _folder: Path) -> tuple[Put, dict[str, str]]:
    fake = until.enter_context(arm.serving())
    return azure(fake), arm.variables(fake)


def _on_openstack(until: ExitStack, _folder: Path) -> tuple[Put, dict[str, str]]:
    fake = until.enter_context(openstack.serving("RegionOne"))
    return stack(fake), openstack.variables(fake)


SERVED = {"aws": _on_aws, "gcp": _on_gcp, "azure": _on_azure, "openstack": _on_openstack}
