"""suspend, resume, reboot, terminate and heal on the command line."""

from __future__ import annotations

import json

import pytest
from fakes.pipeline import FakePipeline, a_power_report, applied, ended, moved

from mcis_iac.model import Status
from mcis_iac.pipeline import Selection

BUSY = a_power_report(
    "suspend",
    moved("web-1"),
    moved("web-2", Status.SUSPENDED, state="unchanged", elapsed_s=None, reason="it is Suspended already"),
    moved("web-3", after=Status.RUNNING, state="failed", reason="no such thing \x1b[31m"),
    moved("db-1", Status.FAILED, Status.FAILED, state="skipped", elapsed_s=None, reason="it is Failed"),
    moved("db-2", after=Status.RUNNING, state="pending", elapsed_s=None, reason="not begun"),
    exit_code=4,
    next="mcis suspend",
    notices=("lab: the credentials are refused",),
)


@pytest.fixture
def stages():
    return FakePipeline()


@pytest.fixture
def power(mcis, stages):
    return lambda *words: mcis(*words, stages=stages)


def test_the_flags_of_suspend_reach_the_stage(power, stages):
    result = power(
        "stop", "-g", "web", "--vm", "db-1", "--serial", "2", "--force", "--partial", "--timeout", "9s"
    )
    assert (result.code, stages.request.timeout_s) == (0, 9.0)
    assert stages.asked == {
        "control": "suspend",
        "selection": Selection(groups=("web",), vms=("db-1",)),
        "serial": 2,
        "force": True,
        "partial": True,
    }
    assert power("start").code == 0
    assert stages.asked["control"] == "resume"


def test_a_row_per_vm_says_what_became_of_its_power(power, stages, golden):
    stages.powered = BUSY
    result = power("suspend")
    assert result.code == 4
    golden("screens/suspend.txt", result.out)


def test_of_many_vms_those_that_went_well_are_counted(power, stages, golden):
    rows = [moved(f"web-{at}") for at in range(1, 100)]
    broken = moved("web-100", after=Status.RUNNING, state="failed", reason="capacity")
    stages.powered = a_power_report("suspend", *rows, broken, exit_code=4, next="mcis suspend")
    golden("screens/suspend-many.txt", power("suspend").out)


def test_programs_read_the_rows_of_a_power_report(power, stages):
    stages.powered = BUSY
    data = json.loads(power("suspend", "-o", "json").out)
    assert (data["action"], data["exit_code"], data["next"]) == ("suspend", 4, "mcis suspend")
    assert [row["state"] for row in data["rows"]] == ["done", "unchanged", "failed", "skipped", "pending"]
    assert data["rows"][0]["before"] == "Running" and data["rows"][0]["after"] == "Suspended"


def test_terminate_without_a_selection_is_down(power, stages):
    result = power("terminate", "-y", "--remove")
    assert result.code == 0 and stages.changed
    assert stages.asked == {"remove": True, "force_protected": False}


def test_terminate_with_a_selection_scales_in_by_name(power, stages):
    assert power("terminate", "--vm", "web-2", "-y").code == 0
    assert stages.asked == {"selection": Selection(vms=("web-2",)), "force_protected": False}
    assert power("terminate", "--vm", "web-2", "--remove", "-y").code == 2


def test_terminate_asks_before_it_deletes(power, stages):
    assert power("terminate", "--vm", "web-2").code == 2
    assert not stages.changed


def test_heal_says_when_nothing_has_failed(power, stages):
    stages.well = True
    result = power("heal")
    assert (result.code, result.out) == (0, "no VM has failed: nothing to heal\n")
    assert json.loads(power("heal", "--json").out)["vms"] == []


def test_heal_shows_what_became_of_the_failed(power, stages):
    stages.result = applied(ended("web-3"), preview=stages.next_preview)
    result = power("heal", "-y", "--serial", "1", "--force-protected")
    assert result.code == 0 and "web-3" in result.out
    assert stages.asked == {"selection": Selection(), "serial": 1, "force_protected": True}
