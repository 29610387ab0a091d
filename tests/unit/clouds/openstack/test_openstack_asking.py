"""What an OpenStack answers: images, quotas, states, and what carries our tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes.mcis import a_group, an_mcis, settled
from fakes.openstack import REQUEST_ID, FakeOpenStack

from mcis_iac.clouds.base import Check, Demand, ImageQuery, PlaceQuery
from mcis_iac.clouds.openstack import doctor, images, lifecycle, lookup, resources
from mcis_iac.clouds.openstack.states import status_of
from mcis_iac.engine.home import StackHome
from mcis_iac.errors import CredentialsError, OperationError
from mcis_iac.flows.asking import answered
from mcis_iac.model import Connection, Status, Vm
from mcis_iac.placement import lock as locks

pytestmark = [
    pytest.mark.process,  # the SDK asks a small OpenStack on a local socket
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),  # the SDK warns of itself
]

ONE, TWO = "RegionOne", "RegionTwo"
LAB = Connection(name="lab", cloud="openstack", settings={"external_network": "public"})
OUTSIDE = PlaceQuery(region=ONE, what="external_network", name="public")
TAGS = {"mcis": "shop", "mcis-namespace": "default"}
WORDS = [f"{name}={value}" for name, value in TAGS.items()]


def an_alias(alias: str = "ubuntu-24.04", arch: Any = "amd64", region: str = ONE, **entry: str) -> ImageQuery:
    return ImageQuery(region=region, alias=alias, arch=arch, entry=tuple(sorted(entry.items())))


def a_vm(name: str, id_: str, region: str = ONE, **fields: Any) -> Vm:
    group, _, ordinal = name.rpartition("-")
    whole = {
        "name": name,
        "group": group,
        "ordinal": int(ordinal),
        "connection": "lab",
        "cloud": "openstack",
        "region": region,
        "zone": "",
        "type": "m1.small",
        "id": id_,
        "private_ip": "10.20.0.5",
        "public_ip": None,
        "user": "mcis",
        "host_key": None,
    }
    return Vm(**(whole | fields))


# ---------------------------------------------------------------- images


def test_the_newest_image_of_an_alias_is_taken_from_every_page(cloud: FakeOpenStack) -> None:
    for day in range(1, 6):
        cloud.has_image(f"i{day}", "Ubuntu 24.04", at=f"2026-01-0{day}")
    assert images.resolve(LAB, [an_alias()]) == {an_alias(): "i5"}


def test_an_image_of_another_processor_is_not_taken(cloud: FakeOpenStack) -> None:
    cloud.has_image("intel", "ubuntu-24.04", architecture="x86_64")
    cloud.has_image("arm", "ubuntu-24.04-arm64", at="2026-02-01")
    wanted = [an_alias(), an_alias(arch="arm64")]
    assert images.resolve(LAB, wanted) == {wanted[0]: "intel", wanted[1]: "arm"}


def test_special_inactive_and_private_images_come_last_or_never(cloud: FakeOpenStack) -> None:
    cloud.has_image("gpu", "ubuntu-24.04-cuda", at="2026-03-01")
    cloud.has_image("queued", "ubuntu-24.04", at="2026-03-01", status="queued")
    cloud.has_image("mine", "ubuntu-24.04-mine", at="2026-03-01", visibility="private")
    cloud.has_image("plain", "ubuntu-24.04", at="2025-01-01")
    assert images.resolve(LAB, [an_alias()]) == {an_alias(): "plain"}


def test_an_image_the_region_does_not_have_is_left_out(cloud: FakeOpenStack) -> None:
    cloud.has_image("there", "rocky-9", region=TWO)
    wanted = [an_alias("rocky-9"), an_alias("rocky-9", region=TWO), an_alias(id="nowhere")]
    assert images.resolve(LAB, wanted) == {wanted[1]: "there"}


def test_an_own_image_is_named_by_its_name_a_pattern_or_its_id(cloud: FakeOpenStack) -> None:
    cloud.has_image("old", "base-1", at="2026-01-01", visibility="private")
    cloud.has_image("new", "base-2", at="2026-01-02", visibility="private")
    wanted = [an_alias("base", name="base-1"), an_alias("base", name="base-*"), an_alias("base", id="new")]
    assert list(images.resolve(LAB, wanted).values()) == ["old", "new", "new"]


# ---------------------------------------------------------------- the external network


def test_the_id_of_the_external_network_is_found_by_its_name(cloud: FakeOpenStack) -> None:
    cloud.has("networks", "77fe", name="public", **{"router:external": True})
    cloud.has("networks", "inner", name="public", **{"router:external": False})
    assert images.places(LAB, [OUTSIDE]) == {OUTSIDE: "77fe"}


def test_an_external_network_that_is_not_there_is_refused_beside_those_that_are(cloud: FakeOpenStack) -> None:
    cloud.has("networks", "77fe", name="ext-net", **{"router:external": True})
    with pytest.raises(OperationError) as caught:
        images.places(LAB, [OUTSIDE])
    assert "ext-net" in caught.value.hint


def test_once_asked_the_lock_has_every_id(cloud: FakeOpenStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCIS_PASSPHRASE", "secret")
    cloud.has("networks", "77fe", name="public", **{"router:external": True})
    cloud.has_image("img", "ubuntu-24.04")
    mcis = an_mcis(a_group("web", cloud="openstack", connection="lab", region=ONE), connections={"lab": LAB})
    found, silent = answered(settled(mcis), StackHome.of(Path("/nowhere"), "shop"))
    assert silent == () and locks.parse(locks.dump(found.lock), "mcis.lock") == found.lock
    cloud.broken |= {"network", "image"}
    plan = settled(mcis, found.lock).plan
    assert plan.places == {"lab/RegionOne": {"external_network": "77fe"}}
    assert plan.members[0].image.id == "img"


# ---------------------------------------------------------------- credentials


def test_a_refused_password_is_a_matter_of_credentials(
    cloud: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_PASSWORD", "wrong")
    with pytest.raises(CredentialsError, match="requires authentication"):
        images.resolve(LAB, [an_alias()])


def test_without_any_credentials_it_is_said_where_they_are_looked_for(
    cloud: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD"):
        monkeypatch.delenv(name)
    with pytest.raises(CredentialsError) as caught:
        images.resolve(LAB, [an_alias()])
    assert "OS_" in caught.value.hint


def test_variables_of_other_names_are_read(cloud: FakeOpenStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OS_PASSWORD")
    monkeypatch.setenv("LAB_PASSWORD", "right")
    mapped = Connection(name="lab", cloud="openstack", settings={"env": {"OS_PASSWORD": "LAB_PASSWORD"}})
    cloud.has_image("i1", "ubuntu-24.04")
    assert images.resolve(mapped, [an_alias()]) == {an_alias(): "i1"}


def test_a_variable_that_is_not_set_is_named(cloud: FakeOpenStack) -> None:
    mapped = Connection(name="lab", cloud="openstack", settings={"env": {"OS_PASSWORD": "LAB_PASSWORD"}})
    with pytest.raises(CredentialsError, match="LAB_PASSWORD is not set"):
        images.resolve(mapped, [an_alias()])


def test_a_cloud_of_the_users_file_is_taken_by_name(
    cloud: FakeOpenStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    (tmp_path / "clouds.yaml").write_text(
        f"""
        clouds:
          lab:
            auth:
              auth_url: {cloud.url}/identity/v3
              username: mcis
              password: right
              project_name: shop
              user_domain_name: Default
              project_domain_name: Default
        """
    )
    for name in ("OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD"):
        monkeypatch.delenv(name)
    cloud.has_image("i1", "ubuntu-24.04")
    named = Connection(name="lab", cloud="openstack", settings={"os_cloud": "lab"})
    assert images.resolve(named, [an_alias()]) == {an_alias(): "i1"}


@pytest.mark.parametrize("secret", ["OS_APPLICATION_CREDENTIAL_SECRET", "LAB_SECRET"])
def test_an_application_credential_need_not_say_that_it_is_one(
    cloud: FakeOpenStack, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    for name in ("USERNAME", "PASSWORD", "PROJECT_NAME", "USER_DOMAIN_NAME", "PROJECT_DOMAIN_NAME"):
        monkeypatch.delenv(f"OS_{name}")
    monkeypatch.setenv("OS_APPLICATION_CREDENTIAL_ID", "mcis")
    monkeypatch.setenv(secret, "right")
    mapped = {"env": {"OS_APPLICATION_CREDENTIAL_SECRET": "LAB_SECRET"}} if secret == "LAB_SECRET" else {}
    cloud.has_image("i1", "ubuntu-24.04")
    lab = Connection(name="lab", cloud="openstack", settings=mapped)
    assert images.resolve(lab, [an_alias()]) == {an_alias(): "i1"}


def test_a_service_that_is_away_is_no_matter_of_credentials(cloud: FakeOpenStack) -> None:
    cloud.broken.add("image")
    with pytest.raises(OperationError):
        images.resolve(LAB, [an_alias()])


# ---------------------------------------------------------------- the doctor


def a_demand(**fields: Any) -> Demand:
    return Demand(**({"region": ONE, "vms": 3, "vcpus": 6, "public_ips": 2, "networks": 1} | fields))


def roomy(cloud: FakeOpenStack) -> None:
    """Quotas that are enough, and the external network."""
    cloud.has("networks", "77fe", name="public", **{"router:external": True})
    cloud.limits = {
        "maxTotalInstances": 10,
        "totalInstancesUsed": 0,
        "maxTotalCores": -1,
        "totalCoresUsed": 5,
        "maxTotalRAMSize": 51_200,
        "totalRAMUsed": 10_240,
    }
    names = ("floatingip", "network", "subnet", "router", "port", "security_group", "security_group_rule")
    cloud.quotas = {name: {"limit": 10, "used": 0, "reserved": 0} for name in names}
    cloud.volume_limits = {
        "maxTotalVolumes": 10,
        "totalVolumesUsed": 0,
        "maxTotalVolumeGigabytes": 100,
        "totalGigabytesUsed": 0,
    }


def unwell(*demands: Demand, connection: Connection = LAB) -> list[Check]:
    return [check for check in doctor.check(connection, demands) if not check.ok]


def test_a_cloud_with_room_is_well(cloud: FakeOpenStack) -> None:
    roomy(cloud)
    for name in ("m1.small", "m1.large", "m1.huge"):
        cloud.has("flavors", name)
    demand = a_demand(types=("m1.small", "m1.huge"), disks=2, disk_gib=40)
    found = list(doctor.check(LAB, [demand]))
    assert all(check.ok for check in found) and found[0].found == "regions RegionOne, RegionTwo"


def test_bad_credentials_are_the_only_thing_said(
    cloud: FakeOpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_PASSWORD", "wrong")
    (check,) = doctor.check(LAB, [a_demand()])
    assert not check.ok and check.hint


def test_a_quota_that_is_too_small_is_named_with_its_figures(cloud: FakeOpenStack) -> None:
    roomy(cloud)
    cloud.quotas["floatingip"] = {"limit": 50, "used": 49, "reserved": 0}
    (check,) = unwell(a_demand())
    assert check.topic == "floating addresses in RegionOne"
    assert check.found == "2 wanted, 1 of 50 free"


def test_instances_and_volumes_are_counted_too(cloud: FakeOpenStack) -> None:
    roomy(cloud)
    cloud.limits |= {"maxTotalInstances": 2, "maxTotalCores": 10}
    cloud.volume_limits |= {"totalGigabytesUsed": 90}
    topics = [check.topic.removesuffix(f" in {ONE}") for check in unwell(a_demand(disks=1, disk_gib=20))]
    assert topics == ["instances", "vCPUs", "GiB of volumes"]


def test_what_a_flavor_has_is_counted_as_often_as_it_is_wanted(cloud: FakeOpenStack) -> None:
    roomy(cloud)
    cloud.limits |= {"maxTotalCores": 20}
    cloud.has("flavors", "f1", name="m1.small", vcpus=2, ram=2_048)
    cloud.has("flavors", "f2", name="m1.large", vcpus=8, ram=16_384)
    demand = a_demand(
        vcpus=0, types=("m1.large", "m1.small"), uncounted=(("m1.large", 2), ("m1.small", 1), ("z9", 1))
    )
    found = {check.topic: check for check in doctor.check(LAB, [demand])}
    assert found[f"vCPUs in {ONE}"].found == "18 wanted, 15 of 20 free"
    assert found[f"GiB of RAM in {ONE}"].found == "34 wanted, 40 of 50 free"
    assert not found[f"vCPUs in {ONE}"].ok and found[f"GiB of RAM in {ONE}"].ok


def test_security_groups_and_their_rules_are_counted_with_the_two_that_every_group_has(
    cloud: FakeOpenStack,
) -> None:
    roomy(cloud)
    cloud.quotas["security_group"] = {"limit": 10, "used": 8, "reserved": 1}
    cloud.quotas["security_group_rule"] = {"limit": 100, "used": 80, "reserved": 0}
    found = {check.topic: check.found for check in unwell(a_demand(walls=2, rules=17))}
    assert found == {
        f"security groups in {ONE}": "2 wanted, 1 of 10 free",
        f"rules in {ONE}": "21 wanted, 20 of 100 free",
    }


def test_where_there_is_no_flavor_at_all_the_operator_is_asked(cloud: FakeOpenStack) -> None:
    roomy(cloud)
    (check,) = unwell(a_demand(types=("m1.small",)))
    assert check.found == "no flavor m1.small" and "ask the operator" in check.hint


def test_a_flavor_that_is_missing_is_named_beside_those_there_are(cloud: FakeOpenStack) -> None:
    roomy(cloud)
    cloud.has("flavors", "m1.small")
    (check,) = unwell(a_demand(types=("t3.medium",)))
    assert "t3.medium" in check.found and "m1.small" in check.hint


def test_a_region_that_is_missing_is_named_beside_those_there_are(cloud: FakeOpenStack) -> None:
    (check,) = unwell(a_demand(region="Nowhere"))
    assert check.topic == "Nowhere" and ONE in check.hint


def test_an_external_network_that_is_missing_is_named(cloud: FakeOpenStack) -> None:
    roomy(cloud)
    elsewhere = Connection(name="lab", cloud="openstack", settings={"external_network": "ext"})
    (check,) = unwell(a_demand(), connection=elsewhere)
    assert "`ext`" in check.found


def test_a_service_that_is_away_hides_nothing_of_the_others(cloud: FakeOpenStack) -> None:
    roomy(cloud)
    cloud.broken.add("compute")
    cloud.quotas["router"]["used"] = 10
    topics = {check.topic for check in unwell(a_demand())}
    assert topics == {f"machines in {ONE}", f"routers in {ONE}"}


def test_a_file_that_only_this_folder_has_is_of_no_use_to_the_provider(
    cloud: FakeOpenStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "clouds.yaml").touch()
    named = Connection(name="lab", cloud="openstack", settings={"os_cloud": "lab"})
    assert next(iter(doctor.check(named, []))).topic == "clouds.yaml"
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    assert next(iter(doctor.check(named, []))).topic == "credentials"


def test_disks_need_a_service_for_them(cloud: FakeOpenStack) -> None:
    roomy(cloud)
    cloud.services.remove("volume")
    (check,) = unwell(a_demand(disks=1, disk_gib=1))
    assert check.found == "no block storage service"


# ---------------------------------------------------------------- states


@pytest.mark.parametrize(
    "status, task, seen",
    [
        ("ACTIVE", None, Status.RUNNING),
        ("ACTIVE", "powering-off", Status.SUSPENDING),
        ("SHUTOFF", None, Status.SUSPENDED),
        ("SHUTOFF", "powering-on", Status.RESUMING),
        ("BUILD", "spawning", Status.CREATING),
        ("HARD_REBOOT", "rebooting_hard", Status.REBOOTING),
        ("ACTIVE", "deleting", Status.TERMINATING),
        ("SOFT_DELETED", None, Status.TERMINATED),
        ("ERROR", None, Status.FAILED),
        ("VERIFY_RESIZE", None, Status.UNDEFINED),
    ],
)
def test_a_state_is_one_of_ours(status: str, task: str | None, seen: Status) -> None:
    assert status_of(status, task) is seen


def test_servers_are_observed_in_their_regions(cloud: FakeOpenStack) -> None:
    for number in range(3):
        cloud.has_server(f"s{number}")
    cloud.has_server("t0", region=TWO, status="SHUTOFF")
    vms = [a_vm("web-1", "s2"), a_vm("web-2", "t0", TWO), a_vm("web-3", "gone")]
    found = lifecycle.observe(LAB, vms)
    assert [found[vm.name].status for vm in vms] == [Status.RUNNING, Status.SUSPENDED, Status.TERMINATED]
    assert found["web-1"].created_at == "2026-01-01T00:00:00Z"


def test_a_broken_server_says_why(cloud: FakeOpenStack) -> None:
    cloud.has_server("s1", status="ERROR", fault={"message": "No valid host was found.", "code": 500})
    assert lifecycle.observe(LAB, [a_vm("web-1", "s1")])["web-1"].detail == "No valid host was found."


def test_the_floating_address_is_the_servers_else_the_recorded_one(cloud: FakeOpenStack) -> None:
    shown = {"net": [{"addr": "10.20.0.5", "OS-EXT-IPS:type": "fixed"}]}
    bound = {"net": [*shown["net"], {"addr": "203.0.113.9", "OS-EXT-IPS:type": "floating"}]}
    cloud.has_server("late", addresses=shown)
    cloud.has_server("bound", addresses=bound)
    vms = [a_vm("web-1", "late", public_ip="203.0.113.8"), a_vm("web-2", "bound")]
    found = lifecycle.observe(LAB, vms)
    assert [found[vm.name].public_ip for vm in vms] == ["203.0.113.8", "203.0.113.9"]


# ---------------------------------------------------------------- what is ours


def fill(cloud: FakeOpenStack) -> None:
    """An MCIS of one VM with everything it has, some of it in use by the rest."""
    cloud.has_server("server", metadata=TAGS, volumes=["volume"])
    cloud.has("volumes", "volume", metadata=TAGS)
    cloud.has("floatingips", "address", description="shop-ip-web-1", tags=WORDS)
    cloud.has("routers", "router", tags=WORDS)
    cloud.has("networks", "network", tags=WORDS)
    cloud.has("subnets", "subnet", tags=WORDS)
    cloud.has("security-groups", "group", tags=WORDS)
    port = {"network_id": "network", "subnet": "subnet"}
    cloud.has("ports", "port", device_id="server", security_groups=["group"], tags=WORDS, **port)
    owner = "network:router_interface"
    cloud.has("ports", "interface", device_id="router", device_owner=owner, tags=[], **port)
    cloud.has("os-keypairs", f"{resources.key_mark(TAGS)}key")


def test_everything_with_our_tags_is_found_in_every_region(cloud: FakeOpenStack) -> None:
    fill(cloud)
    cloud.has_server("other", metadata={**TAGS, "mcis": "blog"})
    cloud.has_server("far", region=TWO, metadata=TAGS)
    kinds = [found.kind for found in lookup.find(LAB, TAGS)]
    assert sorted(kinds) == sorted((*lookup.ORDER, "instance"))


def test_an_env_is_not_meant_by_the_mcis_without_one(cloud: FakeOpenStack) -> None:
    cloud.has_server("prod", metadata={**TAGS, "mcis-env": "prod"})
    cloud.has("os-keypairs", f"{resources.key_mark({**TAGS, 'mcis-env': 'prod'})}key")
    assert lookup.find(LAB, TAGS) == []
    assert len(lookup.find(LAB, {**TAGS, "mcis-env": "prod"})) == 2


def test_a_sweep_leaves_nothing_of_ours_and_everything_of_others(cloud: FakeOpenStack) -> None:
    fill(cloud)
    cloud.has_server("other", metadata={**TAGS, "mcis": "blog"})
    cloud.has("networks", "public", tags=[])
    swept = lookup.sweep(LAB, TAGS)
    assert len(swept) == len(lookup.ORDER)
    assert {id_ for _, _, id_ in cloud.things} == {"other", "public"}


def test_who_may_only_read_cannot_sweep(cloud: FakeOpenStack) -> None:
    cloud.has_server("server", metadata=TAGS)
    cloud.reader = True
    with pytest.raises(CredentialsError) as caught:
        lookup.sweep(LAB, TAGS)
    assert REQUEST_ID in caught.value.detail
