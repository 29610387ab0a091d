"""Power as the manifest wants it: what is foreseen, what is refused, what is done after the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes.lifecycle import RUNNING, SUSPENDED, FakeLifecycle
from fakes.mcis import a_group, an_mcis
from fakes.pipeline import a_vm, ended, vm_change

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions.transitions import Control
from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Observed
from mcis_iac.errors import CredentialsError, OperationError
from mcis_iac.flows.desired import ahead, awake, keep_resting, settle
from mcis_iac.flows.ground import Standing, of_mcis
from mcis_iac.model import Change, Diff, Inventory, Op, Outcome, Power, Status
from mcis_iac.pipeline import Applied, Request

WEB = tuple(a_vm(f"web-{at}") for at in (1, 2))
KNOWN = Inventory(vms=(a_vm("db-1"), *WEB), operation="up")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> FakeLifecycle:
    fake = FakeLifecycle({vm.name: RUNNING for vm in KNOWN.vms})
    monkeypatch.setattr(registry, "lifecycle", lambda _: fake)
    return fake


def standing(folder: Path, power: Power | None = None) -> Standing:
    """A shop with groups web (of that power) and db."""
    mcis = an_mcis(a_group("web", 2, power=power), a_group("db"), folder=folder)
    here = of_mcis(Request(), mcis)
    here.home.create()
    inventories.write(here.home.inventory, KNOWN)
    return here


def diff(*changes: Change) -> Diff:
    return Diff(changes=changes, same=3, vms_before=3, vms_after=3)


def applied(**more: Any) -> Applied:
    rows = tuple(ended(vm.name, "unchanged") for vm in KNOWN.vms)
    known = {"outcome": Outcome(steps=()), "vms": rows, "inventory": KNOWN}
    return Applied(preview=None, **(known | more))


def test_unset_power_asks_no_cloud_and_does_nothing(tmp_path: Path, cloud: FakeLifecycle) -> None:
    cloud.error = CredentialsError(summary="nobody may ask")
    here = standing(tmp_path)
    seen = ahead(here, KNOWN, diff(vm_change("web-3", Op.CREATE)), ())
    assert (seen.power, seen.notices) == ({}, ())
    before = applied()
    assert settle(here, before, (), Control.SUSPEND) is settle(here, before, (), Control.RESUME) is before


def test_a_preview_foresees_who_will_rest_new_vms_included(tmp_path: Path, cloud: FakeLifecycle) -> None:
    cloud.now["web-1"] = SUSPENDED
    seen = ahead(standing(tmp_path, "suspended"), KNOWN, diff(vm_change("web-3", Op.CREATE)), ())
    assert seen.power == {"suspend": ("web-2", "web-3")}
    assert seen.notices == ("suspends web[2-3] once the stack is there (power: suspended)",)


def test_only_targets_are_given_power(tmp_path: Path, cloud: FakeLifecycle) -> None:
    here = standing(tmp_path, "suspended")
    assert ahead(here, KNOWN, diff(), ("db",)).power == {}
    assert ahead(here, KNOWN, diff(), ("web-2",)).power == {"suspend": ("web-2",)}


@pytest.mark.parametrize("op", [Op.UPDATE, Op.REPLACE])
def test_a_change_of_a_resting_vm_is_refused_with_the_way_out(
    op: Op, tmp_path: Path, cloud: FakeLifecycle
) -> None:
    cloud.now["web-1"] = SUSPENDED
    seen = ahead(standing(tmp_path), KNOWN, diff(vm_change("web-1", op), vm_change("db-1", op)), ())
    assert seen.notices == ("web-1: at rest, so `mcis up` refuses to change it",)
    with pytest.raises(OperationError) as refused:
        keep_resting(seen, "stacks/edge")
    assert refused.value.detail.startswith("web-1: at rest")
    assert refused.value.hint.startswith("mcis resume stacks/edge --vm web-1, then again")


def test_who_may_run_may_be_changed_and_who_leaves_is_only_told(tmp_path: Path, cloud: FakeLifecycle) -> None:
    cloud.now |= {"web-1": SUSPENDED, "db-1": SUSPENDED}
    changes = diff(vm_change("web-1", Op.UPDATE), vm_change("db-1", Op.DELETE))
    seen = ahead(standing(tmp_path, "running"), KNOWN, changes, ())
    assert (seen.touched, seen.leaving, seen.power) == ((), ("db-1",), {"resume": ("web-1",)})
    keep_resting(seen, "")


def test_nobody_waits_for_vms_that_rest(tmp_path: Path, cloud: FakeLifecycle) -> None:
    cloud.now["web-1"] = SUSPENDED
    assert awake(standing(tmp_path), KNOWN, WEB) == [WEB[1]]


def test_up_suspends_what_runs_and_says_so(tmp_path: Path, cloud: FakeLifecycle) -> None:
    cloud.now["web-1"], cloud.then = SUSPENDED, {"web-2": [SUSPENDED]}
    done = settle(standing(tmp_path, "suspended"), applied(), (), Control.SUSPEND)
    assert cloud.calls == [("stop", ("web-2",))]
    assert {row.name: row.state for row in done.vms} == {
        "db-1": "unchanged",
        "web-1": "suspended",
        "web-2": "suspended",
    }
    assert (done.exit_code, done.notices) == (0, ("suspended web-2",))


def test_what_cannot_have_its_power_fails_the_run_with_its_reason(
    tmp_path: Path, cloud: FakeLifecycle
) -> None:
    cloud.now |= {"web-1": SUSPENDED, "web-2": Observed(status=Status.TERMINATED, native="not found")}
    cloud.then = {"web-1": [RUNNING]}
    done = settle(standing(tmp_path, "running"), applied(), (), Control.RESUME)
    assert {row.name: row.state for row in done.vms if row.group == "web"} == {
        "web-1": "resumed",
        "web-2": "FAILED",
    }
    assert (done.exit_code, done.next) == (4, "mcis up")
    assert "web-2: resume skipped: it is Terminated" in done.notices


def test_a_stopped_run_and_failed_vms_are_left_as_they_are(tmp_path: Path, cloud: FakeLifecycle) -> None:
    here = standing(tmp_path, "suspended")
    stopped = applied(outcome=Outcome(steps=(), cancelled=True))
    assert settle(here, stopped, (), Control.SUSPEND) is stopped
    assert cloud.calls == []
