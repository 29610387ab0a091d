"""What Google Cloud refuses of a manifest, labels in its form, and the shape of the facts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fakes.mcis import a_group, an_mcis
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.clouds.gcp import catalogue, check, labels
from mcis_iac.manifest.codes import CODES
from mcis_iac.model import (
    Connection,
    Diagnostic,
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
    Status,
)

SEOUL = "asia-northeast3"
KEY, VALUE = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")


def a_vm_group(name: str = "web", count: int = 1, **fields: Any) -> Group:
    return a_group(name, count, cloud="gcp", **({"region": SEOUL} | fields))


def a_shop(*groups: Group, **fields: Any) -> Mcis:
    names = {group.placement.connection for group in groups}
    clouds = {name: Connection(name=name, cloud="gcp") for name in names}
    return an_mcis(*groups, **({"connections": clouds} | fields))


def problems(*groups: Group, **fields: Any) -> list[Diagnostic]:
    return list(check.check(a_shop(*groups, **fields)))


def codes(*groups: Group, **fields: Any) -> list[str]:
    return [problem.code for problem in problems(*groups, **fields)]


def walled(*sources: str) -> dict[str, Firewall]:
    return {"w": Firewall(name="w", rules=(FirewallRule(sources=sources, ports=((443, 443),)),))}


@pytest.mark.parametrize("image", ["ubuntu-24.04", "debian-12"])
def test_instructions_over_googles_limit_are_refused_with_the_number(image: str) -> None:
    large = Setup(files=(SetupFile(path="/x", content="x" * 262_144),))
    (problem,) = problems(a_vm_group(setup=large, image=image))
    assert (problem.code, problem.severity) == ("MCIS265", Severity.ERROR)
    assert "262,144" in problem.detail
    assert (
        codes(a_vm_group(setup=Setup(files=(SetupFile(path="/x", content="x" * 200_000),)), image=image))
        == []
    )


@pytest.mark.parametrize(("size", "found"), [(9, ["MCIS267"]), (10, []), (65536, []), (65537, ["MCIS267"])])
def test_a_disk_has_a_size_that_google_has(size: int, found: list[str]) -> None:
    assert codes(a_vm_group(disk=Disk(size_gib=size))) == found
    assert codes(a_vm_group(disks=(Disk(name="d", size_gib=size, mount="/d"),))) == found


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"family": "base"}, []),
        ({"name": "base-v7", "project": "golden"}, []),
        ({"id": "projects/golden/global/images/base-v7"}, []),
        ({"project": "golden"}, ["MCIS268"]),
        ({"family": "base", "id": "x"}, ["MCIS268"]),
    ],
)
def test_an_own_image_is_named_in_one_way(entry: dict[str, str], found: list[str]) -> None:
    images = {"base": Image(name="base", by_cloud={"gcp": entry})}
    assert codes(a_vm_group(image="base"), images=images) == found


@pytest.mark.parametrize(("existing", "found"), [({"network": "corp"}, []), ({"vpc": "corp"}, ["MCIS269"])])
def test_an_existing_network_needs_its_name(existing: dict[str, str], found: list[str]) -> None:
    networks = {"main": Network(name="main", existing={"gcp": {SEOUL: existing}})}
    assert codes(a_vm_group(), networks=networks) == found


def test_a_source_without_an_address_of_its_own_is_a_warning() -> None:
    api = a_vm_group("api", connection="second", public_ip="none")
    (problem,) = problems(a_vm_group(firewalls=("w",)), api, firewalls=walled("group:api"))
    assert (problem.code, problem.severity) == ("MCIS266", Severity.WARNING)
    assert "`api`" in problem.detail


def test_a_source_in_the_same_network_needs_no_address() -> None:
    api = a_vm_group("api", public_ip="none", region="us-central1")
    assert problems(a_vm_group(firewalls=("w",)), api, firewalls=walled("group:api", "mcis")) == []


def test_more_addresses_than_a_firewall_takes_are_an_error() -> None:
    api = a_vm_group("api", 5001, connection="second")
    found = problems(a_vm_group(firewalls=("w",)), api, firewalls=walled("mcis"))
    (problem,) = [each for each in found if each.code == "MCIS266"]
    assert problem.severity is Severity.ERROR
    assert "5,001" in problem.detail and "5,000" in problem.detail


def test_every_code_has_the_summary_it_is_explained_by() -> None:
    networks = {"main": Network(name="main", existing={"gcp": {SEOUL: {}}})}
    images = {"base": Image(name="base", by_cloud={"gcp": {}})}
    setup = Setup(run=("x" * 300_000,))
    bad = a_vm_group(image="base", setup=setup, disk=Disk(size_gib=1), firewalls=("w",))
    other = a_vm_group("api", connection="second", public_ip="none")
    found = problems(bad, other, networks=networks, images=images, firewalls=walled("mcis"))
    assert {problem.code for problem in found} == {f"MCIS{n}" for n in range(265, 270)}
    assert all(CODES[problem.code].summary == problem.summary for problem in found)


def test_what_is_merely_different_is_said_once() -> None:
    existing = {"main": Network(name="main", existing={"gcp": {SEOUL: {"network": "corp"}}})}
    said = check.notices(a_shop(a_vm_group(labels={"Team": "x"}, public_ip="none"), networks=existing))
    assert len(said) == 2 and "Team" in said[0] and "Cloud NAT" in said[1]
    assert check.notices(a_shop(a_vm_group(labels={"team": "x"}))) == []


# ---------------------------------------------------------------- labels


@given(st.dictionaries(st.text(min_size=1, max_size=80), st.text(max_size=80), max_size=8))
def test_every_label_arrives_in_a_form_that_google_takes(tags: dict[str, str]) -> None:
    made = labels.labels(tags)
    assert len(made) == len(tags)
    assert all(KEY.fullmatch(key) and VALUE.fullmatch(text) for key, text in made.items())


def test_a_label_written_otherwise_never_hides_one_of_ours() -> None:
    made = labels.labels({"MCIS": "other", "mcis": "shop"})
    assert made["mcis"] == "shop" and sorted(made.values()) == ["other", "shop"]


def test_a_description_gives_back_whose_a_thing_is() -> None:
    shop = an_mcis(namespace="team", env="prod")
    tags = {"mcis": "shop", "mcis-namespace": "team", "mcis-env": "prod"}
    assert labels.described(labels.description(shop)) == tags


@pytest.mark.parametrize("text", ["", "Default network for the project", "owner=me", "a=b=c mcis-env=x"])
def test_a_description_of_somebody_else_is_nobodys(text: str) -> None:
    assert labels.described(text) == {}


# ---------------------------------------------------------------- facts


def test_every_file_says_how_old_it_is_and_where_it_is_from() -> None:
    for name in ("regions", "types", "images", "statuses", "limits", "permissions"):
        found = catalogue.data(name)
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", found["as_of"]) and found["source"]


def test_regions_have_zones() -> None:
    assert all(len(region.zones) >= 3 for region in catalogue.facts().regions.values())


def test_every_alias_has_a_family_for_both_architectures() -> None:
    rows = catalogue.data("images")["images"].values()
    assert all(row["project"] and row["family"].keys() == {"amd64", "arm64"} for row in rows)


def test_every_word_for_a_state_is_one_of_ours() -> None:
    assert set(catalogue.data("statuses")["statuses"].values()) <= set(Status)


@pytest.mark.parametrize(("count", "refused"), [(60, False), (61, True)])
def test_more_labels_than_a_resource_takes_are_refused(count: int, refused: bool) -> None:
    labels = {f"l{number}": "x" for number in range(count)}
    found = problems(a_vm_group(), labels=labels)
    assert [problem.code for problem in found] == [check.OVER_LIMIT] * refused
    assert not refused or "takes 64" in found[0].detail


def test_the_label_of_an_env_counts() -> None:
    labels = {f"l{number}": "x" for number in range(60)}
    assert codes(a_vm_group(), labels=labels, env="prod") == [check.OVER_LIMIT]
