"""Driving VMs to their targets: call once, poll until they are there, tell each as it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.lifecycle import RUNNING, SUSPENDED, FakeLifecycle, FakeTime, at
from fakes.pipeline import a_vm

from mcis_iac.actions.power import Batch, Ended, Pace, drive
from mcis_iac.actions.targets import GOALS, Target
from mcis_iac.actions.transitions import Control
from mcis_iac.clouds.base import Observed
from mcis_iac.errors import CredentialsError, OperationError
from mcis_iac.model import Connection, Failure, Status

HERE = Connection(name="local", cloud="local")
STOPPING = Observed(status=Status.SUSPENDING, native="stopping")
GONE = Observed(status=Status.TERMINATED, native="not found")
BEFORE, AFTER = "2026-11-20T10:00:00Z", "2026-11-22T14:00:03Z"


def driven(
    control: Control, cloud: FakeLifecycle, *names: str, booted_at: str | None = None, **batch: object
) -> dict[str, Ended]:
    """Each VM's end, by name."""
    vms = [a_vm(name) for name in names]
    targets = {
        vm.name: Target(vm=vm.name, id=vm.id, action=control, status=GOALS[control], since="", deadline="",
                        run_id="r", booted_at=booted_at)
        for vm in vms
    }  # fmt: skip
    one = replace(Batch(connection=HERE, module=cloud, vms=vms, targets=targets), **batch)
    told: list[Ended] = []
    time = FakeTime()
    assert drive(control, [one], Pace(deadline_s=600, clock=time.clock, wait=time.wait), told.append)
    assert len(told) == len(names)
    return {each.vm.name: each for each in told}


def test_vms_end_when_they_are_there_and_not_when_the_call_was_taken() -> None:
    cloud = FakeLifecycle(now={"web-1": RUNNING, "web-2": RUNNING})
    cloud.then = {"web-1": [SUSPENDED], "web-2": [RUNNING, STOPPING, SUSPENDED]}
    ended = driven(Control.SUSPEND, cloud, "web-1", "web-2")
    assert cloud.calls == [("stop", ("web-1", "web-2"))]
    assert {name: (each.seen, each.failure) for name, each in ended.items()} == {
        "web-1": (SUSPENDED, None),
        "web-2": (SUSPENDED, None),
    }
    assert ended["web-1"].elapsed_s < ended["web-2"].elapsed_s


def test_what_a_cloud_refuses_keeps_its_reason_and_holds_up_nobody() -> None:
    no = Failure(code="capacity", stage="resume", message="no capacity")
    cloud = FakeLifecycle(now={"web-1": SUSPENDED, "web-2": SUSPENDED}, refused={"web-1": no})
    cloud.then = {"web-2": [RUNNING]}
    ended = driven(Control.RESUME, cloud, "web-1", "web-2")
    assert (ended["web-1"].failure, ended["web-2"].failure) == (no, None)


def test_a_cloud_that_keeps_us_out_fails_its_vms_with_that_reason() -> None:
    cloud = FakeLifecycle(error=CredentialsError(summary="no", detail="lab: expired"))
    failure = driven(Control.SUSPEND, cloud, "web-1")["web-1"].failure
    assert failure == Failure(code="credentials", stage="suspend", message="lab: expired")


def test_silence_in_the_middle_proves_nothing() -> None:
    cloud = FakeLifecycle(now={"web-1": RUNNING}, then={"web-1": [SUSPENDED]})
    cloud.silences = [OperationError(summary="503"), OperationError(summary="503")]
    assert driven(Control.SUSPEND, cloud, "web-1")["web-1"].failure is None


def test_a_vm_that_never_arrives_ends_at_the_deadline_as_it_was_seen_last() -> None:
    cloud = FakeLifecycle(now={"web-1": STOPPING})
    ended = driven(Control.SUSPEND, cloud, "web-1")["web-1"]
    assert ended.failure == Failure(code="timeout", stage="suspend", message="not there after 600 s")
    assert ended.seen == STOPPING


def test_a_failure_its_cloud_tells_ends_the_wait() -> None:
    broken = Observed(status=Status.FAILED, native="ERROR", detail="no valid host")
    cloud = FakeLifecycle(now={"web-1": RUNNING}, then={"web-1": [broken]})
    failure = driven(Control.SUSPEND, cloud, "web-1")["web-1"].failure
    assert failure is not None and failure.message == "no valid host"


def test_one_list_without_a_vm_does_not_mean_that_it_is_gone() -> None:
    cloud = FakeLifecycle(now={"web-1": RUNNING, "web-2": RUNNING})
    cloud.then = {"web-1": [GONE, GONE, SUSPENDED], "web-2": [GONE, GONE, GONE]}
    ended = driven(Control.SUSPEND, cloud, "web-1", "web-2")
    assert ended["web-1"].failure is None
    assert ended["web-2"].failure is not None
    assert ended["web-2"].failure.message == "it is gone from its cloud"


def test_a_resumed_vm_is_waited_for_until_it_has_its_address() -> None:
    cloud = FakeLifecycle(now={"web-1": SUSPENDED})
    cloud.then = {"web-1": [at(RUNNING, public_ip=None), RUNNING]}
    ended = driven(Control.RESUME, cloud, "web-1")["web-1"]
    assert ended.seen == RUNNING


def test_a_reboot_is_over_when_the_machine_has_started_again() -> None:
    cloud = FakeLifecycle(now={"web-1": at(RUNNING, booted_at=BEFORE)})
    cloud.then = {"web-1": [at(RUNNING, booted_at=BEFORE), at(RUNNING, booted_at=AFTER)]}
    ended = driven(Control.REBOOT, cloud, "web-1", booted_at=BEFORE)["web-1"]
    assert ended.seen is not None and ended.seen.booted_at == AFTER


def test_a_reboot_that_its_cloud_does_not_date_is_told_by_the_boot_id() -> None:
    cloud = FakeLifecycle(now={"web-1": RUNNING})
    answers = [{"web-1": "one"}, {}, {"web-1": "two"}]
    ended = driven(Control.REBOOT, cloud, "web-1", booted={"web-1": "one"}, boots=lambda _: answers.pop(0))
    assert ended["web-1"].failure is None and not answers


def test_without_a_login_going_down_and_coming_back_is_the_proof() -> None:
    rebooting = Observed(status=Status.REBOOTING, native="REBOOT")
    cloud = FakeLifecycle(now={"web-1": RUNNING}, then={"web-1": [RUNNING, rebooting, RUNNING]})
    ended = driven(Control.REBOOT, cloud, "web-1")["web-1"]
    assert (ended.failure, ended.note) == (None, "")


def test_a_reboot_nobody_could_see_says_so() -> None:
    ended = driven(Control.REBOOT, FakeLifecycle(now={"web-1": RUNNING}), "web-1")["web-1"]
    assert ended.failure is None and "nobody saw it go down" in ended.note
    assert ended.elapsed_s >= 60


def test_a_fault_of_ours_is_raised_where_it_was_asked_for() -> None:
    def broken() -> None:
        message = "a bug"
        raise ValueError(message)

    with pytest.raises(ValueError, match="a bug"):
        driven(Control.SUSPEND, FakeLifecycle(on_call=broken), "web-1")
