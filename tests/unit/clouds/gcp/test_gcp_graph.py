"""Google Cloud's networks, firewalls and machines as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from fakes.mcis import KEY, a_group, an_mcis, settled
from hypothesis import given, settings
from hypothesis import strategies as st

from mcis_iac.clouds.gcp import graph as gcp
from mcis_iac.model import (
    Connection,
    Disk,
    Firewall,
    FirewallRule,
    Group,
    HostKey,
    Image,
    ImageChoice,
    Mcis,
    Network,
    Plan,
)
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph, Join, Ref, Resource, Secret
from mcis_iac.program.naming import of_group

SEOUL, IOWA = "asia-northeast3", "us-central1"
HOST_KEY = HostKey(public="ssh-ed25519 AAAAhost", private="-----BEGIN OPENSSH PRIVATE KEY-----")
NAME = st.from_regex(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)


def a_vm_group(name: str = "web", count: int = 1, **fields: Any) -> Group:
    return a_group(name, count, cloud="gcp", **({"region": SEOUL} | fields))


def a_shop(*groups: Group, settings: Mapping[str, Any] | None = None, **fields: Any) -> Mcis:
    named = {group.placement.connection for group in groups} | {"gcp"}
    own = {name: Connection(name=name, cloud="gcp", settings=settings or {}) for name in named - {"local"}}
    local = {"local": Connection(name="local", cloud="local")} if "local" in named else {}
    return an_mcis(*groups, **({"connections": own | local} | fields))


def a_plan(*groups: Group, **fields: Any) -> Plan:
    found = settled(a_shop(*groups, **fields))
    assert not [problem for problem in found.diagnostics if problem.severity == "error"]
    return found.plan


def built(*groups: Group, **fields: Any) -> Graph:
    return build(a_plan(*groups, **fields))


def rule(word: str, group: str = "web", *more: str) -> str:
    return of_group("rule", group, "gcp", "global", word, *more)


def walled(*sources: str, **fields: Any) -> dict[str, Any]:
    rules = (FirewallRule(sources=sources, ports=((443, 443),)),)
    return {"firewalls": {"w": Firewall(name="w", rules=rules)}, **fields}


def has(graph: Graph, key: str) -> bool:
    return any(resource.key == key for resource in graph.resources)


def of_kind(graph: Graph, kind: str) -> list[Resource]:
    return [resource for resource in graph.resources if resource.token.endswith(f":{kind}")]


# ---------------------------------------------------------------- networks


def test_regions_share_a_network_and_have_a_subnetwork_each() -> None:
    graph = built(a_vm_group("web", 4), a_vm_group("far", 1, region=IOWA))
    assert len(of_kind(graph, "Network")) == 1
    assert {subnet.inputs["region"] for subnet in of_kind(graph, "Subnetwork")} == {SEOUL, IOWA}


def test_a_subnetwork_has_the_regions_block_whatever_the_zones() -> None:
    graph = built(a_vm_group("web", 3), networks={"main": Network(name="main", cidr="10.20.0.0/14")})
    (subnet,) = of_kind(graph, "Subnetwork")
    assert subnet.inputs["ipCidrRange"] == "10.20.0.0/20"


def test_without_a_range_regions_have_ranges_that_do_not_overlap() -> None:
    graph = built(a_vm_group("web"), a_vm_group("far", region=IOWA))
    one, other = (ip_network(str(subnet.inputs["ipCidrRange"])) for subnet in of_kind(graph, "Subnetwork"))
    assert not one.overlaps(other)


def test_a_gateway_is_where_a_machine_has_no_public_address_and_comes_first() -> None:
    graph = built(a_vm_group("web"), a_vm_group("db", region=IOWA, public_ip="none"))
    assert [nat.inputs["region"] for nat in of_kind(graph, "RouterNat")] == [IOWA]
    assert f"nat/main/gcp/{IOWA}" in graph["db-1"].options.depends_on
    assert graph["web-1"].options.depends_on == ()


def test_an_existing_network_is_used_and_not_made() -> None:
    existing = {"gcp": {SEOUL: {"network": "corp", "subnetwork": "corp-seoul", "project": "hub"}}}
    graph = built(
        a_vm_group("web", public_ip="none"),
        networks={"main": Network(name="main", existing=existing)},
    )
    assert not any(of_kind(graph, kind) for kind in ("Network", "Subnetwork", "Router", "RouterNat"))
    interface: Any = graph["web-1"].inputs["networkInterfaces"]
    assert interface == [{"subnetwork": "corp-seoul", "subnetworkProject": "hub"}]
    walls = of_kind(graph, "Firewall")
    assert {wall.inputs["network"] for wall in walls} == {"projects/hub/global/networks/corp"}
    assert {wall.inputs["project"] for wall in walls} == {"hub"}


def test_an_existing_network_that_google_cut_needs_no_name_for_its_subnetworks() -> None:
    existing = {"gcp": {SEOUL: {"network": "default"}}}
    graph = built(a_vm_group("web"), networks={"main": Network(name="main", existing=existing)})
    interface: Any = graph["web-1"].inputs["networkInterfaces"]
    assert interface[0]["subnetwork"] == "default"


# ---------------------------------------------------------------- firewalls


def test_a_firewall_is_never_without_a_source() -> None:
    # Google would take it for one that is open to the world.
    graph = built(
        a_vm_group("web", firewalls=("w",)),
        a_vm_group("api", 0, connection="second"),
        **walled("group:api"),
    )
    assert of_kind(graph, "Firewall") == []


def test_groups_of_the_network_are_named_by_their_tag() -> None:
    graph = built(a_vm_group("web", firewalls=("w",)), a_vm_group("api", region=IOWA), **walled("group:api"))
    tags: Any = graph["api-1"].inputs["tags"]
    assert graph[rule("group:api")].inputs["sourceTags"] == [tags[0]]
    assert not has(graph, rule("group:api", "web", "outside"))


def test_all_of_the_mcis_is_one_tag_that_every_machine_has() -> None:
    graph = built(a_vm_group("web", firewalls=("w",)), a_vm_group("api"), **walled("mcis"))
    (tag,) = graph[rule("mcis")].inputs["sourceTags"]  # type: ignore[misc]
    machines = [graph[name].inputs["tags"] for name in ("web-1", "api-1")]
    assert all(tag in tags for tags in machines)  # type: ignore[operator]


def test_members_elsewhere_are_let_in_by_address_in_a_rule_of_their_own() -> None:
    graph = built(
        a_vm_group("web", firewalls=("w",)),
        a_vm_group("api", 2, connection="second"),
        a_vm_group("db", connection="second", public_ip="static"),
        **walled("mcis"),
    )
    ranges = graph[rule("mcis", "web", "outside")].inputs["sourceRanges"]
    nat = "networkInterfaces.0.accessConfigs.0.natIp"
    assert ranges == [
        Join((Ref("api-1", nat), "/32")),
        Join((Ref("api-2", nat), "/32")),
        Join((Ref("ip/db-1", "address"), "/32")),
    ]


def test_a_machine_more_elsewhere_changes_only_the_rule_with_addresses() -> None:
    def keyed(count: int) -> dict[str, Resource]:
        groups = (a_vm_group("web", firewalls=("w",)), a_vm_group("api", count, connection="second"))
        return {resource.key: resource for resource in built(*groups, **walled("mcis")).resources}

    before, after = keyed(1), keyed(2)
    changed = {key for key in before if before[key] != after[key]}
    # The other group has the usual rules, in which nothing of web changed.
    assert changed == {rule("mcis", "web", "outside")}


def test_another_network_of_the_same_connection_is_elsewhere() -> None:
    networks = {name: Network(name=name) for name in ("main", "back")}
    graph = built(
        a_vm_group("web", firewalls=("w",)),
        a_vm_group("api", network="back"),
        networks=networks,
        **walled("group:api"),
    )
    assert not has(graph, rule("group:api"))
    assert len(graph[rule("group:api", "web", "outside")].inputs["sourceRanges"]) == 1  # type: ignore[arg-type]


def test_one_source_is_one_rule_with_all_it_may_reach() -> None:
    rules = (
        FirewallRule(sources=("anywhere",), ports=((80, 80), (8000, 8100))),
        FirewallRule(sources=("anywhere",), protocol="icmp"),
    )
    graph = built(a_vm_group("web", firewalls=("w",)), firewalls={"w": Firewall(name="w", rules=rules)})
    assert graph[rule("anywhere")].inputs["allows"] == [
        {"protocol": "icmp"},
        {"protocol": "tcp", "ports": ["80"]},
        {"protocol": "tcp", "ports": ["8000-8100"]},
    ]


# ---------------------------------------------------------------- machines


def test_a_spot_machine_is_stopped_when_google_wants_it_back() -> None:
    plan = a_plan(a_vm_group("web"))
    graph = build(replace(plan, members=tuple(replace(m, spot=True) for m in plan.members)))
    scheduling: Any = graph["web-1"].inputs["scheduling"]
    assert (scheduling["provisioningModel"], scheduling["instanceTerminationAction"]) == ("SPOT", "STOP")
    assert scheduling["automaticRestart"] is False and scheduling["onHostMaintenance"] == "TERMINATE"


def test_a_machine_with_gpus_may_not_be_moved_while_it_runs() -> None:
    scheduling: Any = built(a_vm_group("web", type="g2-standard-4"))["web-1"].inputs["scheduling"]
    assert scheduling["onHostMaintenance"] == "TERMINATE"
    assert "scheduling" not in built(a_vm_group("web"))["web-1"].inputs


@pytest.mark.parametrize(
    ("machine_type", "kind", "found"),
    [
        ("e2-medium", "cheap", "pd-standard"),
        ("e2-medium", "balanced", "pd-balanced"),
        ("n2-standard-4", "fast", "pd-ssd"),
        ("c3-highcpu-4", "cheap", "pd-balanced"),
        ("n4-standard-2", "balanced", "hyperdisk-balanced"),
        ("c4a-standard-2", "fast", "hyperdisk-balanced"),
    ],
)
def test_a_disk_is_of_a_type_that_the_series_takes(machine_type: str, kind: Any, found: str) -> None:
    group = a_vm_group("web", type=machine_type, disk=Disk(type=kind, size_gib=30))
    disk: Any = built(group)["web-1"].inputs["bootDisk"]
    assert disk["initializeParams"] == {"image": "ubuntu-24.04", "type": found, "size": 30}


def test_a_pinned_image_is_used_and_a_change_of_it_ignored() -> None:
    plan = a_plan(a_vm_group("web"))
    image = ImageChoice(alias="ubuntu-24.04", id="projects/ubuntu-os-cloud/global/images/noble-v1")
    machine = build(replace(plan, members=tuple(replace(m, image=image) for m in plan.members)))["web-1"]
    disk: Any = machine.inputs["bootDisk"]
    assert disk["initializeParams"]["image"] == image.id
    assert "bootDisk.initializeParams.image" in machine.options.ignore_changes


@pytest.mark.parametrize(
    ("image", "where", "start"),
    [
        ("ubuntu-24.04", "user-data", "#cloud-config\n"),
        ("debian-12", "startup-script", "#!/bin/sh\n"),
        ("rocky-9", "startup-script", "#!/bin/sh\n"),
        ("mine", "startup-script", "#!/bin/sh\n"),
        ("with-init", "user-data", "#cloud-config\n"),
    ],
)
def test_an_image_is_told_what_to_do_in_its_language(image: str, where: str, start: str) -> None:
    images = {
        "mine": Image(name="mine", by_cloud={"gcp": {"family": "x"}}),
        "with-init": Image(name="with-init", by_cloud={"gcp": {"family": "x", "cloud_init": True}}),
    }
    machine = built(a_vm_group("web", image=image), images=images)["web-1"]
    metadata: Any = machine.inputs["metadata"]
    assert metadata.keys() & {"user-data", "startup-script"} == {where}
    assert metadata[where].startswith(start)
    assert f'metadata["{where}"]' in machine.options.ignore_changes


def test_the_login_is_by_our_key_whatever_the_project_says() -> None:
    metadata: Any = built(a_vm_group("web", user="ops"))["web-1"].inputs["metadata"]
    assert metadata["ssh-keys"] == f"ops:{KEY}"
    assert (metadata["enable-oslogin"], metadata["block-project-ssh-keys"]) == ("FALSE", "TRUE")


def test_a_host_key_makes_the_instructions_a_secret_and_is_told_by_its_public_half() -> None:
    graph = build(replace(a_plan(a_vm_group("web", 2)), host_keys={"web-1": HOST_KEY}))
    with_key, without = (graph[name].inputs["metadata"] for name in ("web-1", "web-2"))
    assert isinstance(with_key["user-data"], Secret) and HOST_KEY.private in str(with_key["user-data"].value)  # type: ignore[index]
    assert isinstance(without["user-data"], str)  # type: ignore[index]
    inventory: Any = graph.outputs["inventory"]
    assert [inventory[name]["host_key"] for name in ("web-1", "web-2")] == [HOST_KEY.public, None]


@pytest.mark.parametrize(
    ("public_ip", "access", "told"),
    [
        ("none", None, None),
        (
            "ephemeral",
            [{"networkTier": "PREMIUM"}],
            Ref("web-1", "networkInterfaces.0.accessConfigs.0.natIp"),
        ),
        (
            "static",
            [{"networkTier": "PREMIUM", "natIp": Ref("ip/web-1", "address")}],
            Ref("ip/web-1", "address"),
        ),
    ],
)
def test_a_public_address_is_none_any_or_a_kept_one(public_ip: Any, access: Any, told: Any) -> None:
    graph = built(a_vm_group("web", public_ip=public_ip))
    interfaces: Any = graph["web-1"].inputs["networkInterfaces"]
    inventory: Any = graph.outputs["inventory"]
    assert interfaces[0].get("accessConfigs") == access
    assert inventory["web-1"]["public_ip"] == told
    assert has(graph, "ip/web-1") == (public_ip == "static")


def test_a_data_disk_is_mounted_by_the_name_it_is_attached_with() -> None:
    disk = Disk(name="data", size_gib=100, type="fast", mount="/srv")
    graph = built(a_vm_group("db", type="n2-standard-4", disks=(disk,)))
    attached = graph["attach/db-1/data"]
    assert attached.inputs["deviceName"] == "mcis-data"
    metadata: Any = graph["db-1"].inputs["metadata"]
    assert "/dev/disk/by-id/google-mcis-data" in metadata["user-data"]
    assert (graph["disk/db-1/data"].inputs["type"], graph["disk/db-1/data"].inputs["size"]) == ("pd-ssd", 100)


def test_a_disk_goes_after_its_machine_and_its_attachment_with_it() -> None:
    graph = built(a_vm_group("db", disks=(Disk(name="data", mount="/srv"),)))
    assert "disk/db-1/data" in graph["db-1"].options.depends_on
    assert graph["attach/db-1/data"].options.deleted_with == "db-1"


def test_labels_are_written_as_google_wants_them() -> None:
    labels: Any = built(a_vm_group("web", labels={"Cost Center": "R&D"}))["web-1"].inputs["labels"]
    assert labels["cost_center"] == "r_d"


@settings(max_examples=25)
@given(st.lists(NAME, min_size=3, max_size=3, unique=True), NAME)
def test_every_name_is_one_that_google_takes(words: list[str], mcis: str) -> None:
    import re

    group = a_vm_group(
        words[0], disks=(Disk(name=words[1], mount="/d"),), public_ip="static", network=words[2]
    )
    graph = built(group, name=mcis, networks={words[2]: Network(name=words[2])})
    taken = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
    names = [str(r.inputs["name"]) for r in graph.resources if "name" in r.inputs]
    tags: Any = graph[f"{words[0]}-1"].inputs["tags"]
    assert all(taken.fullmatch(name) for name in (*names, *tags))
    assert len(set(names)) == len(names)


# ---------------------------------------------------------------- the provider


def test_a_connection_names_credentials_and_never_holds_them() -> None:
    settings = {
        "project": "shop",
        "credentials_file": "keys/shop.json",
        "impersonate": "deploy@shop.iam.gserviceaccount.com",
        "env": {"GOOGLE_CREDENTIALS": "SHOP_KEY"},
    }
    provider = built(a_vm_group("web"), settings=settings)["provider/gcp"]
    assert provider.inputs == {
        "addPulumiAttributionLabel": False,
        "project": "shop",
        "credentials": str(Path("/nowhere/keys/shop.json")),
        "impersonateServiceAccount": "deploy@shop.iam.gserviceaccount.com",
    }
    assert provider.env == {"SHOP_KEY": "GOOGLE_CREDENTIALS"}


def test_a_zone_is_written_as_google_writes_it() -> None:
    graph = built(a_vm_group("web", 3, region="europe-west1"))
    zones = [graph[f"web-{n}"].inputs["zone"] for n in (1, 2, 3)]
    region = Ref("subnet/main/gcp/europe-west1", "region")
    assert zones == [Join((region, "-b")), Join((region, "-c")), Join((region, "-d"))]


def test_the_architecture_is_that_of_the_series_known_or_not() -> None:
    found = [gcp.arch(name) for name in ("c4a-highmem-96", "t2a-standard-1", "e2-micro", "z9-standard-2")]
    assert found == ["arm64", "arm64", "amd64", "amd64"]
