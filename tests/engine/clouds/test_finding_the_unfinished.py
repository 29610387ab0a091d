"""What an unfinished create made is found in its cloud by what the graph gives it: tags and a name.

Everything the graph of a cloud has is put into that cloud's fake and looked for as after a crash.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fakes import arm, gcp, moto, openstack
from fakes.standin.stacks import everything, plan_of

from mcis_iac.engine.checkpoint import Pending, StateResource
from mcis_iac.flows.adoption import Adoption
from mcis_iac.flows.ground import of_mcis
from mcis_iac.model import Connection
from mcis_iac.pipeline import Request
from mcis_iac.program.build import build
from mcis_iac.program.graph import Resource

pytestmark = [
    pytest.mark.process,  # the clouds are servers on this machine
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),  # OpenStack's SDK warns of itself
]
Put = Callable[[Resource], str]
SETTINGS = {"gcp": {"project": "shop-project"}}
FOREIGN = ("AWS_", "GOOGLE_", "GCLOUD_", "CLOUDSDK_", "ARM_", "AZURE_", "IDENTITY_", "MSI_", "OS_")
# Kinds that are found. Rules, routes, associations and attachments carry no tags or are not looked for.
FOUND = {
    "aws": {
        "ebs/volume:Volume",
        "ec2/eip:Eip",
        "ec2/instance:Instance",
        "ec2/internetGateway:InternetGateway",
        "ec2/keyPair:KeyPair",
        "ec2/natGateway:NatGateway",
        "ec2/routeTable:RouteTable",
        "ec2/securityGroup:SecurityGroup",
        "ec2/subnet:Subnet",
        "ec2/vpc:Vpc",
    },
    "gcp": {
        "compute/address:Address",
        "compute/disk:Disk",
        "compute/firewall:Firewall",
        "compute/instance:Instance",
        "compute/network:Network",
        "compute/router:Router",
        "compute/subnetwork:Subnetwork",
    },
    "azure": {
        "compute:Disk",
        "compute:VirtualMachine",
        "network:ApplicationSecurityGroup",
        "network:NatGateway",
        "network:NetworkInterface",
        "network:NetworkSecurityGroup",
        "network:PublicIPAddress",
        "network:VirtualNetwork",
        "resources:ResourceGroup",
    },
    "openstack": {
        "blockstorage/volume:Volume",
        "compute/instance:Instance",
        "compute/keypair:Keypair",
        "networking/floatingIp:FloatingIp",
        "networking/network:Network",
        "networking/port:Port",
        "networking/router:Router",
        "networking/secGroup:SecGroup",
        "networking/subnet:Subnet",
    },
}


# ---------------------------------------------------------------- putting things into fakes


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


@pytest.fixture
def put(cloud: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Put]:
    """What puts a resource of a graph into that cloud's fake; the environment leads to it."""
    for name in [name for name in os.environ if name.startswith(FOREIGN) or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with ExitStack() as until:
        found, variables = SERVED[cloud](until, tmp_path)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield found


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


# ---------------------------------------------------------------- finding them


@pytest.mark.parametrize("cloud", sorted(SERVED))
def test_what_carries_our_tags_and_name_is_found(cloud: str, put: Put) -> None:
    mcis = everything(cloud)
    here = of_mcis(
        Request(),
        replace(
            mcis, connections={cloud: Connection(name=cloud, cloud=cloud, settings=SETTINGS.get(cloud, {}))}
        ),
    )
    wanted: dict[str, Resource] = {}
    for one in build(plan_of(mcis)).resources:
        kind = one.token.partition(":")[2]
        if kind in FOUND[cloud]:
            wanted.setdefault(kind, one)
    assert wanted.keys() == FOUND[cloud]
    made = {one.key: put(one) for one in wanted.values()}
    adoption = Adoption(here)
    assert {one.key: adoption(unfinished(one)) for one in wanted.values()} == made


def unfinished(one: Resource) -> Pending:
    resource = StateResource(urn=f"urn::{one.key}", token=one.token, key=one.key, inputs=one.inputs)
    return Pending(op="creating", resource=resource)
