"""What single clouds do with power that others do not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import gate, powered
from fakes.powered import Amazon, Azure, Embedded, Google, Stack

from mcis_iac.clouds.aws import lifecycle as aws
from mcis_iac.clouds.azure import lifecycle as azure
from mcis_iac.clouds.gcp import lifecycle as gcp
from mcis_iac.clouds.local import lifecycle as local
from mcis_iac.clouds.openstack import lifecycle as openstack
from mcis_iac.local_cloud import faults
from mcis_iac.model import Status

pytestmark = [
    pytest.mark.process,  # clouds are small servers on local sockets
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),  # an SDK warns of itself
    pytest.mark.xdist_group("power"),
]
PREFIXES = ("AWS_", "GOOGLE_", "GCLOUD_", "CLOUDSDK_", "ARM_", "AZURE_", "IDENTITY_", "MSI_", "OS_")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place without the developer's accounts."""
    for name in list(os.environ):
        if name.startswith(PREFIXES) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def amazon(folder: Path, moto_at: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Amazon]:
    with powered.world("aws", folder, moto_at, monkeypatch) as made:
        assert isinstance(made, Amazon)
        yield made


@pytest.fixture
def google(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    with powered.world("gcp", folder, "", monkeypatch) as made:
        assert isinstance(made, Google)
        yield made


@pytest.fixture
def microsoft(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    with powered.world("azure", folder, "", monkeypatch) as made:
        assert isinstance(made, Azure)
        yield made


@pytest.fixture
def lab(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    with powered.world("openstack", folder, "", monkeypatch) as made:
        assert isinstance(made, Stack)
        yield made


@pytest.fixture
def embedded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Embedded]:
    with powered.world("local", folder, "", monkeypatch) as made:
        assert isinstance(made, Embedded)
        yield made


# ---------------------------------------------------------------- aws


def test_a_region_is_asked_once_for_all_its_instances(amazon: Amazon) -> None:
    vms = [amazon.machine(f"web-{number}") for number in range(1, 4)]
    seoul, amazon.region, amazon.subnet = amazon.region, "us-east-1", ""
    del amazon.ec2
    vms += [amazon.machine("db-1")]
    assert {vm.region for vm in vms} == {seoul, "us-east-1"}
    assert aws.stop(amazon.connection, vms) == {}
    assert sorted(call.split()[0] for call in amazon.gate.calls) == ["StopInstances"] * 2
    amazon.gate.calls.clear()
    assert {seen.status for seen in aws.observe(amazon.connection, vms).values()} == {Status.SUSPENDED}
    assert amazon.gate.calls == ["DescribeInstances"] * 2


def test_an_instance_that_finds_no_room_keeps_no_other_from_starting(amazon: Amazon) -> None:
    vms = [amazon.machine(f"web-{number}") for number in range(1, 6)]
    assert aws.stop(amazon.connection, vms) == {}
    body = gate.error("InsufficientInstanceCapacity", "Insufficient capacity in ap-northeast-2a.")
    amazon.gate.refusals.order(f"StartInstances.*{vms[3].id}", 400, body, times=None)
    refused = aws.start(amazon.connection, vms)
    assert {name: (each.code, each.stage) for name, each in refused.items()} == {
        "web-4": ("capacity", "resume")
    }
    running = [name for name, seen in aws.observe(amazon.connection, vms).items() if seen.native == "running"]
    assert running == ["web-1", "web-2", "web-3", "web-5"]


@pytest.mark.parametrize(
    ("native", "reason", "status"),
    [
        ("pending", "pending", Status.CREATING),
        ("running", "", Status.RUNNING),
        ("stopping", "Client.UserInitiatedShutdown", Status.SUSPENDING),
        ("stopped", "Client.UserInitiatedShutdown", Status.SUSPENDED),
        ("stopped", "Server.SpotInstanceShutdown", Status.SUSPENDED),
        ("shutting-down", "Client.UserInitiatedShutdown", Status.TERMINATING),
        ("terminated", "Client.UserInitiatedShutdown", Status.TERMINATED),
        ("terminated", "Server.InsufficientInstanceCapacity", Status.FAILED),
        ("a-new-word", "", Status.UNDEFINED),
    ],
)
def test_every_word_of_ec2_has_a_meaning(amazon: Amazon, native: str, reason: str, status: Status) -> None:
    vm = amazon.stranger("web-1")
    amazon.gate.refusals.order("DescribeInstances", 200, gate.an_instance(vm.id, native, reason))
    seen = aws.observe(amazon.connection, [vm])["web-1"]
    assert (seen.native, seen.status) == (native, status)
    assert seen.detail == ("because" if reason.startswith("Server.") else "")


# ---------------------------------------------------------------- gcp


def test_google_tells_in_the_operation_that_there_is_no_room(google: Google) -> None:
    vms = [google.machine("web-1"), google.machine("web-2")]
    for vm in vms:
        google.fake.things[vm.id]["status"] = "TERMINATED"
    google.fake.no_room.add(vms[0].id)
    refused = gcp.start(google.connection, vms)
    assert {name: each.code for name, each in refused.items()} == {"web-1": "capacity"}


def test_what_google_suspended_is_resumed_and_counts_as_suspended(google: Google) -> None:
    vm = google.machine("web-1")
    google.fake.things[vm.id]["status"] = "SUSPENDED"
    assert gcp.stop(google.connection, [vm]) == {}
    assert google.power_calls() == 0
    assert gcp.start(google.connection, [vm]) == {}
    assert [call for call in google.fake.calls if call.startswith("POST")] == [f"POST {vm.id}/resume"]


# ---------------------------------------------------------------- azure


def test_azure_machines_are_deallocated_since_stopped_ones_are_still_paid_for(microsoft: Azure) -> None:
    vm = microsoft.machine("web-1")
    assert azure.stop(microsoft.connection, [vm]) == {}
    assert microsoft.fake.requests == [f"POST {vm.id}/deallocate"]


def test_azure_tells_in_the_operation_that_there_is_no_room(microsoft: Azure) -> None:
    vms = [microsoft.machine("web-1"), microsoft.machine("web-2")]
    microsoft.fake.no_room.add(vms[1].id.lower())
    refused = azure.start(microsoft.connection, vms)
    assert {name: each.code for name, each in refused.items()} == {"web-2": "capacity"}


def test_without_boot_diagnostics_there_is_no_console(microsoft: Azure) -> None:
    assert azure.console(microsoft.connection, microsoft.machine("web-1")) == ""


# ---------------------------------------------------------------- openstack


@pytest.mark.parametrize(
    ("status", "action"),
    [("SHUTOFF", "os-start"), ("SUSPENDED", "resume"), ("PAUSED", "unpause"), ("SHELVED", "unshelve")],
)
def test_a_server_is_woken_from_whatever_sleep(lab: Stack, status: str, action: str) -> None:
    vm = lab.machine("web-1")
    lab.fake.has_server(vm.id, status=status)
    assert openstack.start(lab.connection, [vm]) == {}
    assert lab.fake.acted == [action]
    seen = [openstack.observe(lab.connection, [vm])["web-1"].status for _ in range(2)]
    assert seen == [Status.RESUMING, Status.RUNNING]


def test_a_server_is_stopped_and_never_suspended_in_novas_sense(lab: Stack) -> None:
    vm = lab.machine("web-1")
    assert openstack.stop(lab.connection, [vm]) == {}
    assert lab.fake.acted == ["os-stop"]
    assert openstack.observe(lab.connection, [vm])["web-1"].native == "ACTIVE (powering-off)"


def test_a_state_that_does_not_allow_it_is_not_waited_for(lab: Stack) -> None:
    vm = lab.machine("web-1")
    lab.fake.has_server(vm.id, status="RESCUE")
    refused = openstack.reboot(lab.connection, [vm])
    assert "vm_state RESCUE" in refused["web-1"].message
    assert lab.fake.acted == ["reboot"]


# ---------------------------------------------------------------- local


def test_a_rehearsed_lack_of_capacity_has_its_code(embedded: Embedded) -> None:
    vms = [embedded.machine("web-1"), embedded.machine("web-2")]
    faults.add(embedded.cloud.store, faults.Fault(pattern="web-1", action="reboot", code="capacity"))
    refused = local.reboot(embedded.connection, vms)
    assert {name: (each.code, each.stage) for name, each in refused.items()} == {
        "web-1": ("capacity", "reboot")
    }


def test_a_reboot_is_seen_by_the_time_of_the_start(embedded: Embedded) -> None:
    vms = [embedded.machine("web-1"), embedded.machine("web-2")]
    before = local.observe(embedded.connection, vms)
    assert local.reboot(embedded.connection, vms[:1]) == {}
    after = local.observe(embedded.connection, vms)
    assert (after["web-1"].booted_at or "") > (before["web-1"].booted_at or "~")
    assert after["web-2"].booted_at == before["web-2"].booted_at


def test_a_local_cloud_that_cannot_be_used_fails_for_each_machine(embedded: Embedded) -> None:
    vms = [embedded.machine("web-1"), embedded.machine("web-2")]
    embedded.host.breaks_down("no more links")
    refused = local.stop(embedded.connection, [*vms, replace(vms[0], name="web-9", id="i-00000000")])
    assert refused.keys() == {"web-1", "web-2", "web-9"}
    assert "no more links" in refused["web-1"].message
