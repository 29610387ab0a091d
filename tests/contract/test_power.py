"""What power and status mean on every cloud alike. A cloud is covered by being registered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import powered
from fakes.clouds import CLOUDS
from fakes.powered import Powered, Remote

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import LifecycleModule
from mcis_iac.errors import CredentialsError
from mcis_iac.model import Status, Vm

pytestmark = [
    pytest.mark.process,  # every cloud is a small server on a local socket
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),  # an SDK warns of itself
    pytest.mark.xdist_group("power"),  # one moto for all
]
REMOTE = [cloud for cloud in CLOUDS if registry.graph(cloud).REMOTE]
PREFIXES = ("AWS_", "GOOGLE_", "GCLOUD_", "CLOUDSDK_", "ARM_", "AZURE_", "IDENTITY_", "MSI_", "OS_")


@pytest.fixture
def world(
    cloud: str, moto_at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Powered | Remote]:
    for name in list(os.environ):
        if name.startswith(PREFIXES) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with powered.world(cloud, tmp_path, moto_at, monkeypatch) as made:
        yield made


every = pytest.mark.parametrize("cloud", CLOUDS)
remote = pytest.mark.parametrize("cloud", REMOTE)


def lifecycle(world: Powered) -> LifecycleModule:
    return registry.lifecycle(world.connection.cloud)


def three(world: Powered) -> list[Vm]:
    return [world.machine(f"web-{number}") for number in (1, 2, 3)]


def states(world: Powered, vms: list[Vm], wanted: Status, *, looks: int = 4) -> list[Status]:
    """The states when all are as wanted, or after some looks: what is accepted is not done yet."""
    seen: list[Status] = []
    for _ in range(looks):
        found = lifecycle(world).observe(world.connection, vms)
        seen = [found[vm.name].status for vm in vms]
        if set(seen) == {wanted}:
            break
    return seen


@every
def test_machines_are_suspended_resumed_and_rebooted_together(world: Powered) -> None:
    vms, module, here = three(world), lifecycle(world), world.connection
    assert states(world, vms, Status.RUNNING) == [Status.RUNNING] * 3
    assert dict(module.stop(here, vms[:2])) == {}
    assert states(world, vms[:2], Status.SUSPENDED) == [Status.SUSPENDED] * 2
    assert states(world, vms[2:], Status.RUNNING) == [Status.RUNNING]
    assert dict(module.start(here, vms[:2])) == {}
    assert states(world, vms, Status.RUNNING) == [Status.RUNNING] * 3
    assert dict(module.reboot(here, vms)) == {}
    assert states(world, vms, Status.RUNNING) == [Status.RUNNING] * 3


@every
def test_what_is_done_already_is_no_failure(world: Powered) -> None:
    vms, module, here = three(world), lifecycle(world), world.connection
    assert dict(module.start(here, vms)) == {}
    for _ in range(2):
        assert dict(module.stop(here, vms)) == {}
        assert states(world, vms, Status.SUSPENDED) == [Status.SUSPENDED] * 3


@every
def test_a_machine_the_cloud_does_not_know_fails_alone(world: Powered) -> None:
    vms, module, here = three(world), lifecycle(world), world.connection
    gone = world.stranger("web-9")
    assert lifecycle(world).observe(here, [*vms, gone])["web-9"].status is Status.TERMINATED
    for verb, stage in ((module.stop, "suspend"), (module.start, "resume"), (module.reboot, "reboot")):
        refused = verb(here, [vms[0], gone, *vms[1:]])
        assert [(name, each.stage, each.code) for name, each in refused.items()] == [
            ("web-9", stage, "other")
        ]
        assert refused["web-9"].message
        states(world, vms, Status.SUSPENDED if stage == "suspend" else Status.RUNNING)


@every
def test_one_refused_for_good_is_told_and_spares_the_others(world: Powered) -> None:
    vms = three(world)
    world.refuses(vms[1])
    refused = lifecycle(world).stop(world.connection, vms)
    assert list(refused) == ["web-2"]
    assert (refused["web-2"].stage, refused["web-2"].attempted) == ("suspend", True)
    assert states(world, [vms[0], vms[2]], Status.SUSPENDED) == [Status.SUSPENDED] * 2
    assert states(world, [vms[1]], Status.RUNNING) == [Status.RUNNING]


@every
def test_the_console_is_what_the_machine_wrote(world: Powered) -> None:
    vm = world.machine("web-1")
    world.writes(vm, "Linux version 6.12\nlogin: ")
    told = lifecycle(world).console(world.connection, vm)
    assert "Linux version" in told and "\n" in told


@every
def test_nothing_is_asked_for_no_machine(world: Powered) -> None:
    module, here = lifecycle(world), world.connection
    for verb in (module.stop, module.start, module.reboot, module.observe):
        assert dict(verb(here, [])) == {}


@remote
def test_what_is_throttled_is_asked_for_again(world: Remote) -> None:
    vms = three(world)
    world.throttles()
    assert dict(lifecycle(world).stop(world.connection, vms)) == {}
    assert states(world, vms, Status.SUSPENDED) == [Status.SUSPENDED] * 3


@remote
def test_a_machine_that_is_busy_is_waited_for(world: Remote) -> None:
    vms = three(world)
    world.is_busy()
    assert dict(lifecycle(world).stop(world.connection, vms)) == {}
    assert states(world, vms, Status.SUSPENDED) == [Status.SUSPENDED] * 3


@remote
def test_a_fault_of_the_cloud_is_survived(world: Remote) -> None:
    vms = three(world)
    world.breaks()
    assert dict(lifecycle(world).stop(world.connection, vms)) == {}
    assert states(world, vms, Status.SUSPENDED) == [Status.SUSPENDED] * 3


@remote
def test_a_cloud_that_stays_broken_is_given_up_and_told_per_machine(
    world: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.gives_up_soon(monkeypatch)
    vms = [world.machine("web-1")]
    world.breaks(times=None)
    refused = lifecycle(world).stop(world.connection, vms)
    assert list(refused) == ["web-1"] and refused["web-1"].code == "other"
    assert world.power_calls() == 2


@remote
def test_a_machine_that_the_list_does_not_have_yet_is_not_taken_for_gone(world: Remote) -> None:
    old, new = world.machine("web-1"), world.machine("web-2")
    world.shows_late(new)
    found = lifecycle(world).observe(world.connection, [old, new])
    assert {name: seen.status for name, seen in found.items()} == dict.fromkeys(found, Status.RUNNING)


@remote
def test_expired_credentials_are_a_matter_of_credentials(
    world: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    vms, module, here = three(world), lifecycle(world), world.connection
    world.expires(monkeypatch)
    for ask in (module.observe, module.stop, module.start, module.reboot):
        with pytest.raises(CredentialsError):
            ask(here, vms)
