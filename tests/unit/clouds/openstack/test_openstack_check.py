"""What is said of a manifest that an OpenStack cannot carry, or carries differently."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes.mcis import a_group, an_mcis

from mcis_iac.clouds.openstack import check
from mcis_iac.model import Connection, Disk, Firewall, FirewallRule, Key, Mcis, Network, Setup, SetupFile

ONE, TWO = "RegionOne", "RegionTwo"


def lab(*groups: Any, settings: dict[str, Any] | None = None, **fields: Any) -> Mcis:
    given = {"external_network": "public"} if settings is None else settings
    connections = {"lab": Connection(name="lab", cloud="openstack", settings=given)}
    return an_mcis(*groups, connections=connections, **fields)


def web(**fields: Any) -> Any:
    return a_group("web", **({"cloud": "openstack", "connection": "lab", "region": ONE} | fields))


def codes(mcis: Mcis) -> list[str]:
    return [problem.code for problem in check.check(mcis)]


def test_an_ordinary_group_is_fine() -> None:
    assert codes(lab(web())) == []


@pytest.mark.parametrize("settings", [{}, {"external_network": {TWO: "public"}}])
def test_a_public_address_needs_an_external_network_in_that_region(settings: dict[str, Any]) -> None:
    (problem,) = check.check(lab(web(), settings=settings))
    assert problem.code == check.NO_EXTERNAL_NETWORK
    assert "connection `lab`" in problem.detail and ONE in problem.detail


def test_without_public_addresses_no_external_network_is_needed() -> None:
    assert codes(lab(web(public_ip="none"), settings={})) == []


def test_too_large_a_setup_is_refused_with_the_clouds_number() -> None:
    large = Setup(files=(SetupFile(path="/big", content="x" * 49_000),))
    (problem,) = check.check(lab(web(setup=large)))
    assert problem.code == check.TOO_MUCH_USER_DATA and "49,149" in problem.detail


def test_a_setup_within_the_limit_is_fine() -> None:
    assert codes(lab(web(setup=Setup(files=(SetupFile(path="/big", content="x" * 40_000),))))) == []


def test_there_are_no_spot_machines() -> None:
    group = web()
    assert codes(lab(replace(group, placement=replace(group.placement, spot=True)))) == [check.NO_SPOT]


def test_a_key_on_a_token_is_refused() -> None:
    keys = {"ops": Key(name="ops", public_key="sk-ssh-ed25519@openssh.com AAAA")}
    (problem,) = check.check(lab(web(key="ops"), keys=keys))
    assert problem.code == check.NOT_ACCEPTED and "sk-ssh-ed25519@openssh.com" in problem.detail


@pytest.mark.parametrize("words", [{}, {"subnet": "77fe"}, {"network": "3a1c", "vpc": "x"}])
def test_an_existing_network_is_named_by_its_id(words: dict[str, str]) -> None:
    network = Network(name="main", existing={"lab": {ONE: words}})
    assert codes(lab(web(), networks={"main": network})) == [check.NOT_ACCEPTED]


def test_a_source_elsewhere_without_public_addresses_is_warned_of() -> None:
    wall = Firewall(name="w", rules=(FirewallRule(sources=("group:far",), ports=((80, 80),)),))
    far = a_group("far", cloud="openstack", connection="lab", region=TWO, public_ip="none")
    (problem,) = check.check(lab(web(firewalls=("w",)), far, firewalls={"w": wall}))
    assert (problem.code, problem.severity) == (check.UNSEEN_ADDRESS, "warning")


def test_a_source_beside_needs_no_public_address() -> None:
    wall = Firewall(name="w", rules=(FirewallRule(sources=("group:api",), ports=((80, 80),)),))
    beside = a_group("api", cloud="openstack", connection="lab", region=ONE, public_ip="none")
    assert codes(lab(web(firewalls=("w",)), beside, firewalls={"w": wall})) == []


def test_a_server_takes_so_many_labels_those_of_mcis_among_them() -> None:
    most = {f"label-{number}": "x" for number in range(124)}
    assert codes(lab(web(labels=most))) == []
    (problem,) = check.check(lab(web(labels=most | {"more": "x"})))
    assert problem.code == check.NOT_ACCEPTED and problem.span == lab().span("groups.web.labels")
    assert problem.detail == "125 labels and 4 of mcis; a server takes 128 metadata items"


def test_groups_on_other_clouds_are_not_looked_at() -> None:
    assert codes(an_mcis(a_group("web"))) == []


@pytest.mark.parametrize(
    "fields, said",
    [
        ({}, "floating"),
        ({"disk": Disk(size_gib=10, type="fast"), "public_ip": "none"}, "default volume type"),
        ({"labels": {"note": "x" * 80}, "public_ip": "none"}, "label note"),
    ],
)
def test_what_is_different_is_said(fields: dict[str, Any], said: str) -> None:
    (notice,) = check.notices(lab(web(**fields)))
    assert said in notice


def test_machines_that_reach_nothing_are_mentioned() -> None:
    (notice,) = check.notices(lab(web(public_ip="none"), settings={}))
    assert "reach nothing" in notice
