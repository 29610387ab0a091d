"""Images, doctor, lookup and lifecycle of Azure against a Resource Manager on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from fakes import arm
from fakes.arm import SUBSCRIPTION, FakeArm

from mcis_iac.clouds.azure import doctor, images, lifecycle, lookup
from mcis_iac.clouds.base import Demand, ImageQuery, Spot
from mcis_iac.errors import CredentialsError, OperationError
from mcis_iac.model import Connection, Status, Vm

HERE = Connection(name="azure", cloud="azure")
VMS, NICS = "Microsoft.Compute/virtualMachines", "Microsoft.Network/networkInterfaces"
GROUPS, DISKS = "Microsoft.Resources/resourceGroups", "Microsoft.Compute/disks"
JAMMY = "Canonical:0001-com-ubuntu-server-jammy:22_04-lts-gen2"
SHOP = {"mcis": "shop", "mcis-namespace": "default"}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeArm]:
    for name in [name for name in os.environ if name.startswith(("ARM_", "AZURE_", "IDENTITY_", "MSI_"))]:
        monkeypatch.delenv(name)
    with arm.serving() as fake:
        for name, value in arm.variables(fake).items():
            monkeypatch.setenv(name, value)
        yield fake


def a_query(alias: str = "ubuntu-22.04", **more: object) -> ImageQuery:
    return ImageQuery(**{"region": "koreacentral", "alias": alias, "arch": "amd64", **more})  # type: ignore[arg-type]


def a_vm(name: str, id_: str) -> Vm:
    return Vm(
        name=name, group="web", ordinal=1, connection="azure", cloud="azure", region="koreacentral", zone="1",
        type="Standard_B2s", id=id_, private_ip="10.0.0.4", public_ip="20.0.0.1", user="mcis", host_key=None,
    )  # fmt: skip


# ---------------------------------------------------------------- images


def test_an_alias_becomes_the_newest_version_by_number(cloud: FakeArm) -> None:
    for version in ("22.04.20269", "22.04.202610010", "22.04.202609300"):
        cloud.publishes("koreacentral", f"{JAMMY}:{version}", architecture="x64")
    assert images.resolve(HERE, [a_query()]) == {a_query(): f"{JAMMY}:22.04.202610010"}


def test_an_image_that_the_region_does_not_have_is_left_out(cloud: FakeArm) -> None:
    cloud.publishes("koreacentral", f"{JAMMY}:22.04.1", architecture="x64")
    assert images.resolve(HERE, [a_query(region="westus3")]) == {}
    assert images.resolve(HERE, [a_query(alias="plan9")]) == {}


def test_a_version_somebody_wrote_stays(cloud: FakeArm) -> None:
    for version in ("22.04.1", "22.04.2"):
        cloud.publishes("koreacentral", f"{JAMMY}:{version}", architecture="x64")
    mine = a_query("base", entry=(("urn", f"{JAMMY}:22.04.1"),))
    newest = a_query("base", entry=(("urn", f"{JAMMY}:latest"),))
    gone = a_query("base", entry=(("urn", f"{JAMMY}:22.04.9"),))
    found = images.resolve(HERE, [mine, newest, gone])
    assert found == {mine: f"{JAMMY}:22.04.1", newest: f"{JAMMY}:22.04.2"}


def test_an_image_with_a_plan_must_be_meant(cloud: FakeArm) -> None:
    cloud.publishes("koreacentral", "acme:box:one:1.0.0", architecture="x64", plan={"name": "one"})
    with pytest.raises(OperationError) as refused:
        images.resolve(HERE, [a_query("box", entry=(("urn", "acme:box:one:latest"),))])
    assert "plan: true" in refused.value.hint
    meant = a_query("box", entry=(("plan", "True"), ("urn", "acme:box:one:latest")))
    assert images.resolve(HERE, [meant]) == {meant: "acme:box:one:1.0.0"}


def test_rocky_has_a_plan_and_is_found(cloud: FakeArm) -> None:
    rocky = "resf:rockylinux-x86_64:9-base:9.6.20260601"
    cloud.publishes("koreacentral", rocky, architecture="x64", plan={"name": "9-base"})
    assert images.resolve(HERE, [a_query("rocky-9")]) == {a_query("rocky-9"): rocky}


def test_an_image_for_another_processor_is_refused_before_anything_is_made(cloud: FakeArm) -> None:
    cloud.publishes("koreacentral", "acme:box:arm:1.0.0", architecture="Arm64")
    with pytest.raises(OperationError, match="another processor"):
        images.resolve(HERE, [a_query("box", entry=(("urn", "acme:box:arm:1.0.0"),))])


def test_an_image_of_ones_own_is_its_id_if_it_is_there(cloud: FakeArm) -> None:
    there = cloud.has("Microsoft.Compute/images", "hub", "base")
    mine, gone = a_query("a", entry=(("id", there),)), a_query("b", entry=(("id", f"{there}2"),))
    shared = a_query("c", entry=(("id", "/CommunityGalleries/x/Images/y/Versions/latest"),))
    assert set(images.resolve(HERE, [mine, gone, shared])) == {mine, shared}


# ---------------------------------------------------------------- lifecycle


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        (("ProvisioningState/succeeded", "PowerState/running"), Status.RUNNING),
        (("ProvisioningState/updating", "PowerState/running"), Status.RUNNING),
        (("ProvisioningState/succeeded", "PowerState/deallocated"), Status.SUSPENDED),
        (("ProvisioningState/succeeded", "PowerState/stopped"), Status.SUSPENDED),
        (("ProvisioningState/updating", "PowerState/deallocating"), Status.SUSPENDING),
        (("ProvisioningState/updating", "PowerState/starting"), Status.RESUMING),
        (("ProvisioningState/creating",), Status.CREATING),
        (("ProvisioningState/deleting", "PowerState/running"), Status.TERMINATING),
        (("ProvisioningState/failed/AllocationFailed",), Status.FAILED),
        ((), Status.UNDEFINED),
    ],
)
def test_the_state_of_a_machine_is_told_in_our_words(
    cloud: FakeArm, codes: tuple[str, ...], status: Status
) -> None:
    id_ = cloud.has(VMS, "shop-rg", "web-1")
    cloud.runs(id_, *codes)
    assert lifecycle.observe(HERE, [a_vm("web-1", id_)])["web-1"].status is status


def test_many_machines_are_asked_for_at_once(cloud: FakeArm) -> None:
    vms = []
    for number in range(5):
        id_ = cloud.has(VMS, "shop-rg", f"web-{number}")
        cloud.runs(id_, "ProvisioningState/succeeded", "PowerState/running")
        vms.append(a_vm(f"web-{number}", id_))
    seen = lifecycle.observe(HERE, vms)
    assert {each.status for each in seen.values()} == {Status.RUNNING} and len(seen) == 5
    assert len(cloud.requests) == 3  # pages of two


def test_a_machine_the_list_does_not_have_yet_is_asked_for_alone(cloud: FakeArm) -> None:
    id_ = cloud.has(VMS, "shop-rg", "web-1")
    cloud.runs(id_, "ProvisioningState/creating")
    cloud.late.add(id_.lower())
    seen = lifecycle.observe(HERE, [a_vm("web-1", id_), a_vm("web-2", f"{id_}x")])
    assert [seen[name].status for name in ("web-1", "web-2")] == [Status.CREATING, Status.TERMINATED]


# ---------------------------------------------------------------- lookup


def a_shop(cloud: FakeArm, env: str | None = None, group: str = "shop-rg") -> dict[str, str]:
    """A machine with what belongs to it, each using the next."""
    tags = {**SHOP, **({"mcis-env": env} if env else {})}
    own = {**tags, "mcis-vm": "web-1"}
    ids = {"group": cloud.has(GROUPS, group, group, tags)}
    ids["vm"] = cloud.has(VMS, group, "web-1", own)
    ids["os"] = cloud.has(DISKS, group, "web-1-os", managedBy=ids["vm"])
    ids["nic"] = cloud.has(NICS, group, "web-1-nic", own)
    ids["ip"] = cloud.has("Microsoft.Network/publicIPAddresses", group, "web-1-ip", own)
    ids["nsg"] = cloud.has("Microsoft.Network/networkSecurityGroups", group, "web", tags)
    ids["net"] = cloud.has("Microsoft.Network/virtualNetworks", group, "main", tags)
    ids["nat"] = cloud.has("Microsoft.Network/natGateways", group, "nat", tags)
    ids["asg"] = cloud.has("Microsoft.Network/applicationSecurityGroups", group, "web-asg", tags)
    uses = {
        "nic": ["vm"], "os": ["vm"], "ip": ["nic", "nat"], "nsg": ["nic"], "net": ["nic"], "nat": ["net"],
        "asg": ["nic", "nsg"],
    }  # fmt: skip
    for used, users in uses.items():
        cloud.users[ids[used].lower()] = [ids[user].lower() for user in users]
    return ids


def test_everything_with_the_tags_is_found_machines_first(cloud: FakeArm) -> None:
    ids = a_shop(cloud)
    cloud.has(VMS, "other", "x", {"mcis": "other"})
    cloud.has(VMS, "other", "y", {**SHOP, "mcis-namespace": "team"})
    found = lookup.find(HERE, SHOP)
    assert {each.id for each in found} == set(ids.values())
    assert found[0].kind == "instance" and found[-1].kind == "resource group"


def test_a_machines_own_disk_is_found_by_the_machine(cloud: FakeArm) -> None:
    ids = a_shop(cloud)
    found = lookup.find(HERE, {**SHOP, "mcis-vm": "web-1"})
    assert {each.id for each in found} == {ids[name] for name in ("vm", "os", "nic", "ip")}


def test_the_envs_beside_it_are_not_meant(cloud: FakeArm) -> None:
    a_shop(cloud, env="prod")
    assert lookup.find(HERE, SHOP) == []
    assert len(lookup.find(HERE, {**SHOP, "mcis-env": "prod"})) == 9


def test_a_value_with_a_quote_is_looked_for_as_it_is(cloud: FakeArm) -> None:
    cloud.has(VMS, "g", "x", {"mcis": "o'shop"})
    assert [each.name for each in lookup.find(HERE, {"mcis": "o'shop"})] == ["x"]


def test_a_sweep_deletes_users_before_what_they_use(cloud: FakeArm) -> None:
    a_shop(cloud)
    other = cloud.has(VMS, "other", "x", {"mcis": "other"})
    swept = lookup.sweep(HERE, SHOP)
    assert len(swept) == 9 and set(cloud.resources) == {other.lower()}
    assert all(states[-1] == "Succeeded" and len(states) == 1 for states in cloud.operations.values())


def test_a_resource_group_with_something_of_others_stays(cloud: FakeArm) -> None:
    ids = a_shop(cloud)
    other = cloud.has(DISKS, "shop-rg", "theirs", {"owner": "somebody"})
    swept = lookup.sweep(HERE, SHOP)
    assert set(cloud.resources) == {ids["group"].lower(), other.lower()}
    assert ids["group"] not in {each.id for each in swept}


def test_nothing_is_asked_or_deleted_without_tags(cloud: FakeArm) -> None:
    a_shop(cloud)
    assert list(lookup.find(HERE, {})) == list(lookup.sweep(HERE, {})) == []
    assert cloud.requests == []


def test_an_operation_that_fails_says_why(cloud: FakeArm) -> None:
    with lookup.Arm(HERE) as opened:
        cloud.operations["9"] = ["InProgress", "Failed"]
        with pytest.raises(OperationError, match="Conflict: It did not work"):
            opened.wait({"Azure-AsyncOperation": f"{cloud.url}/operations/9", "Retry-After": "0"})


def test_a_token_goes_to_no_other_host(cloud: FakeArm) -> None:
    with lookup.Arm(HERE) as opened, pytest.raises(OperationError, match="unexpected address"):
        opened.wait({"Location": "http://127.0.0.1:1/operations/9", "Retry-After": "0"})


# ---------------------------------------------------------------- doctor, credentials


def test_the_doctor_finds_nothing_wrong_where_nothing_is(cloud: FakeArm) -> None:
    cloud.counts("Microsoft.Compute", "koreacentral", "cores", 4, 20)
    cloud.counts("Microsoft.Compute", "koreacentral", "virtualMachines", 2, 25_000)
    cloud.counts("Microsoft.Network", "koreacentral", "PublicIPAddresses", 1, 1_000)
    demand = Demand(region="koreacentral", vms=3, vcpus=6, public_ips=3, networks=1)
    checks = list(doctor.check(HERE, [demand]))
    assert all(check.ok for check in checks) and len(checks) == 6
    assert SUBSCRIPTION in checks[0].found and "through msi" in checks[0].found


def test_the_doctor_says_what_is_too_little_and_what_is_not_registered(cloud: FakeArm) -> None:
    cloud.states["Microsoft.Compute"] = "NotRegistered"
    cloud.counts("Microsoft.Compute", "koreacentral", "cores", 16, 20)
    demand = Demand(region="koreacentral", vms=3, vcpus=6, public_ips=0, networks=1)
    failed = [check for check in doctor.check(HERE, [demand]) if not check.ok]
    assert failed[0].hint == "az provider register --namespace Microsoft.Compute --wait"
    assert (failed[1].topic, failed[1].found) == ("vCPUs in koreacentral", "6 wanted, 16 of 20 used")
    assert len(failed) == 2


def test_the_doctor_says_which_sizes_the_subscription_may_have(cloud: FakeArm) -> None:
    cloud.sells("koreacentral", "Standard_B2s", "1", "2", "3", family="standardBSFamily")
    cloud.sells("koreacentral", "Standard_D2s_v5", "1", "2", "3", location=True)
    cloud.sells("koreacentral", "Standard_D4s_v5", "1", "2", "3", zones=["2"])
    cloud.sells("koreacentral", "Standard_F2s_v2", "1", "2", "3", family="standardFSv2Family")
    cloud.counts("Microsoft.Compute", "koreacentral", "standardFSv2Family", 0, 0)
    cloud.counts("Microsoft.Compute", "koreacentral", "standardBSFamily", 2, 10)
    types = ("Standard_B2s", "Standard_D2s_v5", "Standard_D4s_v5", "Standard_E2s_v5", "Standard_F2s_v2")
    demand = Demand(region="koreacentral", vms=0, vcpus=0, public_ips=0, networks=0, types=types)
    found = {check.topic: check for check in doctor.check(HERE, [demand]) if "Standard_" in check.topic}
    assert {topic.removesuffix(" in koreacentral"): check.found for topic, check in found.items()} == {
        "Standard_B2s": "in zones 1, 2, 3",
        "Standard_D2s_v5": "restricted",
        "Standard_D4s_v5": "in zone 1, 3 only",
        "Standard_E2s_v5": "not there",
        "Standard_F2s_v2": "0 of 0 vCPUs of its family used",
    }
    assert [topic for topic, check in found.items() if check.ok] == ["Standard_B2s in koreacentral"]


def test_spot_machines_have_a_quota_of_their_own_and_none_of_their_family(cloud: FakeArm) -> None:
    cloud.sells("koreacentral", "Standard_F2s_v2", "1", "2", "3", family="standardFSv2Family")
    cloud.counts("Microsoft.Compute", "koreacentral", "standardFSv2Family", 0, 0)
    cloud.counts("Microsoft.Compute", "koreacentral", "cores", 0, 20)
    cloud.counts("Microsoft.Compute", "koreacentral", "lowPriorityCores", 0, 3)
    demand = Demand(
        region="koreacentral", vms=3, vcpus=6, public_ips=0, networks=0,
        types=("Standard_F2s_v2",), spot=Spot(vcpus=4, types=("Standard_F2s_v2",)),
    )  # fmt: skip
    found = {check.topic.removesuffix(" in koreacentral"): check for check in doctor.check(HERE, [demand])}
    assert found["vCPUs"].found == "2 wanted, 0 of 20 used"
    assert (found["spot vCPUs"].ok, found["spot vCPUs"].found) == (False, "4 wanted, 0 of 3 used")
    assert found["Standard_F2s_v2"].ok


def test_the_processors_of_a_size_only_azure_knows_are_counted_and_gateways_have_addresses(
    cloud: FakeArm,
) -> None:
    cloud.sells("koreacentral", "Standard_Z9_v9", "1", "2", "3")
    cloud.sizes[-1]["capabilities"] = [{"name": "vCPUs", "value": "9"}]
    cloud.counts("Microsoft.Compute", "koreacentral", "cores", 0, 20)
    cloud.counts("Microsoft.Network", "koreacentral", "PublicIPAddresses", 0, 3)
    demand = Demand(
        region="koreacentral", vms=3, vcpus=2, public_ips=3, networks=1, gateways=1,
        types=("Standard_Z9_v9",), uncounted=(("Standard_Z9_v9", 2),),
    )  # fmt: skip
    found = {c.topic: (c.ok, c.found) for c in doctor.check(HERE, [demand]) if "wanted" in c.found}
    assert found == {
        "vCPUs in koreacentral": (True, "20 wanted, 0 of 20 used"),
        "public addresses in koreacentral": (False, "4 wanted, 0 of 3 used"),
    }


def test_the_doctor_raises_nothing_when_nobody_may_ask(cloud: FakeArm) -> None:
    cloud.refuses_next(403, "AuthorizationFailed", "no permission for Microsoft.Resources/read")
    (check,) = doctor.check(HERE, [])
    assert not check.ok and "AuthorizationFailed" in check.why


def test_a_subscription_that_is_switched_off_is_no_good(cloud: FakeArm) -> None:
    cloud.subscriptions[0]["state"] = "Warned"
    first = next(iter(doctor.check(HERE, [])))
    assert not first.ok and "is Warned" in first.found


def test_the_only_subscription_is_taken_and_of_two_none(
    cloud: FakeArm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARM_SUBSCRIPTION_ID")
    assert next(iter(doctor.check(HERE, []))).ok
    cloud.subscriptions.append({"subscriptionId": "b", "displayName": "B", "state": "Enabled"})
    with pytest.raises(CredentialsError, match="does not say which"):
        lookup.find(HERE, SHOP)


def test_a_throttled_request_is_repeated(cloud: FakeArm) -> None:
    cloud.refuses_next(429, "TooManyRequests", Retry_After="0")
    assert lookup.find(HERE, SHOP) == []


def test_an_identity_that_gives_no_token_is_a_matter_of_credentials(cloud: FakeArm) -> None:
    cloud.token_refused = "no such identity"
    with pytest.raises(CredentialsError):
        lookup.find(HERE, SHOP)


def test_a_refusal_keeps_azures_own_words(cloud: FakeArm) -> None:
    cloud.refuses_next(409, "ReadOnlyDisabledSubscription", "The subscription is disabled.")
    with pytest.raises(OperationError, match="ReadOnlyDisabledSubscription: The subscription is disabled"):
        lookup.find(HERE, SHOP)
