"""Azure's graph: who is in which subnet, who may come in, what replaces a machine and what does not."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from fakes.mcis import KEY, a_group, a_plan, an_mcis

from mcis_iac.clouds.azure import walls
from mcis_iac.clouds.azure.graph import check, inventory
from mcis_iac.model import (
    Connection,
    Disk,
    Firewall,
    FirewallRule,
    Group,
    HostKey,
    ImageChoice,
    Mcis,
    Network,
    Pin,
    Plan,
    Severity,
)
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph, Join, Ref, Secret, refs

SEOUL, VIRGINIA = "koreacentral", "eastus2"
AZURE = {"azure": Connection(name="azure", cloud="azure")}
ROCKY = "resf:rockylinux-x86_64:9-base:9.6.20260601"


def a_plan_of(*groups: Group, **fields: Any) -> Plan:
    return a_plan(*groups, **({"connections": AZURE} | fields))


def here(name: str, count: int = 1, *, region: str = SEOUL, **fields: Any) -> Group:
    return a_group(name, count, cloud="azure", region=region, **fields)


def a_graph(*groups: Group, **fields: Any) -> Graph:
    return build(a_plan_of(*groups, **fields))


def let(name: str, *rules: FirewallRule) -> dict[str, Firewall]:
    return {name: Firewall(name=name, rules=rules)}


def rules_of(graph: Graph, group: str, region: str = SEOUL) -> dict[str, Mapping[str, Any]]:
    """The rules of a group by what they say."""
    found = (r for r in graph.resources if r.key.startswith(f"rule/{group}/azure/{region}/"))
    return {str(rule.inputs["description"]): rule.inputs for rule in found}


def machine(graph: Graph, name: str) -> Any:
    return graph[name].inputs


def test_a_region_without_zones_has_machines_and_disks_without_one() -> None:
    graph = a_graph(here("web", 2, region="westus", disks=(Disk(name="d", size_gib=8, mount="/d"),)))
    assert all("zones" not in graph[key].inputs for key in ("web-1", "web-2", "disk/web-1/d", "ip/web-1"))


# ---------------------------------------------------------------- networks


def test_machines_without_an_address_have_a_subnet_of_their_own_with_a_way_out() -> None:
    graph = a_graph(here("web"), here("db", public_ip="none"))
    subnets = {r.key: r.inputs for r in graph.resources if r.token.endswith(":Subnet")}
    public, private = (subnets[f"subnet/main/azure/{SEOUL}/{half}"] for half in ("public", "private"))
    assert "natGateway" not in public and private["natGateway"] == {"id": Ref(f"nat/main/azure/{SEOUL}")}
    assert public["defaultOutboundAccess"] is private["defaultOutboundAccess"] is False
    nics: Any = {name: graph[f"nic/{name}"].inputs["ipConfigurations"] for name in ("web-1", "db-1")}
    assert nics["web-1"][0]["subnet"]["id"] == Ref(f"subnet/main/azure/{SEOUL}/public")
    assert nics["db-1"][0]["subnet"]["id"] == Ref(f"subnet/main/azure/{SEOUL}/private")
    assert "publicIPAddress" not in nics["db-1"][0]


def test_nobody_pays_for_a_gateway_that_nobody_needs() -> None:
    assert not [r for r in a_graph(here("web")).resources if "NatGateway" in r.token]


def test_the_two_subnets_share_the_regions_block() -> None:
    networks = {"main": Network(name="main", cidr="10.20.0.0/14")}
    graph = a_graph(here("web"), here("db", public_ip="none"), networks=networks)
    assert graph[f"net/main/azure/{SEOUL}"].inputs["addressSpace"] == {"addressPrefixes": ["10.20.0.0/20"]}
    prefixes = [r.inputs["addressPrefix"] for r in graph.resources if r.token.endswith(":Subnet")]
    assert prefixes == ["10.20.0.0/21", "10.20.8.0/21"]


@pytest.mark.parametrize(
    "words",
    [
        {"subscription": "s", "resource_group": "hub", "vnet": "corp", "subnet": "servers"},
        {
            "subnet": "/subscriptions/s/resourceGroups/hub/providers/Microsoft.Network"
            "/virtualNetworks/corp/subnets/servers"
        },
    ],
)
def test_a_network_that_is_there_already_is_not_made(words: dict[str, str]) -> None:
    networks = {"main": Network(name="main", existing={"azure": {SEOUL: words}})}
    graph = a_graph(here("web", public_ip="none"), networks=networks)
    kinds = {resource.token.rpartition(":")[2] for resource in graph.resources}
    assert not kinds & {"VirtualNetwork", "Subnet", "NatGateway"}
    address: Any = graph["nic/web-1"].inputs["ipConfigurations"]
    wanted = "/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/corp/subnets/servers"
    assert address[0]["subnet"]["id"] == f"/subscriptions/s{wanted}"


# ---------------------------------------------------------------- who may come in


def test_nobody_comes_in_from_inside_the_network_unasked() -> None:
    closing = rules_of(a_graph(here("web")), "web")["what no other rule allows"]
    assert (closing["access"], closing["priority"]) == ("Deny", 4096)
    assert closing["sourceAddressPrefix"] == "VirtualNetwork"


def test_members_of_the_same_network_are_named_and_not_counted() -> None:
    firewalls = let("w", FirewallRule(sources=("group:api",), ports=((80, 80),)))
    few = rules_of(a_graph(here("web", firewalls=("w",)), here("api", 1), firewalls=firewalls), "web")
    many = rules_of(a_graph(here("web", firewalls=("w",)), here("api", 9), firewalls=firewalls), "web")
    assert few == many
    role = {"id": Ref(f"asg/api/azure/{SEOUL}")}
    assert few["tcp-80 group:api"]["sourceApplicationSecurityGroups"] == [role]


def test_everybody_of_the_mcis_is_one_rule_that_a_new_group_does_not_change() -> None:
    before, after = a_graph(here("web")), a_graph(here("web"), here("api"))
    assert rules_of(before, "web") == rules_of(after, "web")
    assert set(rules_of(before, "web")) == {"tcp-22 ranges", "all mcis", "what no other rule allows"}


def test_members_elsewhere_are_let_in_by_their_addresses() -> None:
    firewalls = let("w", FirewallRule(sources=("group:api",), ports=((80, 80),)))
    graph = a_graph(here("web", firewalls=("w",)), here("api", 2, region=VIRGINIA), firewalls=firewalls)
    addresses = rules_of(graph, "web")["tcp-80 away:api"]["sourceAddressPrefixes"]
    assert addresses == [Join((Ref(f"ip/api-{n}", "ipAddress"), "/32")) for n in (1, 2)]


def test_members_of_another_cloud_are_let_in_by_their_addresses() -> None:
    connections = {**AZURE, "local": Connection(name="local", cloud="local")}
    graph = a_graph(here("web"), a_group("lab"), connections=connections)
    (address,) = rules_of(graph, "web")["all away:lab"]["sourceAddressPrefixes"]
    assert address == Join((Ref("lab-1", "publicIp"), "/32"))


def test_scaling_a_group_elsewhere_changes_the_lists_and_no_number() -> None:
    one = a_graph(here("web"), here("api", 1, region=VIRGINIA))
    two = a_graph(here("web"), here("api", 2, region=VIRGINIA))
    before, after = rules_of(one, "web"), rules_of(two, "web")
    assert before.keys() == after.keys()
    changed = [name for name in before if before[name] != after[name]]
    assert changed == ["all away:api"]
    assert before["all away:api"]["priority"] == after["all away:api"]["priority"]


def test_the_first_machine_elsewhere_moves_no_rule() -> None:
    none = rules_of(a_graph(here("web"), here("api", 0, region=VIRGINIA)), "web")
    one = rules_of(a_graph(here("web"), here("api", 1, region=VIRGINIA)), "web")
    assert none.items() <= one.items() and one.keys() - none.keys() == {"all away:api"}


def test_a_rule_is_called_by_its_priority_so_that_two_never_meet() -> None:
    graph = a_graph(here("web"), here("api", region=VIRGINIA))
    rules = [r for r in graph.resources if r.token.endswith(":SecurityRule")]
    for rule in rules:
        number = rule.inputs["priority"]
        assert rule.inputs["securityRuleName"] == str(number) == rule.key.rpartition("/")[2]
    assert len({rule.key for rule in rules}) == len(rules)


def test_a_range_inside_another_is_left_out_because_azure_refuses_both() -> None:
    sources = ("10.1.0.0/16", "10.1.2.0/24", "192.0.2.0/25", "192.0.2.128/25")
    firewalls = let("w", FirewallRule(sources=sources, ports=((80, 80),)))
    rule = rules_of(a_graph(here("web", firewalls=("w",)), firewalls=firewalls), "web")["tcp-80 ranges"]
    assert rule["sourceAddressPrefixes"] == ["10.1.0.0/16", "192.0.2.0/24"]


@pytest.mark.parametrize(
    ("rule", "protocol", "ports"),
    [
        (FirewallRule(sources=("anywhere",), ports=((80, 80),)), "Tcp", "80"),
        (FirewallRule(sources=("anywhere",), protocol="udp", ports=((8000, 8100),)), "Udp", "8000-8100"),
        (FirewallRule(sources=("anywhere",), protocol="icmp"), "Icmp", "*"),
        (FirewallRule(sources=("anywhere",), protocol="all"), "*", "*"),
    ],
)
def test_protocols_and_ports_are_spelled_as_azure_does(rule: FirewallRule, protocol: str, ports: str) -> None:
    graph = a_graph(here("web", firewalls=("w",)), firewalls=let("w", rule))
    (found,) = (r for r in rules_of(graph, "web").values() if r["access"] == "Allow")
    assert (found["protocol"], found["destinationPortRange"]) == (protocol, ports)
    assert found["sourceAddressPrefix"] == "0.0.0.0/0"


# ---------------------------------------------------------------- machines


def test_a_host_key_travels_in_the_custom_data_and_is_a_secret() -> None:
    plan = a_plan_of(here("web"))
    key = HostKey(public="ssh-ed25519 PUBLIC", private="PRIVATE")
    with_key = replace(plan, host_keys={"web-1": key})
    data = machine(build(with_key), "web-1")["osProfile"]["customData"]
    assert isinstance(data, Secret)
    assert "PRIVATE" in base64.b64decode(str(data.value)).decode()
    assert inventory(with_key, with_key.members[0])["host_key"] == "ssh-ed25519 PUBLIC"
    assert inventory(plan, plan.members[0])["host_key"] is None
    assert isinstance(machine(build(plan), "web-1")["osProfile"]["customData"], str)


def test_a_key_is_put_where_its_user_lives() -> None:
    system = machine(a_graph(here("web", user="ops")), "web-1")["osProfile"]
    assert system["adminUsername"] == "ops"
    (login,) = system["linuxConfiguration"]["ssh"]["publicKeys"]
    assert login == {"path": "/home/ops/.ssh/authorized_keys", "keyData": KEY}


def pinned(image: str, alias: str = "ubuntu-24.04", **fields: Any) -> Any:
    plan = a_plan_of(here("web", image=alias), **fields)
    member = replace(plan.members[0], image=ImageChoice(alias=alias, id=image))
    return machine(build(replace(plan, members=(member,))), "web-1")


def test_a_pinned_image_is_told_in_its_four_parts() -> None:
    found = pinned("Canonical:ubuntu-24_04-lts:server:24.04.202606010")
    assert found["storageProfile"]["imageReference"] == {
        "publisher": "Canonical",
        "offer": "ubuntu-24_04-lts",
        "sku": "server",
        "version": "24.04.202606010",
    }
    assert "plan" not in found


def test_an_image_with_a_plan_names_it() -> None:
    plan = {"name": "9-base", "product": "rockylinux-x86_64", "publisher": "resf"}
    assert pinned(ROCKY, "rocky-9")["plan"] == plan


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ("/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/images/base", "id"),
        ("/CommunityGalleries/x/Images/y/Versions/latest", "communityGalleryImageId"),
        ("/SharedGalleries/x/Images/y/Versions/1.0.0", "sharedGalleryImageId"),
    ],
)
def test_an_image_of_ones_own_is_told_by_its_id(image: str, kind: str) -> None:
    assert pinned(image)["storageProfile"]["imageReference"] == {kind: image}


def test_an_image_nobody_resolved_yet_shows_as_its_alias() -> None:
    assert machine(a_graph(here("web")), "web-1")["storageProfile"]["imageReference"] == {
        "id": "ubuntu-24.04"
    }


def test_a_data_disk_outlives_its_machine_and_is_found_by_its_lun() -> None:
    disks = (Disk(name="data", size_gib=20, type="cheap", mount="/data"),)
    graph = a_graph(here("web", disks=disks, type="Standard_D2s_v5"))
    assert graph["disk/web-1/data"].inputs["creationData"] == {"createOption": "Empty"}
    (attached,) = machine(graph, "web-1")["storageProfile"]["dataDisks"]
    assert attached["managedDisk"] == {"id": Ref("disk/web-1/data")}
    assert (attached["createOption"], attached["deleteOption"]) == ("Attach", "Detach")
    text = base64.b64decode(machine(graph, "web-1")["osProfile"]["customData"]).decode()
    assert f"/dev/disk/azure/scsi1/lun{attached['lun']} /data" in text


def test_a_size_with_nvme_finds_its_disks_elsewhere() -> None:
    disks = (Disk(name="data", size_gib=20, mount="/data"),)
    graph = a_graph(here("web", disks=disks, type="Standard_D2ps_v6"))
    text = base64.b64decode(machine(graph, "web-1")["osProfile"]["customData"]).decode()
    assert "/dev/disk/azure/data/by-lun/" in text and "scsi1" not in text


def test_a_disk_in_another_zone_has_another_name_and_can_be_made_first() -> None:
    disks = (Disk(name="data", size_gib=20, mount="/data"),)
    names = {a_graph(here("web", disks=disks, zone=z))["disk/web-1/data"].inputs["diskName"] for z in "123"}
    assert len(names) == 3


def test_reordering_disks_touches_nothing() -> None:
    disks = tuple(Disk(name=name, size_gib=1, mount=f"/{name}") for name in ("a", "b", "c"))
    one, other = (a_graph(here("web", disks=order)).resources for order in (disks, disks[::-1]))
    assert {r.key: r for r in one} == {r.key: r for r in other}


def test_a_spot_machine_is_kept_when_it_is_taken_back() -> None:
    plan = a_plan_of(here("web"))
    (member,) = plan.members
    found = machine(build(replace(plan, members=(replace(member, spot=True),))), "web-1")
    assert (found["priority"], found["evictionPolicy"]) == ("Spot", "Deallocate")
    assert found["billingProfile"] == {"maxPrice": -1}


def test_what_azure_refuses_to_change_replaces_and_what_only_the_first_boot_reads_does_not() -> None:
    options = a_graph(here("web"))["web-1"].options
    assert options.delete_before_replace
    assert {"zones", "osProfile.adminUsername", "priority"} <= set(options.replace_on_changes)
    assert set(options.ignore_changes) == {"osProfile.customData", "storageProfile.imageReference", "plan"}


def test_only_machines_and_networks_are_deleted_before_there_is_another() -> None:
    graph = a_graph(here("web", disks=(Disk(name="d", size_gib=1, mount="/d"),)))
    assert [r.key for r in graph.resources if r.options.delete_before_replace] == [
        "net/main/azure/koreacentral",
        "web-1",
    ]


def test_what_is_in_a_network_goes_before_it_does() -> None:
    """The engine asks the provider what a location nobody knows yet means: another resource."""
    graph = a_graph(here("web"))
    assert graph["nic/web-1"].inputs["location"] == Ref("net/main/azure/koreacentral", "location")
    assert "location" in graph["nic/web-1"].options.replace_on_changes
    assert graph["web-1"].inputs["location"] == Ref("nic/web-1", "location")


# ---------------------------------------------------------------- provider, secrets


def test_a_connection_says_whose_account_and_how_to_sign_in_but_no_secret() -> None:
    settings = {
        "subscription": "s",
        "tenant": "t",
        "client_id": "c",
        "auth": "oidc",
        "env": {"ARM_CLIENT_SECRET": "MINE"},
    }
    connections = {"azure": Connection(name="azure", cloud="azure", settings=settings)}
    provider = a_graph(here("web"), connections=connections)["provider/azure"]
    assert dict(provider.inputs) == {
        "environment": "public",
        "subscriptionId": "s",
        "tenantId": "t",
        "clientId": Secret("c"),
        "useOidc": True,
    }
    assert provider.env == {"MINE": "ARM_CLIENT_SECRET"}


def test_every_resource_has_a_name_of_ours_so_that_none_is_invented() -> None:
    own = {
        "ResourceGroup": "resourceGroupName",
        "VirtualNetwork": "virtualNetworkName",
        "Subnet": "subnetName",
        "NatGateway": "natGatewayName",
        "PublicIPAddress": "publicIpAddressName",
        "ApplicationSecurityGroup": "applicationSecurityGroupName",
        "NetworkSecurityGroup": "networkSecurityGroupName",
        "SecurityRule": "securityRuleName",
        "NetworkInterface": "networkInterfaceName",
        "Disk": "diskName",
        "VirtualMachine": "vmName",
    }
    disks = (Disk(name="d", size_gib=1, mount="/d"),)
    for resource in a_graph(here("web"), here("db", public_ip="none", disks=disks)).resources[1:]:
        assert isinstance(resource.inputs[own[resource.token.rpartition(":")[2]]], str), resource.key


@pytest.mark.parametrize("name", ["login", "xbox-live", "my-windows", "microsoft", "winwindowsdows"])
def test_a_trademark_in_a_name_does_not_reach_azure(name: str) -> None:
    for resource in a_graph(here("web"), name=name).resources[1:]:
        for field, value in resource.inputs.items():
            if field.endswith("Name") and isinstance(value, str):
                assert not value.startswith(("login", "xbox")), value
                assert "windows" not in value and "microsoft" not in value


def test_names_are_no_longer_than_azure_takes() -> None:
    groups = [here(f"{letter}{'windows' * 4}") for letter in "ab"]
    graph = a_graph(*groups, name="windows" * 4)
    names = [str(r.inputs["vmName"]) for r in graph.resources if "vmName" in r.inputs]
    assert len(set(names)) == 2 and max(map(len, names)) <= 64


def test_path_parameters_are_never_read_as_outputs() -> None:
    graph = a_graph(here("web"), here("db", public_ip="none"))
    for resource in graph.resources:
        for ref in refs(resource.inputs):
            assert not ref.path.endswith("Name"), resource.key


# ---------------------------------------------------------------- what cannot be


def found(group: Group, **fields: Any) -> list[tuple[str, Severity]]:
    mcis = an_mcis(group, **({"connections": AZURE} | fields))
    return [(problem.code, problem.severity) for problem in check(mcis)]


def test_the_pinned_default_has_no_problem() -> None:
    assert found(here("web")) == []


def test_addresses_of_a_security_group_are_counted() -> None:
    mcis: Mcis = an_mcis(here("web"), here("api", 4_000, region=VIRGINIA), connections=AZURE)
    (problem,) = (p for p in check(mcis) if p.group == "web")
    assert problem.code == "MCIS272" and "4,001" in problem.detail


def test_the_numbers_of_rules_are_those_azure_has() -> None:
    assert (walls.PRIORITIES[0], walls.PRIORITIES[-1], walls.LAST) == (100, 4095, 4096)


def test_two_groups_of_one_region_in_two_networks_meet_by_address() -> None:
    networks = {name: Network(name=name) for name in ("main", "back")}
    graph = a_graph(here("web"), here("db", network="back"), networks=networks)
    assert "all away:db" in rules_of(graph, "web")
    nets: Sequence[str] = [r.key for r in graph.resources if r.key.startswith("net/")]
    assert len(nets) == 2


def test_a_pin_is_a_pin() -> None:
    plan = a_plan_of(here("web", zone="2", type="Standard_D2s_v5"))
    assert plan.mcis.groups["web"].placement == Pin(
        connection="azure", region=SEOUL, zone="2", type="Standard_D2s_v5"
    )
    found = machine(build(plan), "web-1")
    assert found["zones"] == ["2"] and found["hardwareProfile"] == {"vmSize": "Standard_D2s_v5"}
