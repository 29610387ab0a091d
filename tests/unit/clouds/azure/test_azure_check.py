"""What Azure refuses of a manifest is said before anything starts, with the place and the number."""

from __future__ import annotations

import base64
import struct
from dataclasses import replace
from typing import Any

import pytest
from fakes.mcis import a_group, an_mcis

from mcis_iac.clouds.azure.graph import check, notices
from mcis_iac.model import (
    Connection,
    Diagnostic,
    Disk,
    Firewall,
    FirewallRule,
    Group,
    Image,
    Key,
    Network,
    Setup,
    SetupFile,
    Severity,
)

SEOUL = "koreacentral"
AZURE = {"azure": Connection(name="azure", cloud="azure")}


def here(**fields: Any) -> Group:
    return a_group("web", 1, **({"cloud": "azure", "region": SEOUL} | fields))


def problems(*groups: Group, **fields: Any) -> list[Diagnostic]:
    return list(check(an_mcis(*groups, **({"connections": AZURE} | fields))))


def a_problem(*groups: Group, **fields: Any) -> Diagnostic:
    (one,) = problems(*groups, **fields)
    return one


def rsa(bits: int) -> str:
    parts = (b"ssh-rsa", b"\x01\x00\x01", ((1 << bits) - 1).to_bytes(bits // 8 + 1, "big"))
    return "ssh-rsa " + base64.b64encode(b"".join(struct.pack(">I", len(p)) + p for p in parts)).decode()


def test_a_setup_over_the_limit_is_refused_with_the_number() -> None:
    files = (SetupFile(path="/big", content="x" * 66_000),)
    problem = a_problem(here(setup=Setup(files=files)))
    assert problem.code == "MCIS270" and "65,535" in problem.detail


def test_a_large_setup_below_the_limit_is_fine() -> None:
    assert problems(here(setup=Setup(files=(SetupFile(path="/big", content="x" * 50_000),)))) == []


@pytest.mark.parametrize("user", ["admin", "root", "Test", "user", "guest", "console", "x" * 65, "dot."])
def test_some_users_azure_makes_not(user: str) -> None:
    problem = a_problem(here(user=user))
    assert problem.code == "MCIS271" and problem.severity is Severity.ERROR


@pytest.mark.parametrize("key", ["ecdsa-sha2-nistp256 AAAA", "sk-ssh-ed25519@openssh.com AAAA", rsa(1024)])
def test_some_keys_azure_takes_not(key: str) -> None:
    assert a_problem(here(key="ops"), keys={"ops": Key(name="ops", public_key=key)}).code == "MCIS271"


@pytest.mark.parametrize("key", ["ssh-ed25519 AAAA", rsa(2048), rsa(4096), "ssh-rsa nonsense"])
def test_other_keys_are_azures_own_to_judge(key: str) -> None:
    assert problems(here(key="ops"), keys={"ops": Key(name="ops", public_key=key)}) == []


def test_a_fast_disk_wants_a_size_that_can_have_it() -> None:
    slow = here(type="Standard_D2_v5", disks=(Disk(name="d", type="fast", mount="/d", size_gib=1),))
    assert a_problem(slow).code == "MCIS272"
    assert problems(here(type="Standard_D2s_v5", disk=Disk(type="fast"))) == []


def test_small_sizes_are_not_sold_as_spot() -> None:
    def spot(**fields: Any) -> Group:
        group = here(**fields)
        return replace(group, placement=replace(group.placement, spot=True))

    assert "Standard_B2s" in a_problem(spot()).detail
    assert problems(spot(type="Standard_D2s_v5")) == []


def test_disks_have_a_largest_size() -> None:
    assert "32,767" in a_problem(here(disks=(Disk(name="d", mount="/d", size_gib=40_000),))).detail


def test_too_many_labels_are_refused_and_odd_ones_are_said() -> None:
    assert a_problem(here(labels={f"l{n}": "" for n in range(46)})).severity is Severity.ERROR
    assert a_problem(here(labels={"a/b": "c"})).severity is Severity.WARNING


@pytest.mark.parametrize(
    "entry",
    [
        {"urn": "Canonical:server"},
        {"urn": "a:b:c:"},
        {"id": "base"},
        {"plan": True},
        {"urn": "a:b:c:latest", "id": "/subscriptions/s"},
    ],
)
def test_an_image_is_named_completely_or_not_at_all(entry: dict[str, Any]) -> None:
    images = {"base": Image(name="base", by_cloud={"azure": entry})}
    assert a_problem(here(image="base"), images=images).code == "MCIS273"


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"resource_group": "hub", "vnet": "corp"},
        {"vnet": "corp", "subnet": "servers"},
        {"resource_group": "hub", "vnet": "corp", "subnet": "servers"},
    ],
)
def test_a_network_that_is_there_is_named_completely(words: dict[str, str]) -> None:
    networks = {"main": Network(name="main", existing={"azure": {SEOUL: words}})}
    assert a_problem(here(), networks=networks).code == "MCIS273"


def test_a_source_that_nobody_sees_from_here_is_said() -> None:
    walls = {"w": Firewall(name="w", rules=(FirewallRule(sources=("group:db",), ports=((80, 80),)),))}
    away = a_group("db", 1, cloud="azure", region="eastus2", public_ip="none")
    problem = a_problem(here(firewalls=("w",)), away, firewalls=walls)
    assert (problem.code, problem.severity) == ("MCIS274", Severity.WARNING)
    near = a_group("db", 1, cloud="azure", region=SEOUL, public_ip="none")
    assert problems(here(firewalls=("w",)), near, firewalls=walls) == []


def test_groups_of_other_clouds_are_none_of_its_business() -> None:
    connections = {"local": Connection(name="local", cloud="local")}
    assert problems(a_group("web", user="root"), connections=connections) == []


def said(*groups: Group, **fields: Any) -> list[str]:
    return list(notices(an_mcis(*groups, **({"connections": AZURE} | fields))))


def test_what_costs_or_needs_a_consent_is_said() -> None:
    assert said(here()) == []
    (gateway,) = said(here(public_ip="none"))
    assert "NAT gateway (azure/koreacentral, network main)" in gateway
    (terms,) = said(here(image="rocky-9"))
    assert "az vm image terms accept --urn resf:rockylinux-x86_64:9-base:latest" in terms


@pytest.mark.parametrize(("ports", "refused"), [(999, False), (1_000, True)])
def test_more_rules_than_a_security_group_takes_are_refused(ports: int, refused: bool) -> None:
    spans = tuple((1_000 + 2 * port, 1_000 + 2 * port) for port in range(ports))
    wall = Firewall(name="w", rules=(FirewallRule(sources=("anywhere",), ports=spans),))
    found = problems(here(firewalls=("w",)), firewalls={"w": wall})
    assert [problem.code for problem in found] == ["MCIS272"] * refused
    assert not refused or "takes 1,000" in found[0].detail
