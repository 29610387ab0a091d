"""A graph against the typed packages: what is caught, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mcis_iac.errors import OperationError
from mcis_iac.program.graph import Graph, Join, Options, Ref, Resource, Secret
from mcis_iac.program.types import problems

# The packages are seconds and 200 MiB to import: one worker is enough for all that need them.
pytestmark = pytest.mark.xdist_group("typed packages")
OPENSTACK, AWS, GCP, AZURE = "5.5.3", "7.51.1", "10.2.0", "3.29.0"
RULE = "openstack:networking/secGroupRule:SecGroupRule"
PORT = "openstack:networking/port:Port"
SERVER = "openstack:compute/instance:Instance"


def a_graph(*resources: Resource, outputs: Mapping[str, Any] | None = None) -> Graph:
    return Graph(project="default", stack="shop", resources=resources, outputs=outputs or {})


def a_resource(token: str, key: str = "it", version: str = OPENSTACK, **fields: Any) -> Resource:
    return Resource(key=key, token=token, version=version, **{"inputs": {}} | fields)


def said(token: str, inputs: Mapping[str, Any], version: str = OPENSTACK) -> list[tuple[str, str]]:
    """Path and problem of everything wrong with one resource of those inputs."""
    found = problems(a_graph(a_resource(token, inputs=inputs, version=version)))
    return [(each.path, each.problem) for each in found]


def a_rule(**inputs: Any) -> dict[str, Any]:
    return {"direction": "ingress", "ethertype": "IPv4", "securityGroupId": "sg"} | inputs


# ---------------------------------------------------------------- inputs


def test_a_resource_that_fits_has_no_problems() -> None:
    assert said(RULE, a_rule(protocol="tcp", portRangeMin=22, portRangeMax=22.0)) == []


def test_an_input_nobody_knows_is_named() -> None:
    assert said(RULE, a_rule(colour="red")) == [("colour", "is not an input")]


def test_a_misspelt_input_gets_a_guess() -> None:
    assert said(RULE, a_rule(remoteIpPrefx="::/0")) == [
        ("remoteIpPrefx", "is not an input; did you mean remoteIpPrefix?")
    ]


def test_snake_case_is_corrected_also_deep_inside() -> None:
    assert said(PORT, {"networkId": "n", "fixedIps": [{"subnet_id": "s"}]}) == [
        ("fixedIps.0.subnet_id", "is not an input; it is spelled subnetId")
    ]


def test_a_missing_input_is_named_and_null_is_as_good_as_missing() -> None:
    assert said(RULE, {"direction": "ingress", "ethertype": None}) == [
        ("ethertype", "is required and not there"),
        ("securityGroupId", "is required and not there"),
    ]


@pytest.mark.parametrize(
    "inputs,problem",
    [
        ({"portRangeMin": "22"}, ("portRangeMin", "is text, not a whole number")),
        ({"portRangeMin": 22.5}, ("portRangeMin", "is a number, not a whole number")),
        ({"portRangeMin": True}, ("portRangeMin", "is true or false, not a whole number")),
        ({"description": 5}, ("description", "is a whole number, not text")),
        ({"description": ["a"]}, ("description", "is a list, not text")),
        ({"protocol": {}}, ("protocol", "is a map, not text")),
    ],
)
def test_a_value_of_the_wrong_type_is_told_from_the_right_one(
    inputs: dict[str, Any], problem: tuple[str, str]
) -> None:
    assert said(RULE, a_rule(**inputs)) == [problem]


@pytest.mark.parametrize(
    "inputs,problem",
    [
        ({"fixedIps": {"subnetId": "s"}}, ("fixedIps", "is a map, not a list")),
        ({"fixedIps": ["s"]}, ("fixedIps.0", "is text, not a map")),
        ({"securityGroupIds": [None]}, ("securityGroupIds.0", "is nothing")),
        ({"securityGroupIds": [3]}, ("securityGroupIds.0", "is a whole number, not text")),
        ({"adminStateUp": "true"}, ("adminStateUp", "is text, not true or false")),
        ({"tags": "a"}, ("tags", "is text, not a list")),
    ],
)
def test_lists_and_what_is_in_them_are_checked(inputs: dict[str, Any], problem: tuple[str, str]) -> None:
    assert said(PORT, {"networkId": "n", **inputs}) == [problem]


def test_the_values_of_a_map_are_checked() -> None:
    assert said(SERVER, {"metadata": {"a": "b", "c": 1}}) == [("metadata.c", "is a whole number, not text")]


def test_a_secret_is_checked_like_what_it_hides_without_being_shown() -> None:
    assert said(SERVER, {"userData": Secret("#!"), "adminPass": Secret(12345)}) == [
        ("adminPass", "is a whole number, not text")
    ]


def test_a_joined_text_is_text() -> None:
    joined = Join(("a", "b"))
    assert said(RULE, a_rule(remoteIpPrefix=joined, portRangeMin=joined)) == [
        ("portRangeMin", "is text, not a whole number")
    ]


# ---------------------------------------------------------------- listed values


def test_a_word_that_is_not_listed_is_refused_where_the_package_would_take_any() -> None:
    assert said(RULE, a_rule(direction="inbound")) == [
        ("direction", "'inbound' is not one of ingress, egress")
    ]


def test_an_enum_of_a_package_is_strict() -> None:
    sku = {"name": "Premium"}
    assert said("azure-native:network:PublicIPAddress", {"resourceGroupName": "rg", "sku": sku}, AZURE) == [
        ("sku.name", "'Premium' is not one of Basic, Standard")
    ]


def test_machine_sizes_are_more_than_any_list_has() -> None:
    assert said("aws:ec2/instance:Instance", {"instanceType": "m99.huge", "tenancy": "dedicated"}, AWS) == []


# ---------------------------------------------------------------- classes


def test_the_inputs_of_a_resource_are_not_those_of_a_nested_type_of_its_name() -> None:
    subnet = "azure-native:network:Subnet"
    assert said(subnet, {"resourceGroupName": "rg", "virtualNetworkName": "v"}, AZURE) == []
    assert said(subnet, {"resourceGroupName": "rg"}, AZURE) == [
        ("virtualNetworkName", "is required and not there")
    ]


def test_a_type_the_provider_does_not_have_is_said() -> None:
    assert said("gcp:compute/instance:Instanse", {}, GCP) == [("", "no such resource type")]


def test_what_is_not_text_in_a_provider_is_read_from_its_json() -> None:
    token = "pulumi:providers:aws"
    assert said(token, {"skipRegionValidation": "true", "assumeRoles": '[{"roleArn": "r"}]'}, AWS) == []
    assert said(token, {"skipRegionValidation": True, "allowedAccountIds": ["1"]}, AWS) == []
    assert said(token, {"skipRegionValidation": "yes", "assumeRoles": '[{"role": "r"}]'}, AWS) == [
        ("skipRegionValidation", "is text, not true or false"),
        ("assumeRoles.0.role", "is not an input; did you mean roleArn?"),
    ]


def test_a_provider_that_comes_with_us_has_no_typed_package() -> None:
    assert said("mcislocal:index:Instance", {"anything": 1}, "0") == []


# ---------------------------------------------------------------- references and options


NETWORK = a_resource("openstack:networking/network:Network", "net")
ADDRESS = a_resource("gcp:compute/instance:Instance", "vm", GCP, inputs={
    "machineType": "e2", "bootDisk": {}, "networkInterfaces": []
})  # fmt: skip


def test_a_reference_fits_anywhere() -> None:
    rule = a_resource(RULE, "r", inputs=a_rule(portRangeMin=Ref("net"), securityGroupId=Ref("net", "name")))
    assert problems(a_graph(NETWORK, rule)) == ()


@pytest.mark.parametrize("path", ["nme", "tags.x", "name.0"])
def test_an_output_that_is_not_there_is_said_where_it_is_used(path: str) -> None:
    rule = a_resource(RULE, "r", inputs=a_rule(remoteIpPrefix=Join((Ref("net", path), "/32"))))
    (found,) = problems(a_graph(NETWORK, rule))
    assert str(found) == (
        f"r ({RULE}) remoteIpPrefix: refers to net.{path}, which {NETWORK.token} does not have"
    )


def test_the_way_into_an_output_is_followed() -> None:
    right = {"a": Ref("vm", "networkInterfaces.0.accessConfigs.0.natIp"), "b": Ref("vm", "metadata.any")}
    wrong = {"c": Ref("vm", "networkInterfaces.0.natIp"), "d": Ref("vm", "networkInterfaces.first")}
    found = problems(a_graph(ADDRESS, outputs={"inventory": right | wrong}))
    assert [each.path for each in found] == ["networkInterfaces.0.natIp", "networkInterfaces.first"]


def test_a_reference_to_something_declared_later_is_said() -> None:
    rule = a_resource(RULE, "r", inputs=a_rule(securityGroupId=Ref("net")))
    assert [each.problem for each in problems(a_graph(rule, NETWORK))] == [
        "refers to net, which is not declared before it"
    ]


def test_options_and_outputs_name_properties_that_exist() -> None:
    options = Options(
        ignore_changes=("userData", 'metadata["a"]', "imageName", "blockDevices[0].uuid", "imageNme"),
        replace_on_changes=("blockDevices[*].size",),
        additional_secret_outputs=("adminPass",),
    )
    server = a_resource(SERVER, options=options, outputs=("accessIpV4", "privateIp"))
    assert [(each.path, each.problem) for each in problems(a_graph(server))] == [
        ("imageNme", "is no property (ignore changes)"),
        ("blockDevices[*].size", "is no property (replace on changes)"),
        ("privateIp", "is not an output"),
    ]


# ---------------------------------------------------------------- packages


def test_a_package_that_is_not_installed_says_how_to_get_it() -> None:
    with pytest.raises(OperationError) as refused:
        said("elsewhere:index:Thing", {}, "1.0.0")
    assert refused.value.detail.startswith("pulumi-elsewhere 1.0.0 is needed")
    assert refused.value.hint == "pip install 'mcis-iac[types]'"


def test_the_types_of_another_version_prove_nothing() -> None:
    with pytest.raises(OperationError, match="is installed as"):
        said(RULE, a_rule(), "1.0.0")
