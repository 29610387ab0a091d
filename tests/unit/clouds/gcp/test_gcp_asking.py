"""Images, quotas, states and what is ours, asked of a Google Cloud on this machine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fakes.gcp import TOKEN, FakeGoogle, forbidden

from mcis_iac.clouds.base import Check, Demand, ImageQuery, Spot
from mcis_iac.clouds.gcp import credentials, doctor, images, lifecycle, lookup
from mcis_iac.errors import CredentialsError, OperationError
from mcis_iac.model import Connection, Status, Vm

pytestmark = pytest.mark.process  # a server on the loopback interface stands in for Google
HERE = Connection(name="gcp", cloud="gcp", settings={"project": "shop"})
SEOUL = "asia-northeast3"
OURS = {"mcis": "shop", "mcis-namespace": "default"}
DESCRIBED = "mcis=shop mcis-namespace=default"


def a_query(
    alias: str = "ubuntu-24.04", arch: Any = "amd64", region: str = SEOUL, **entry: str
) -> ImageQuery:
    return ImageQuery(region=region, alias=alias, arch=arch, entry=tuple(entry.items()))


def a_vm(name: str = "web-1", zone: str = f"{SEOUL}-a", project: str = "shop") -> Vm:
    group, _, ordinal = name.rpartition("-")
    return Vm(
        name=name,
        group=group,
        ordinal=int(ordinal),
        connection="gcp",
        cloud="gcp",
        region=zone[:-2],
        zone=zone[-1],
        type="e2-micro",
        id=f"projects/{project}/zones/{zone}/instances/{name}",
        private_ip="10.0.0.2",
        public_ip=None,
        user="mcis",
        host_key=None,
    )


def has_vm(cloud: FakeGoogle, vm: Vm, status: str = "RUNNING", **fields: Any) -> str:
    return cloud.has(vm.id, status=status, labels=dict(OURS), **fields)


# ---------------------------------------------------------------- images


def test_an_alias_becomes_the_newest_image_of_its_family(cloud: FakeGoogle) -> None:
    path = cloud.has_image("ubuntu-os-cloud", "ubuntu-2404-lts-amd64", "ubuntu-2404-noble-amd64-v20260715")
    assert images.resolve(HERE, [a_query()]) == {a_query(): path}


def test_each_architecture_has_its_own_image(cloud: FakeGoogle) -> None:
    cloud.has_image("debian-cloud", "debian-12", "debian-12-v1")
    cloud.has_image("debian-cloud", "debian-12-arm64", "debian-12-arm64-v1", "ARM64")
    queries = [a_query("debian-12"), a_query("debian-12", "arm64")]
    found = images.resolve(HERE, queries)
    assert [found[query].rpartition("/")[2] for query in queries] == ["debian-12-v1", "debian-12-arm64-v1"]


def test_an_image_for_two_regions_is_asked_for_once(cloud: FakeGoogle) -> None:
    cloud.has_image("debian-cloud", "debian-12", "debian-12-v1")
    found = images.resolve(HERE, [a_query("debian-12"), a_query("debian-12", region="us-east1")])
    assert (len(found), len(cloud.calls)) == (2, 1)


def test_an_image_that_does_not_exist_is_left_out(cloud: FakeGoogle) -> None:
    cloud.has_image("debian-cloud", "debian-12", "debian-12-v1")
    assert list(images.resolve(HERE, [a_query("debian-12"), a_query("rocky-9"), a_query("unknown")])) == [
        a_query("debian-12")
    ]


@pytest.mark.parametrize(
    "entry",
    [
        {"family": "base", "project": "golden"},
        {"name": "base-v7", "project": "golden"},
        {"id": "projects/golden/global/images/base-v7"},
    ],
)
def test_an_own_image_is_found_by_family_name_or_id(cloud: FakeGoogle, entry: dict[str, str]) -> None:
    path = cloud.has_image("golden", "base", "base-v7")
    assert images.resolve(HERE, [a_query("base", **entry)]) == {a_query("base", **entry): path}


def test_an_own_image_without_project_is_the_connections(cloud: FakeGoogle) -> None:
    path = cloud.has_image("shop", "base", "base-v7")
    assert list(images.resolve(HERE, [a_query("base", family="base")]).values()) == [path]


def test_an_image_for_another_processor_does_not_count(cloud: FakeGoogle) -> None:
    cloud.has_image("shop", "base", "base-v7", "ARM64")
    assert images.resolve(HERE, [a_query("base", family="base")]) == {}


def test_nothing_is_asked_for_nothing(cloud: FakeGoogle) -> None:
    assert (images.resolve(HERE, []), cloud.calls) == ({}, [])


# ---------------------------------------------------------------- credentials


def test_a_token_that_is_no_good_is_a_matter_of_credentials(
    cloud: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "stale")
    with pytest.raises(CredentialsError) as refused:
        images.resolve(HERE, [a_query()])
    assert "gcloud auth" in refused.value.hint
    assert "stale" not in str(refused.value)


def test_a_token_that_is_no_good_is_called_by_the_name_the_user_knows(
    cloud: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "stale")
    renamed = replace(HERE, settings={"project": "shop", "env": {"GOOGLE_OAUTH_ACCESS_TOKEN": "SHOP_TOKEN"}})
    with pytest.raises(CredentialsError) as refused:
        lifecycle.observe(renamed, [a_vm()])
    assert "the access token in SHOP_TOKEN has expired" in refused.value.detail
    assert "stale" not in str(refused.value)


def test_a_connection_may_call_its_variables_otherwise(
    cloud: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "somebody else's")
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    monkeypatch.setenv("SHOP_PROJECT", "shop")
    names = {"GOOGLE_OAUTH_ACCESS_TOKEN": "SHOP_TOKEN", "GOOGLE_PROJECT": "SHOP_PROJECT"}
    cloud.has_image("shop", "base", "base-v7")
    mine = Connection(name="mine", cloud="gcp", settings={"env": names})
    assert len(images.resolve(mine, [a_query("base", family="base")])) == 1


def test_without_any_credentials_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialsError) as refused:
        images.resolve(HERE, [a_query()])
    assert refused.value.summary == "no credentials for Google Cloud"
    assert "gcloud auth application-default login" in refused.value.hint


def a_key(cloud: FakeGoogle) -> str:
    """The text of a service account's key file, as Google's console gives it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = "deploy@shop.iam.gserviceaccount.com"
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "shop",
            "private_key_id": "1",
            "private_key": pem,
            "client_email": account,
            "client_id": "1",
            "token_uri": f"{cloud.base}/token",
        }
    )


def test_a_key_file_logs_in_and_names_the_project(
    cloud: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GOOGLE_OAUTH_ACCESS_TOKEN")
    (tmp_path / "key.json").write_text(a_key(cloud), encoding="utf-8")
    mine = Connection(name="mine", cloud="gcp", settings={"credentials_file": str(tmp_path / "key.json")})
    an_mcis(cloud)
    assert len(lookup.find(mine, OURS)) == 7


def test_a_key_in_the_environment_logs_in_by_whatever_name(
    cloud: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_OAUTH_ACCESS_TOKEN")
    monkeypatch.setenv("SHOP_KEY", a_key(cloud))
    mine = Connection(name="mine", cloud="gcp", settings={"env": {"GOOGLE_CREDENTIALS": "SHOP_KEY"}})
    an_mcis(cloud)
    assert len(lookup.find(mine, OURS)) == 7


@pytest.mark.parametrize(
    ("settings", "variables", "found"),
    [
        ({}, {}, "application default credentials"),
        ({"credentials_file": "k.json"}, {}, "k.json"),
        ({}, {"GOOGLE_CREDENTIALS": "{secret}"}, "credentials in the environment"),
        ({}, {"GOOGLE_OAUTH_ACCESS_TOKEN": "secret"}, "an access token"),
        ({"impersonate": "x@shop"}, {}, "application default credentials, as x@shop"),
    ],
)
def test_where_credentials_come_from_is_told_without_them(
    settings: dict[str, str], variables: dict[str, str], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    assert credentials.source(Connection(name="gcp", cloud="gcp", settings=settings)) == found


@pytest.mark.parametrize("text", ["not json", json.dumps({"type": "unknown"}), None])
def test_a_key_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | None) -> None:
    key = tmp_path / "key.json"
    if text is not None:
        key.write_text(text, encoding="utf-8")
    with pytest.raises(CredentialsError):
        images.resolve(
            Connection(name="gcp", cloud="gcp", settings={"credentials_file": str(key)}), [a_query()]
        )


def test_a_connection_without_project_asks_for_one(cloud: FakeGoogle) -> None:
    with pytest.raises(CredentialsError) as refused:
        lookup.find(Connection(name="gcp", cloud="gcp"), OURS)
    assert "connections.gcp.project" in refused.value.hint


def test_who_may_not_ask_is_told_what_to_do(cloud: FakeGoogle) -> None:
    cloud.denied = forbidden("Compute Engine API has not been used in project", "accessNotConfigured")
    with pytest.raises(CredentialsError) as refused:
        lookup.find(HERE, OURS)
    assert refused.value.hint == "gcloud services enable compute.googleapis.com --project shop"


def test_asking_too_fast_is_no_matter_of_credentials(cloud: FakeGoogle) -> None:
    cloud.denied = forbidden("Quota exceeded for quota metric 'Queries'", "rateLimitExceeded")
    with pytest.raises(OperationError) as refused:
        lookup.find(HERE, OURS)
    assert "Quota exceeded" in refused.value.detail


def test_a_hiccup_is_asked_again(cloud: FakeGoogle) -> None:
    cloud.hiccups = [503]
    has_vm(cloud, a_vm())
    assert lifecycle.observe(HERE, [a_vm()])["web-1"].status is Status.RUNNING


def test_a_cloud_that_is_not_there_is_an_error_with_its_address(
    cloud: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_COMPUTE_CUSTOM_ENDPOINT", "http://127.0.0.1:9/compute/v1/")
    monkeypatch.setattr("mcis_iac.clouds.gcp.api.RETRIES", 0)
    with pytest.raises(OperationError) as failed:
        lifecycle.observe(HERE, [a_vm()])
    assert "127.0.0.1:9" in failed.value.detail


# ---------------------------------------------------------------- states


@pytest.mark.parametrize(
    ("native", "status"),
    [
        ("PROVISIONING", Status.CREATING),
        ("STAGING", Status.CREATING),
        ("RUNNING", Status.RUNNING),
        ("STOPPING", Status.SUSPENDING),
        ("TERMINATED", Status.SUSPENDED),
        ("SUSPENDED", Status.SUSPENDED),
        ("DEPROVISIONING", Status.TERMINATING),
        ("REPAIRING", Status.UNDEFINED),
        ("A_WORD_OF_TOMORROW", Status.UNDEFINED),
    ],
)
def test_every_word_of_google_has_a_meaning(cloud: FakeGoogle, native: str, status: Status) -> None:
    has_vm(cloud, a_vm(), native)
    seen = lifecycle.observe(HERE, [a_vm()])["web-1"]
    assert (seen.status, seen.native) == (status, native)


def test_a_machine_shows_its_present_address_and_its_age(cloud: FakeGoogle) -> None:
    access = [{"name": "External NAT", "natIP": "203.0.113.9"}]
    has_vm(
        cloud, a_vm(), networkInterfaces=[{"accessConfigs": access}], creationTimestamp="2026-07-01T00:00:00Z"
    )
    seen = lifecycle.observe(HERE, [a_vm()])["web-1"]
    assert (seen.public_ip, seen.created_at) == ("203.0.113.9", "2026-07-01T00:00:00Z")


def test_a_machine_google_does_not_know_is_terminated(cloud: FakeGoogle) -> None:
    assert lifecycle.observe(HERE, [a_vm()])["web-1"].status is Status.TERMINATED


def test_a_machine_in_a_zone_that_does_not_answer_is_not_taken_for_gone(cloud: FakeGoogle) -> None:
    lost, gone = a_vm("web-1"), a_vm("web-2", f"{SEOUL}-b")
    has_vm(cloud, lost)
    cloud.down.add(f"{SEOUL}-a")
    seen = lifecycle.observe(HERE, [lost, gone])
    assert [seen[name].status for name in ("web-1", "web-2")] == [Status.UNDEFINED, Status.TERMINATED]


def test_machines_on_many_pages_are_all_seen(cloud: FakeGoogle) -> None:
    vms = [a_vm(f"web-{n}", f"{SEOUL}-{'abc'[n % 3]}") for n in range(1, 8)]
    for vm in vms:
        has_vm(cloud, vm)
    seen = lifecycle.observe(HERE, vms)
    assert {observed.status for observed in seen.values()} == {Status.RUNNING} and len(seen) == 7


def test_each_project_is_asked_on_its_own(cloud: FakeGoogle) -> None:
    cloud.has_project("other")
    vms = [a_vm("web-1"), a_vm("web-2"), a_vm("db-1", project="other")]
    for vm in vms:
        has_vm(cloud, vm)
    assert {o.status for o in lifecycle.observe(HERE, vms).values()} == {Status.RUNNING}
    assert len(cloud.calls) == 2


# ---------------------------------------------------------------- what is ours


def an_mcis(cloud: FakeGoogle, description: str = DESCRIBED, mark: str = "", **labels: str) -> list[str]:
    """One machine with all around it; `mark` keeps names apart."""
    tags = {**OURS, **labels}
    net = cloud.has(f"projects/shop/global/networks/net{mark}", description=description)
    sub = cloud.has(
        f"projects/shop/regions/{SEOUL}/subnetworks/sub{mark}", description=description, network=net
    )
    disk = cloud.has(f"projects/shop/zones/{SEOUL}-a/disks/data{mark}", labels=tags)
    return [
        net,
        sub,
        disk,
        cloud.has(f"projects/shop/global/firewalls/rule{mark}", description=description, network=net),
        cloud.has(f"projects/shop/regions/{SEOUL}/routers/way{mark}", description=description, network=net),
        cloud.has(f"projects/shop/regions/{SEOUL}/addresses/ip{mark}", labels=tags),
        cloud.has(
            f"projects/shop/zones/{SEOUL}-a/instances/web{mark}", labels=tags, disks=[disk], subnetwork=sub
        ),
    ]


def test_everything_of_an_mcis_is_found_whether_it_has_labels_or_not(cloud: FakeGoogle) -> None:
    made = an_mcis(cloud)
    found = lookup.find(HERE, OURS)
    assert {each.id for each in found} == set(made)
    assert [each.kind for each in found][:2] == ["instance", "disk"]
    assert all(OURS.items() <= each.tags.items() for each in found)


def test_what_belongs_to_others_is_not_found(cloud: FakeGoogle) -> None:
    an_mcis(cloud, "mcis=shop2 mcis-namespace=default", "-x", mcis="shop2")
    cloud.has("projects/shop/global/networks/default", description="Default network for the project")
    cloud.has(f"projects/shop/zones/{SEOUL}-a/disks/other")
    assert lookup.find(HERE, OURS) == []


def test_an_env_is_another_mcis(cloud: FakeGoogle) -> None:
    made = an_mcis(cloud, f"{DESCRIBED} mcis-env=prod", **{"mcis-env": "prod"})
    assert lookup.find(HERE, OURS) == []
    assert {each.id for each in lookup.find(HERE, {**OURS, "mcis-env": "prod"})} == set(made)


def test_a_sweep_leaves_nothing_and_breaks_nothing(cloud: FakeGoogle) -> None:
    made, others = an_mcis(cloud), an_mcis(cloud, "mcis=shop2", "-x", mcis="shop2")
    swept = lookup.sweep(HERE, OURS)
    assert {each.id for each in swept} == set(made) == set(cloud.deleted)
    assert set(cloud.things) == set(others)


def test_a_second_sweep_finds_nothing_to_do(cloud: FakeGoogle) -> None:
    an_mcis(cloud)
    lookup.sweep(HERE, OURS)
    assert list(lookup.sweep(HERE, OURS)) == []


def test_a_sweep_without_tags_asks_nothing(cloud: FakeGoogle) -> None:
    an_mcis(cloud)
    assert (list(lookup.sweep(HERE, {})), cloud.calls) == ([], [])


def test_what_somebody_else_still_uses_stops_a_sweep_with_googles_words(cloud: FakeGoogle) -> None:
    net = an_mcis(cloud)[0]
    cloud.has("projects/shop/global/firewalls/by-hand", network=net)
    with pytest.raises(OperationError) as failed:
        lookup.sweep(HERE, OURS)
    assert "RESOURCE_IN_USE" in failed.value.detail and "by-hand" in failed.value.detail


def test_a_zone_that_does_not_answer_makes_no_search_complete(cloud: FakeGoogle) -> None:
    an_mcis(cloud)
    cloud.down.add(f"{SEOUL}-a")
    with pytest.raises(OperationError) as failed:
        lookup.find(HERE, OURS)
    assert f"{SEOUL}-a" in failed.value.detail


# ---------------------------------------------------------------- doctor


def a_demand(**fields: Any) -> Demand:
    wanted: dict[str, Any] = {"region": SEOUL, "vms": 3, "vcpus": 6, "public_ips": 3, "networks": 1}
    return Demand(**(wanted | fields))


def well(cloud: FakeGoogle) -> None:
    from mcis_iac.clouds.gcp import catalogue

    cloud.allowed = set(catalogue.data("permissions")["permissions"])
    cloud.has_project("shop", CPUS_ALL_REGIONS=(0, 32), NETWORKS=(1, 5))
    cloud.has_region(
        "shop", SEOUL, CPUS=(0, 24), INSTANCES=(0, 100), IN_USE_ADDRESSES=(0, 8), SSD_TOTAL_GB=(0, 500)
    )


def sells(cloud: FakeGoogle, machine_type: str, zones: str = "abc") -> None:
    for zone in zones:
        cloud.has(f"projects/shop/zones/{SEOUL}-{zone}/machineTypes/{machine_type}")


def checked(*demands: Demand, connection: Connection = HERE) -> dict[str, Check]:
    return {check.topic: check for check in doctor.check(connection, demands)}


def test_a_project_with_everything_is_fine(cloud: FakeGoogle) -> None:
    well(cloud)
    sells(cloud, "e2-medium")
    found = checked(a_demand(types=("e2-medium",), disks=1, disk_gib=20))
    assert all(check.ok and not check.hint for check in found.values())
    assert {"credentials", "project", "permissions", f"vCPUs in {SEOUL}"} <= found.keys()


def test_missing_permissions_are_named_with_a_role_that_has_them(cloud: FakeGoogle) -> None:
    well(cloud)
    cloud.allowed -= {"compute.instances.create", "compute.networks.create"}
    found = checked()["permissions"]
    assert not found.ok
    assert found.why == "compute.instances.create, compute.networks.create"
    assert "roles/compute.admin" in found.hint


def test_a_quota_that_is_too_small_is_named(cloud: FakeGoogle) -> None:
    well(cloud)
    cloud.has_region("shop", SEOUL, CPUS=(20, 24), IN_USE_ADDRESSES=(0, 8))
    found = checked(a_demand())
    assert found[f"vCPUs in {SEOUL}"].found == "6 wanted, 4 of 24 free"
    assert "CPUS" in found[f"vCPUs in {SEOUL}"].hint
    assert found[f"public addresses in {SEOUL}"].ok


def test_a_series_with_a_quota_of_its_own_is_held_against_that(cloud: FakeGoogle) -> None:
    well(cloud)
    cloud.has_region("shop", SEOUL, CPUS=(0, 24), N2_CPUS=(0, 4))
    assert not checked(a_demand(types=("n2-standard-4",)))[f"vCPUs in {SEOUL}"].ok
    assert checked(a_demand(types=("e2-medium",)))[f"vCPUs in {SEOUL}"].ok


def test_spot_machines_have_a_quota_of_their_own_if_there_is_one(cloud: FakeGoogle) -> None:
    well(cloud)
    demand = a_demand(types=("e2-medium", "n2-standard-4"), spot=Spot(vcpus=4, types=("n2-standard-4",)))
    cloud.has_region("shop", SEOUL, CPUS=(0, 24), PREEMPTIBLE_CPUS=(5, 8))
    found = checked(demand)
    assert found[f"vCPUs in {SEOUL}"].found == "2 wanted, 24 of 24 free"
    assert found[f"spot vCPUs in {SEOUL}"].found == "4 wanted, 3 of 8 free"
    assert found["vCPUs in all regions"].found.startswith("6 wanted")
    cloud.has_region("shop", SEOUL, CPUS=(0, 24), PREEMPTIBLE_CPUS=(0, 0))
    found = checked(demand)
    assert found[f"vCPUs in {SEOUL}"].found == "6 wanted, 24 of 24 free"
    assert f"spot vCPUs in {SEOUL}" not in found


@pytest.mark.parametrize(("zones", "found"), [("ab", "not in zone c"), ("", "not in zone a, b, c")])
def test_a_type_that_a_zone_does_not_have_is_named(cloud: FakeGoogle, zones: str, found: str) -> None:
    well(cloud)
    sells(cloud, "c4a-standard-2", zones)
    check = checked(a_demand(types=("c4a-standard-2",)))[f"c4a-standard-2 in {SEOUL}"]
    assert (check.ok, check.found) == (False, found)
    assert check.hint.endswith("choose another type")


def test_the_processors_of_an_unknown_type_are_asked_for(cloud: FakeGoogle) -> None:
    well(cloud)
    cloud.has(f"projects/shop/zones/{SEOUL}-b/machineTypes/z9-huge", guestCpus=10)
    found = checked(a_demand(vcpus=2, uncounted=(("z9-huge", 2), ("z9-none", 1))))
    assert found[f"vCPUs in {SEOUL}"].found == "22 wanted, 24 of 24 free"
    assert found["vCPUs in all regions"].found.startswith("22 wanted")


def test_regions_share_the_quota_of_the_project(cloud: FakeGoogle) -> None:
    well(cloud)
    cloud.has_project("shop", CPUS_ALL_REGIONS=(0, 8), NETWORKS=(4, 5))
    cloud.has_region("shop", "us-east1", CPUS=(0, 24))
    found = checked(a_demand(), a_demand(region="us-east1"))
    assert not found["vCPUs in all regions"].ok
    assert found["networks"].ok


def test_a_region_the_project_does_not_have_is_a_finding(cloud: FakeGoogle) -> None:
    well(cloud)
    assert not checked(a_demand(region="us-east1"))["us-east1"].ok


def test_bad_credentials_end_the_examination(cloud: FakeGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "stale")
    found = checked(a_demand())
    assert list(found) == ["credentials"]
    assert not found["credentials"].ok and found["credentials"].hint


def test_no_credentials_at_all_are_a_finding_too() -> None:
    found = checked(a_demand())
    assert [check.ok for check in found.values()] == [False]


def test_a_project_that_does_not_exist_is_a_finding(cloud: FakeGoogle) -> None:
    other = Connection(name="gcp", cloud="gcp", settings={"project": "shopp"})
    assert checked(connection=other)["project"].hint == "check connections.gcp.project"
