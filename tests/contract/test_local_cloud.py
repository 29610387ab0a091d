"""The embedded cloud's resources, as its provider takes them, and what it does differently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes.mcis import KEY, TOKYO, a_group, a_plan, an_mcis, settled
from hypothesis import example, given
from hypothesis import strategies as st

from mcis_iac.clouds.local import boot, graph
from mcis_iac.clouds.local.check import check, notices
from mcis_iac.model import (
    Connection,
    Disk,
    Firewall,
    FirewallRule,
    Group,
    Image,
    Mcis,
    Network,
    Setup,
    SetupFile,
    Severity,
    Span,
)
from mcis_iac.program.build import build
from mcis_iac.program.graph import Ref, Resource, refs

TEMPLATE = "template/web/local/local-seoul/a"


def resources(*groups: Group, **fields: Any) -> dict[str, Resource]:
    return {each.key: each for each in build(a_plan(*groups, **fields)).resources}


def rules(group: str, found: dict[str, Resource], region: str = "local-seoul") -> Any:
    return found[f"sg/{group}/local/{region}"].inputs["rules"]


def wall(*given: FirewallRule) -> dict[str, Firewall]:
    return {"w": Firewall(name="w", rules=given)}


def test_a_provider_gets_the_site_and_the_backend_of_its_connection() -> None:
    lab = Connection(name="lab", cloud="local", settings={"site": "two", "backend": "plain"})
    found = resources(a_group("web", connection="lab"), connections={"lab": lab})
    assert found["provider/lab"].inputs == {"site": "two", "backend": "plain"}
    assert resources(a_group("web"))["provider/local"].inputs == {"site": "default", "backend": "auto"}


def test_a_machine_asks_for_what_its_group_says() -> None:
    found = resources(a_group("web", 2, type="micro", user="ops"))
    machine = found["web-2"]
    assert machine.token == "mcislocal:index:Instance"
    assert {**machine.inputs, "name": "", "tags": {}} == {
        "name": "",
        "template": Ref("template/web/local/local-seoul/b"),
        "flavor": "micro",
        "tags": {},
    }
    assert machine.outputs == ("privateIp", "publicIp", "hostKey", "sshPort")
    template = found["template/web/local/local-seoul/b"]
    assert {**template.inputs, "name": "", "tags": {}, "instanceTags": {}} == {
        "name": "",
        "zone": "b",
        "subnet": Ref("subnet/main/local/local-seoul/b"),
        "image": "host",
        "keyPair": Ref("key/generated/local"),
        "user": "ops",
        "securityGroups": [Ref("sg/web/local/local-seoul")],
        "bootConfig": Ref("boot/web/local"),
        "instanceTags": {},
        "tags": {},
    }


def test_a_machine_without_a_public_address_says_so() -> None:
    assert resources(a_group("web", public_ip="none"))[TEMPLATE].inputs["assignPublicIp"] is False


def test_a_static_address_belongs_to_one_machine() -> None:
    found = resources(a_group("web", public_ip="static"))
    assert found["web-1"].inputs["address"] == Ref("ip/web-1")
    assert found["ip/web-1"].inputs["region"] == "local-seoul"


def test_a_data_disk_lies_in_the_zone_of_its_machine() -> None:
    found = resources(a_group("db", 2, disks=(Disk(name="data", size_gib=20, mount="/data"),)))
    assert found["disk/db-2/data"].inputs["zone"] == "local-seoul/b"
    assert found["disk/db-2/data"].inputs["sizeGib"] == 20
    assert found["db-2"].inputs["volumes"] == [{"volume": Ref("disk/db-2/data"), "mount": "/data"}]


def test_networks_are_made_where_members_are() -> None:
    found = resources(a_group("web", 2), a_group("api", region=TOKYO))
    assert {key for key in found if key.startswith(("net/", "subnet/"))} == {
        "net/main/local/local-seoul",
        "net/main/local/local-tokyo",
        "subnet/main/local/local-seoul/a",
        "subnet/main/local/local-seoul/b",
        "subnet/main/local/local-tokyo/a",
    }
    assert "cidr" not in found["net/main/local/local-seoul"].inputs


def test_a_range_of_the_user_is_cut_for_network_and_subnet() -> None:
    found = resources(a_group("web", 2), networks={"main": Network(name="main", cidr="10.20.0.0/14")})
    assert found["net/main/local/local-seoul"].inputs["cidr"] == "10.20.0.0/20"
    assert found["subnet/main/local/local-seoul/b"].inputs["cidr"] == "10.20.1.0/24"


def test_a_new_key_gets_a_name_of_its_own_so_that_both_can_exist() -> None:
    mcis = an_mcis(a_group("web"))
    old, new = (
        build(settled(mcis, keys={"generated": key}).plan)["key/generated/local"].inputs["name"]
        for key in (KEY, "ssh-ed25519 other")
    )
    assert old != new


# ---------------------------------------------------------------- firewalls


def test_without_a_firewall_the_owner_may_log_in_and_the_mcis_may_talk() -> None:
    found = resources(a_group("web"), a_group("api", region=TOKYO))
    peers = {
        str(found[f"sg/{key}"].inputs["name"]) for key in ("web/local/local-seoul", "api/local/local-tokyo")
    }
    assert rules("web", found) == [
        *({"protocol": "all", "peer": peer} for peer in sorted(peers)),
        {"protocol": "tcp", "portLow": 22, "portHigh": 22, "host": True},
    ]


def test_each_source_and_each_range_of_ports_is_a_rule() -> None:
    rule = FirewallRule(sources=("anywhere", "me"), ports=((80, 80), (8000, 8100)))
    found = rules("web", resources(a_group("web", firewalls=("w",)), firewalls=wall(rule)))
    assert found == [
        {"protocol": "tcp", "portLow": 80, "portHigh": 80, "host": True},
        {"protocol": "tcp", "portLow": 80, "portHigh": 80, "cidr": "0.0.0.0/0"},
        {"protocol": "tcp", "portLow": 8000, "portHigh": 8100, "host": True},
        {"protocol": "tcp", "portLow": 8000, "portHigh": 8100, "cidr": "0.0.0.0/0"},
    ]


def test_a_group_as_source_is_named_by_its_security_group() -> None:
    walls = wall(FirewallRule(sources=("group:api",), ports=((5432, 5432),)))
    found = resources(a_group("db", firewalls=("w",)), a_group("api", region=TOKYO), firewalls=walls)
    name = found["sg/api/local/local-tokyo"].inputs["name"]
    assert rules("db", found) == [{"protocol": "tcp", "portLow": 5432, "portHigh": 5432, "peer": name}]


def test_two_groups_may_admit_each_other() -> None:
    walls = {
        "a": Firewall(name="a", rules=(FirewallRule(sources=("group:api",)),)),
        "w": Firewall(name="w", rules=(FirewallRule(sources=("group:web",)),)),
    }
    found = resources(a_group("web", firewalls=("a",)), a_group("api", firewalls=("w",)), firewalls=walls)
    assert [len(rules(name, found)) for name in ("web", "api")] == [1, 1]


def test_two_firewalls_of_a_group_are_one_security_group() -> None:
    walls = {
        "a": Firewall(name="a", rules=(FirewallRule(sources=("me",)),)),
        "b": Firewall(name="b", rules=(FirewallRule(sources=("10.0.0.0/8",)),)),
    }
    found = resources(a_group("web", firewalls=("b", "a")), firewalls=walls)
    assert [key for key in found if key.startswith("sg/")] == ["sg/web/local/local-seoul"]
    assert len(rules("web", found)) == 2


def test_protocols_without_ports_get_none() -> None:
    walls = wall(FirewallRule(sources=("me",), protocol="icmp", ports=((1, 2),)))
    found = resources(a_group("web", firewalls=("w",)), firewalls=walls)
    assert rules("web", found) == [{"protocol": "icmp", "host": True}]


def test_a_group_on_another_cloud_is_left_out_and_warned_of() -> None:
    walls = wall(FirewallRule(sources=("group:far",)))
    far = a_group("far", connection="far")
    connections = {
        "local": Connection(name="local", cloud="local"),
        "far": Connection(name="far", cloud="elsewhere"),
    }
    mcis = an_mcis(a_group("web", firewalls=("w",)), far, firewalls=walls, connections=connections)
    assert [problem.code for problem in check(mcis)] == ["MCIS252"]


# ---------------------------------------------------------------- first boot


def test_first_boot_instructions_are_read_back_as_they_were_written() -> None:
    setup = Setup(
        packages=("nginx",),
        files=(SetupFile(path="/x", content="a: b\n\ttab é\n", mode="0755"),),
        run=("echo 'x y' > /z", "no"),
    )
    text = boot.user_data(setup)
    assert text.startswith("#cloud-config\n")
    assert yaml.safe_load(text) == {
        "write_files": [{"path": "/x", "content": "a: b\n\ttab é\n", "permissions": "0755"}],
        "packages": ["nginx"],
        "runcmd": ["echo 'x y' > /z", "no"],
    }


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=40), min_size=1))
@example(["\x85", "a\n\u2028 b", "\ufeffx\n", "\n  x", "#!/bin/sh\n\ttrue \n\n"])
def test_any_script_arrives_as_it_was_written(lines: list[str]) -> None:
    setup = Setup(files=tuple(SetupFile(path="/x", content=line) for line in lines), run=tuple(lines))
    read = yaml.safe_load(boot.user_data(setup))
    assert [file["content"] for file in read["write_files"]] == lines == read["runcmd"]


def test_a_group_without_setup_has_empty_instructions() -> None:
    found = resources(a_group("web"))["boot/web/local"]
    assert yaml.safe_load(str(found.inputs["userData"])) == {}


def test_machines_of_a_zone_share_a_template_that_all_else_hangs_on() -> None:
    found = resources(a_group("web", 4))
    keys = [ref.key for n in range(1, 5) for ref in refs(found[f"web-{n}"].inputs)]
    assert keys == [f"template/web/local/local-seoul/{zone}" for zone in "abca"]


@pytest.mark.parametrize("changes", [{"user": "ops"}, {"public_ip": "none"}, {"image": "base"}])
def test_a_template_that_needs_other_machines_gets_a_name_of_its_own(changes: dict[str, Any]) -> None:
    images = {"base": Image(name="base", by_cloud={"local": {"dir": "/"}})}
    old, new = (
        resources(a_group("web", **fields), images=images)[TEMPLATE].inputs["name"]
        for fields in ({}, changes)
    )
    assert old != new


@pytest.mark.parametrize("changes", [{"setup": Setup(run=("true",))}, {"labels": {"a": "b"}}])
def test_what_running_machines_can_keep_leaves_the_name_of_their_template(changes: dict[str, Any]) -> None:
    old, new = (resources(a_group("web", **fields))[TEMPLATE].inputs["name"] for fields in ({}, changes))
    assert old == new


# ---------------------------------------------------------------- checks and notices


@pytest.mark.parametrize(
    "command",
    ["systemctl enable --now nginx", "cd / && systemctl start x", "/bin/systemctl x", "service x start"],
)
def test_a_service_manager_is_warned_of(command: str) -> None:
    here = Span(file="mcis.yaml", line=9, column=12)
    mcis = an_mcis(a_group("web", setup=Setup(run=("true", command))), spans={"groups.web.setup.run.1": here})
    (problem,) = check(mcis)
    assert (problem.code, problem.severity, problem.span) == ("MCIS250", Severity.WARNING, here)
    assert "/etc/rc.local" in problem.hint


@pytest.mark.parametrize(
    "command", ["echo service", "./customer-service run", "mysystemctl x", "servicectl x"]
)
def test_a_word_that_only_looks_like_a_service_manager_is_fine(command: str) -> None:
    assert list(check(an_mcis(a_group("web", setup=Setup(run=(command,)))))) == []


def an_image(entry: dict[str, object], folder: Path = Path("/")) -> Mcis:
    images = {"base": Image(name="base", by_cloud={"local": entry})}
    return an_mcis(a_group("web", image="base"), images=images, folder=folder)


def test_a_folder_as_image_is_found_beside_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    mcis = an_image({"dir": "root"}, tmp_path)
    assert list(check(mcis)) == []
    assert build(settled(mcis).plan)[TEMPLATE].inputs["image"] == f"dir:{tmp_path / 'root'}"


def test_the_host_as_a_named_image_is_the_host() -> None:
    mcis = an_image({"host": True})
    assert list(check(mcis)) == []
    assert build(settled(mcis).plan)[TEMPLATE].inputs["image"] == "host"


@pytest.mark.parametrize("entry", [{"dir": "gone"}, {"id": "x"}, {"host": False}, {"dir": 3}])
def test_an_image_that_cannot_be_used_is_refused(entry: dict[str, object], tmp_path: Path) -> None:
    assert [problem.code for problem in check(an_image(entry, tmp_path))] == ["MCIS251"]


def test_what_is_different_here_is_said() -> None:
    group = a_group("web", setup=Setup(packages=("nginx",)), disk=Disk(size_gib=30))
    said = notices(an_mcis(group))
    assert [any(word in line for line in said) for word in ("own system", "packages", "disk size")] == [
        True
    ] * 3
    assert notices(an_mcis()) == []


def test_regions_have_three_zones_and_a_place_on_the_map() -> None:
    seoul = graph.facts().regions["local-seoul"]
    assert (seoul.zones, seoul.latitude, seoul.longitude) == (("a", "b", "c"), 37.57, 126.98)
    assert graph.facts().types["micro"] == {"vcpus": 0.25, "memory_gib": 0.25}
