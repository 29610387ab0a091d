"""The stand-in itself, through the real engine, with graphs made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from fakes.standin import VERSIONS
from fakes.standin.lab import Lab

from mcis_iac.errors import McisError
from mcis_iac.model import Op
from mcis_iac.program.graph import Graph, Options, Ref, Resource

pytestmark = pytest.mark.engine
IMAGE, OTHER = "ami-0123456789abcdef0", "ami-0123456789abcdef1"
INSTANCE = "aws:ec2/instance:Instance"
SEOUL = "ap-northeast-2"


def graph_of(*resources: Resource, outputs: Mapping[str, Any] | None = None) -> Graph:
    return Graph(project="shop", stack="front", resources=resources, outputs=outputs or {})


def provider(package: str, **inputs: Any) -> Resource:
    token = f"pulumi:providers:{package}"
    return Resource(key=f"provider/{package}", token=token, inputs=inputs, version=VERSIONS[package])


def thing(key: str, token: str, options: Options | None = None, **inputs: Any) -> Resource:
    package = token.partition(":")[0]
    return Resource(
        key=key,
        token=token,
        inputs=inputs,
        version=VERSIONS[package],
        provider=f"provider/{package}",
        options=options or Options(),
    )


def in_seoul(key: str, token: str, options: Options | None = None, **inputs: Any) -> Resource:
    return thing(key, f"aws:{token}", options, region=SEOUL, **inputs)


def machine(key: str, **inputs: Any) -> Resource:
    usual = {"ami": IMAGE, "instanceType": "t3.micro", "subnetId": Ref("subnet"), "keyName": Ref("key")}
    return in_seoul(key, "ec2/instance:Instance", **{**usual, "vpcSecurityGroupIds": [Ref("sg")], **inputs})


def aws(*machines: Resource) -> Graph:
    """A network, a key, a security group and those machines."""
    return graph_of(
        provider("aws"),
        in_seoul("vpc", "ec2/vpc:Vpc", cidrBlock="10.0.0.0/16"),
        in_seoul(
            "subnet", "ec2/subnet:Subnet", vpcId=Ref("vpc"), cidrBlock="10.0.1.0/24",
            availabilityZone=f"{SEOUL}a", mapPublicIpOnLaunch=True,
        ),
        in_seoul("key", "ec2/keyPair:KeyPair", keyName="shop", publicKey="ssh-ed25519 AAAA"),
        in_seoul("sg", "ec2/securityGroup:SecurityGroup", name="web", description="-", vpcId=Ref("vpc")),
        *machines,
    )  # fmt: skip


def azure(**machine: Any) -> Graph:
    """A machine without frills; `machine` are options and inputs that differ."""
    home: dict[str, Any] = {"resourceGroupName": Ref("rg", "name"), "location": "koreacentral"}
    options = machine.pop("options", None)
    profile = {
        "computerName": "web-1",
        "adminUsername": "mcis",
        "customData": machine.pop("customData", ""),
        "linuxConfiguration": {"disablePasswordAuthentication": True},
    }
    image = {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "24.4.1"}
    group = Resource(
        key="rg",
        token="azure-native:resources:ResourceGroup",
        inputs={"resourceGroupName": "shop", "location": "koreacentral"},
        version=VERSIONS["azure-native"],
        provider="provider/azure-native",
        outputs=("name",),
    )
    net = "azure-native:network:"
    return graph_of(
        provider("azure-native"),
        group,
        thing(
            "vnet", f"{net}VirtualNetwork", virtualNetworkName="main",
            addressSpace={"addressPrefixes": ["10.0.0.0/16"]}, **home,
        ),
        thing(
            "subnet", f"{net}Subnet", Options(depends_on=("vnet",)), virtualNetworkName="main",
            subnetName="a", addressPrefix="10.0.1.0/24", resourceGroupName=Ref("rg", "name"),
        ),
        thing(
            "nic", f"{net}NetworkInterface", networkInterfaceName="web-1",
            ipConfigurations=[{"name": "main", "subnet": {"id": Ref("subnet")}}], **home,
        ),
        thing(
            "web-1", "azure-native:compute:VirtualMachine", options, vmName="web-1", osProfile=profile,
            networkProfile={"networkInterfaces": [{"id": Ref("nic"), "primary": True}]},
            storageProfile={"imageReference": image, "osDisk": {"createOption": "FromImage"}},
            **home, **machine,
        ),
    )  # fmt: skip


def said(lab: Lab, graph: Graph) -> str:
    for _ in range(3):  # the engine sometimes hangs up on a program before it has said why
        with pytest.raises(McisError) as refused:
            lab.preview(graph)
        if "monitor has terminated" not in refused.value.detail:
            break
    return refused.value.detail


def test_a_stack_lives_its_whole_life(lab: Lab) -> None:
    graph = aws(machine("web-1"), machine("web-2"))
    assert lab.preview(graph).count(Op.CREATE) == 6
    assert lab.there() == []
    first = lab.up(graph)
    assert (first.ok, len(first.steps)) == (True, 6)
    again = lab.up(graph)
    assert (again.steps, again.same) == ((), 6)
    assert lab.refresh().steps == ()
    assert lab.down().ok
    assert lab.there() == []


def test_ids_and_addresses_look_like_the_cloud_s(lab: Lab) -> None:
    lab.up(aws(machine("web-1")))
    (web,) = lab.clouds.things("aws", INSTANCE)
    assert web.id.startswith("i-") and len(web.id) == 19
    assert web.outputs["privateIp"].startswith("10.0.1.")
    assert web.outputs["publicIp"].startswith("198.18.")
    assert web.outputs["arn"].endswith(f":instance/{web.id}")


def test_inputs_are_judged_by_the_typed_packages(lab: Lab) -> None:
    told = said(lab, aws(machine("web-1", instance_type="t3.small", ebsOptimized="yes")))
    assert "instance_type" in told and "there is no such property" in told
    assert "must be a bool" in told


def test_what_the_schema_requires_must_be_there(lab: Lab) -> None:
    told = said(lab, aws(in_seoul("rtb", "ec2/routeTable:RouteTable")))
    assert "vpcId" in told


def test_only_what_the_provider_replaces_is_replaced(lab: Lab) -> None:
    lab.up(aws(machine("web-1")))
    (before,) = lab.clouds.things("aws", INSTANCE)
    (larger,) = lab.up(aws(machine("web-1", instanceType="t3.large"))).steps
    assert larger.op is Op.UPDATE
    assert lab.clouds.things("aws", INSTANCE)[0].id == before.id
    (other,) = lab.up(aws(machine("web-1", instanceType="t3.large", ami=OTHER))).steps
    assert other.op is Op.REPLACE
    assert [one.id for one in lab.clouds.things("aws", INSTANCE)] != [before.id]


def test_a_reference_into_the_void_is_refused(lab: Lab) -> None:
    outcome = lab.up(aws(machine("web-1", subnetId="subnet-00000000000000000")))
    (step,) = outcome.failed
    assert step.failure is not None
    assert "InvalidSubnetID.NotFound" in step.failure.message


def test_what_is_in_use_cannot_be_deleted(lab: Lab) -> None:
    lab.up(aws(machine("web-1")))
    (kept,) = lab.clouds.things("aws", INSTANCE)
    deployment = {**lab.session.deployment()}
    deployment["resources"] = [one for one in deployment["resources"] if one.get("type") != INSTANCE]
    lab.session.restore(deployment)
    refused = lab.down().failed
    assert {
        step.key for step in refused if step.failure and "DependencyViolation" in step.failure.message
    } == {
        "subnet",
        "sg",
    }
    assert [one.id for one in lab.clouds.things("aws", INSTANCE)] == [kept.id]


def test_quota_holds_up_only_what_it_hits(lab: Lab) -> None:
    lab.clouds.faults({"do": "quota", "name": "web-2"})
    graph = aws(machine("web-1"), machine("web-2"), machine("web-3"))
    (step,) = lab.up(graph).failed
    assert step.key == "web-2" and step.failure is not None
    assert step.failure.code == "quota"
    lab.clouds.faults()
    assert [(one.key, one.op) for one in lab.up(graph).steps] == [("web-2", Op.CREATE)]


def test_a_throttled_call_works_the_next_time(lab: Lab) -> None:
    lab.clouds.faults({"do": "throttle", "token": INSTANCE, "times": 1})
    graph = aws(machine("web-1"), machine("web-2"))
    assert len(lab.up(graph).failed) == 1
    assert len(lab.up(graph).steps) == 1
    assert lab.there(INSTANCE) == ["web-1", "web-2"]


def test_what_cannot_be_found_yet_is_found_by_the_next_run(lab: Lab) -> None:
    lab.clouds.faults({"do": "late", "name": "subnet", "seconds": 3})
    graph = aws(machine("web-1"))
    (step,) = lab.up(graph).failed
    assert step.failure is not None and "does not exist" in step.failure.message
    lab.clouds.faults({"do": "slow", "name": "web-1", "seconds": 3})
    assert lab.up(graph).ok


def test_a_plugin_that_dies_leaves_a_stack_that_goes_on(lab: Lab) -> None:
    lab.clouds.faults({"do": "die", "token": INSTANCE, "after": 1, "times": 1})
    graph = aws(machine("web-1"), machine("web-2"), machine("web-3"))
    died = lab.up(graph, parallel=1)
    assert not died.ok
    lab.clouds.faults()
    assert lab.up(graph).ok
    assert lab.there(INSTANCE) == ["web-1", "web-2", "web-3"]


def test_azure_refuses_what_only_a_replacement_can_change(lab: Lab) -> None:
    lab.up(azure())
    (step,) = lab.up(azure(customData="aGVsbG8=")).failed
    assert step.failure is not None and "PropertyChangeNotAllowed" in step.failure.message
    asked = Options(replace_on_changes=("osProfile.customData",), delete_before_replace=True)
    assert [one.op for one in lab.up(azure(customData="aGVsbG8=", options=asked)).steps] == [Op.REPLACE]


def test_azure_does_not_make_a_name_twice(lab: Lab) -> None:
    lab.up(azure())
    asked = Options(replace_on_changes=("osProfile.customData",))
    (step,) = lab.up(azure(customData="aGVsbG8=", options=asked)).failed
    assert step.failure is not None and "already exists" in step.failure.message


def test_path_parameters_are_no_outputs(lab: Lab) -> None:
    lab.up(azure())
    (web,) = lab.clouds.things("azure-native", "%:VirtualMachine")
    assert web.id.endswith("/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines/web-1")
    assert web.outputs["name"] == "web-1"
    assert not {"vmName", "resourceGroupName"} & web.outputs.keys()


def test_without_credentials_nothing_is_done(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "No valid credential sources" in said(lab, aws())
