"""Suspend, resume and reboot from the record to the report, over clouds that do as they are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.lifecycle import RUNNING, SUSPENDED, FakeLifecycle, at
from fakes.pipeline import a_vm
from jsonschema import Draft202012Validator

from mcis_iac import bundled
from mcis_iac.actions import inventory as inventories
from mcis_iac.actions.transitions import Control
from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Observed
from mcis_iac.engine import record
from mcis_iac.engine.events import Event
from mcis_iac.engine.held import hold
from mcis_iac.engine.home import StackHome
from mcis_iac.errors import CredentialsError, Locked, NotFoundError, OperationError
from mcis_iac.flows import look, pending
from mcis_iac.flows.power import Wanted, power
from mcis_iac.model import Failure, Inventory, Status, Vm, VmFailure
from mcis_iac.pipeline import PowerReport, Request, Selection

MANIFEST = """
version: 1
name: shop
connections:
  local: {cloud: local}
  lab: {cloud: openstack, external_network: public}
groups:
  web: {count: 3, placement: {cloud: local, region: local-seoul}}
  db: {placement: {connection: lab, region: RegionOne, type: small}}
"""
VMS = (
    replace(a_vm("db-1"), connection="lab", cloud="openstack", region="RegionOne", id="os-1"),
    *(a_vm(f"web-{at}") for at in (1, 2, 3)),
)
Act = Callable[..., PowerReport]


class Shop:
    """A checkout with four VMs in two clouds."""

    def __init__(self, folder: Path) -> None:
        (folder / "mcis.yaml").write_text(MANIFEST)
        self.request = Request(file=str(folder))
        self.home = StackHome.of(folder, "shop")
        self.home.create()
        self.local = FakeLifecycle({vm.name: at(RUNNING, public_ip=vm.public_ip) for vm in VMS[1:]})
        self.lab = FakeLifecycle({"db-1": at(RUNNING, public_ip=VMS[0].public_ip)})
        self.keep(*VMS)

    def keep(self, *vms: Vm, failed: tuple[VmFailure, ...] = ()) -> None:
        known = Inventory(vms=vms, failed=failed, operation="up", as_of="2026-11-22T14:03:00Z", by="kim")
        inventories.write(self.home.inventory, known)

    def goes(self, *seen: Observed) -> None:
        """What every VM goes through when it is told to."""
        for cloud in (self.local, self.lab):
            cloud.then = {name: list(seen) for name in cloud.now}
            cloud.called = False

    def __call__(self, control: Control, *vms: str, **flags: object) -> PowerReport:
        selection = Selection(vms=vms)
        return power(self.request, Wanted(control=control, selection=selection, **flags))  # type: ignore[arg-type]

    def begun(self) -> dict[str, Control]:
        """What the record says is not over."""
        return {name: each.action for name, each in pending.read(self.home, VMS).items()}

    def statuses(self) -> dict[str, Status]:
        return {row.name: row.status for row in look.status(self.request, Selection()).rows}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    here = Shop(tmp_path)
    clouds = {"local": here.local, "openstack": here.lab}
    monkeypatch.setattr(registry, "lifecycle", lambda cloud: clouds[cloud])
    return here


def states(report: PowerReport) -> dict[str, str]:
    return {row.name: row.state for row in report.rows}


def test_all_vms_are_suspended_at_once_with_targets_on_disk_before_any_call(shop: Shop) -> None:
    shop.goes(SUSPENDED)
    found: list[dict[str, Control]] = []
    shop.local.on_call = lambda: found.append(shop.begun())
    report = shop(Control.SUSPEND)
    assert set(states(report).values()) == {"done"} and report.exit_code == 0
    assert {(row.before, row.after) for row in report.rows} == {(Status.RUNNING, Status.SUSPENDED)}
    assert found == [{vm.name: Control.SUSPEND for vm in VMS}]
    assert shop.begun() == {}
    (line,) = record.read(shop.home, "operation")
    assert (line["verb"], line["changes"]) == ("suspend", {"suspend": 4})


def test_every_vm_tells_its_beginning_and_its_end_as_events(shop: Shop) -> None:
    told: list[Event] = []
    shop.request = replace(shop.request, listen=told.append)
    shop.local.refused = {"web-2": Failure(code="other", stage="suspend", message="busy")}
    shop.goes(SUSPENDED)
    shop(Control.SUSPEND, "web-1", "web-2")
    schema = json.loads((bundled.root("schemas") / "v1" / "events.schema.json").read_text("utf-8"))
    for event in told:
        Draft202012Validator(schema).validate(event.as_json())
    kinds = {name: [each.kind for each in told if each.subject.vm == name] for name in ("web-1", "web-2")}
    assert kinds == {"web-1": ["op_start", "op_complete"], "web-2": ["op_start", "op_failed"]}


def test_one_refusal_refuses_all_before_the_first_call(shop: Shop) -> None:
    shop.local.now |= {"web-1": SUSPENDED, "web-3": SUSPENDED}
    with pytest.raises(OperationError) as refused:
        shop(Control.REBOOT)
    assert refused.value.detail == "web[1,3]: it is Suspended\nNothing was changed."
    assert refused.value.hint == "resume it: mcis resume; --partial leaves them out"
    assert shop.local.calls == shop.lab.calls == [] and record.read(shop.home) == ()


def test_partial_leaves_out_who_refuses_and_no_op_is_no_failure(shop: Shop) -> None:
    shop.local.now |= {"web-1": SUSPENDED, "web-3": Observed(status=Status.CREATING, native="build")}
    shop.goes(SUSPENDED)
    report = shop(Control.SUSPEND, partial=True)
    assert states(report) == {"db-1": "done", "web-1": "unchanged", "web-2": "done", "web-3": "skipped"}
    assert shop.local.calls == [("stop", ("web-2",))] and report.exit_code == 0


def test_a_cloud_that_keeps_us_out_holds_up_no_other(shop: Shop) -> None:
    shop.lab.error = CredentialsError(summary="no", detail="lab: expired", hint="sign in")
    shop.goes(SUSPENDED)
    report = shop(Control.SUSPEND)
    assert states(report) == {"db-1": "failed", "web-1": "done", "web-2": "done", "web-3": "done"}
    assert (report.exit_code, report.next) == (3, f"mcis suspend {shop.request.file}")
    assert report.notices == ("lab: expired", "  sign in")


def test_a_cloud_that_does_not_answer_refuses_all(shop: Shop) -> None:
    shop.lab.error = OperationError(summary="no", detail="lab: 503")
    with pytest.raises(OperationError) as refused:
        shop(Control.SUSPEND)
    assert "db-1: it is Undefined: 503" in refused.value.detail


def test_ctrl_c_leaves_targets_that_status_shows_and_the_same_command_finishes(shop: Shop) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    shop.goes(RUNNING)
    shop.local.on_call = stop
    report = shop(Control.SUSPEND, "web-1", "web-2")
    assert (report.exit_code, states(report)) == (8, {"web-1": "pending", "web-2": "pending"})
    assert {row.after for row in report.rows} == {Status.SUSPENDING}
    assert report.next == f"mcis suspend {shop.request.file} --vm web-1 --vm web-2"
    assert shop.begun() == {"web-1": Control.SUSPEND, "web-2": Control.SUSPEND}
    assert shop.statuses()["web-1"] is Status.SUSPENDING

    shop.local.on_call = lambda: None
    with pytest.raises(OperationError, match="resume is refused"):
        shop(Control.RESUME, "web-1")
    shop.goes(SUSPENDED)
    assert states(shop(Control.SUSPEND)) == dict.fromkeys(states(report) | {"web-3": "", "db-1": ""}, "done")
    assert shop.begun() == {} and shop.statuses()["web-1"] is Status.SUSPENDED


def test_force_overrides_what_was_begun(shop: Shop) -> None:
    pending.begin(shop.home, Control.SUSPEND, "dead", [VMS[1]])
    shop.goes(RUNNING)
    report = shop(Control.RESUME, "web-1", force=True)
    assert states(report) == {"web-1": "done"} and shop.local.calls == [("start", ("web-1",))]
    assert shop.begun() == {}


def test_a_machine_that_was_made_anew_has_no_target(shop: Shop) -> None:
    pending.begin(shop.home, Control.SUSPEND, "dead", [replace(VMS[1], id="i-older")])
    assert shop.begun() == {} and shop.statuses()["web-1"] is Status.RUNNING


def test_after_its_deadline_a_target_only_leaves_a_note(shop: Shop) -> None:
    pending.begin(shop.home, Control.SUSPEND, "dead", [VMS[1]], deadline_s=-1)
    row = next(row for row in look.status(shop.request, Selection()).rows if row.name == "web-1")
    assert row.status is Status.RUNNING and row.detail.startswith("suspend timed out")
    shop.goes(SUSPENDED)
    assert states(shop(Control.SUSPEND, "web-1")) == {"web-1": "done"}


def test_after_resume_addresses_are_read_again(shop: Shop) -> None:
    shop.local.now["web-1"] = SUSPENDED
    shop.goes(at(RUNNING, public_ip="203.0.113.99"))
    shop(Control.RESUME, "web-1")
    known = {vm.name: vm for vm in inventories.read(shop.home.inventory).vms}
    assert known["web-1"].public_ip == "203.0.113.99" and known["web-2"].public_ip == VMS[2].public_ip
    assert "203.0.113.99" in shop.home.known_hosts.read_text()
    (line,) = record.read(shop.home, "addresses")
    assert line["vms"] == {"web-1": {"id": VMS[1].id, "was": VMS[1].public_ip, "now": "203.0.113.99"}}


def test_a_failure_in_a_series_keeps_the_next_from_being_begun(shop: Shop) -> None:
    shop.local.refused = {"web-1": Failure(code="other", stage="suspend", message="busy")}
    shop.goes(SUSPENDED)
    report = shop(Control.SUSPEND, "web-1", "web-2", "web-3", serial=1)
    assert states(report) == {"web-1": "failed", "web-2": "pending", "web-3": "pending"}
    assert report.rows[1].reason == "not begun" and report.exit_code == 4
    assert shop.begun() == {}


def test_a_vm_whose_setup_failed_is_touched_by_force_only(shop: Shop) -> None:
    broken = VmFailure(
        name="web-1", group="web", connection="local", cloud="local", region="local-seoul",
        failure=Failure(code="other", stage="setup", message="exit status 3"),
    )  # fmt: skip
    shop.keep(*VMS, failed=(broken,))
    with pytest.raises(OperationError) as refused:
        shop(Control.SUSPEND)
    assert "web-1: it is Failed" in refused.value.detail
    shop.goes(SUSPENDED)
    assert set(states(shop(Control.SUSPEND, force=True)).values()) == {"done"}


def test_what_another_operation_holds_is_left_alone(shop: Shop) -> None:
    with hold(shop.home, "up"), pytest.raises(Locked):
        shop(Control.SUSPEND)


def test_an_mcis_without_vms_refuses_and_an_unknown_name_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFoundError):
        shop(Control.SUSPEND, "web-9")
    shop.keep()
    with pytest.raises(OperationError, match="shop has no VMs"):
        shop(Control.SUSPEND)
