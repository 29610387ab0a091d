"""What an unfinished create made is found in its cloud by what the graph gives it: tags and a name.

Everything the graph of a cloud has is put into that cloud's fake and looked for as after a crash.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.putting import SERVED, Put
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
