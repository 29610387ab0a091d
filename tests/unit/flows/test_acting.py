"""What a run of actions comes to: who is left out, who waits, and what cannot be rendered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mcis_iac.actions import done as books
from mcis_iac.actions.keys import Login
from mcis_iac.engine import record
from mcis_iac.engine.home import StackHome
from mcis_iac.errors import OperationError, UnexpectedChange
from mcis_iac.flows import guard
from mcis_iac.flows.acting import Crew, perform, tasks
from mcis_iac.flows.due import foreseen
from mcis_iac.flows.placing import Clock
from mcis_iac.model import Change, Diff, ImageChoice, Inventory, Member, Op, Span
from tests.fakes.actions import an_action, an_mcis, vms

THERE = vms("db-1", "db-2", "web-1")
SAME = Diff(changes=(), same=9, vms_before=3, vms_after=3)


def crew(folder: Path, *actions, **more) -> Crew:
    home = StackHome.of(folder, "shop")
    home.create()
    mcis = an_mcis(*actions)
    return Crew(mcis=mcis, home=home, vms=THERE, login=Login(default=folder / "key"), clock=Clock(), **more)


def planned(one: Crew, **more) -> list[tuple[str, list[str], list[str]]]:
    found = tasks(one, one.mcis.actions, **more)
    return [(t.action.name, [s.vm.name for s in t.steps], [vm.name for vm in t.asleep]) for t in found]


def succeeded(one: Crew) -> None:
    """As if everything that is due had been done."""
    for task in tasks(one, one.mcis.actions):
        for step in task.steps:
            fields = {"action": step.action, "id": step.vm.id, "digest": step.digest, "ok": True}
            record.append(one.home, books.ENDED, fields)


def members() -> tuple[Member, ...]:
    image = ImageChoice(alias="ubuntu-24.04")
    place = {"connection": "local", "cloud": "local", "region": "local-seoul", "zone": "a", "type": "small"}
    return tuple(Member(group=vm.group, ordinal=vm.ordinal, image=image, **place) for vm in THERE)


def test_suspended_vms_are_left_out_and_named(tmp_path):
    one = crew(tmp_path, an_action(), an_action("lead", on=("db",), only="first"), asleep={"db-1"})
    assert planned(one) == [("join", ["db-2", "web-1"], ["db-1"]), ("lead", ["db-2"], [])]


def test_what_has_succeeded_is_not_due_unless_it_is_forced(tmp_path):
    one = crew(tmp_path, an_action())
    succeeded(one)
    assert planned(one) == []
    assert planned(one, forced=True, chosen={"web-1"}) == [("join", ["web-1"], [])]


def test_a_template_is_rendered_for_every_vm_before_anything_is_sent(tmp_path):
    action = an_action(run=("echo fine", "{% if vm.group == 'web' %}{{ vm.nope }}{% endif %}"))
    one = crew(tmp_path, action)
    span = Span(file="mcis.yaml", line=12, column=7)
    one = replace(one, mcis=replace(one.mcis, spans={"actions.0.run.1": span}))
    with pytest.raises(OperationError) as refused:
        tasks(one, one.mcis.actions)
    assert (
        "action join for web-1, mcis.yaml:12:7: line 1: this has no attribute 'nope'" in refused.value.detail
    )
    assert record.read(one.home) == ()


def test_vms_that_are_not_ready_fail_and_stop_what_follows(tmp_path):
    one = crew(tmp_path, an_action(on=("web",)), an_action("next"), unready={"web-1": "no login"})
    report = perform(one, tasks(one, one.mcis.actions), lambda *_: None)
    assert report.exit_code == 4
    assert [(row.action, row.vm, row.state, row.detail) for row in report.rows] == [
        ("join", "web-1", "FAILED", "not ready: no login"),
        *(("next", vm.name, "not run", "after join failed") for vm in THERE),
    ]


def test_the_first_is_not_another_one_when_the_first_is_missing(tmp_path):
    action = an_action("lead", on=("web",), only="first")
    one = crew(tmp_path, action)
    one = replace(one, vms=vms("web-2"), missing={"web-1": "quota", "db-1": "quota"})
    (row,) = perform(one, tasks(one, one.mcis.actions), lambda *_: None).rows
    assert (row.vm, row.state, row.detail) == ("web-2", "FAILED", "waits for web-1, which is not there")


def test_nothing_is_sent_after_the_deadline(tmp_path):
    one = crew(tmp_path, an_action(on=("web",)))
    clock = Clock(deadline_s=1.0)
    clock.began -= 2
    report = perform(replace(one, clock=clock), tasks(one, one.mcis.actions), lambda *_: None)
    assert (report.exit_code, report.rows[0].detail) == (9, "out of time")


def test_a_preview_foresees_what_is_due(tmp_path):
    one = crew(tmp_path, an_action(on=("db",)), an_action("always", when="always", on=("web-1",)))
    succeeded(one)
    before = Inventory(vms=THERE, operation="up")
    calm = replace(one.mcis, connections={})
    assert foreseen(calm, members(), before, SAME, home=one.home) == ("always on web-1",)
    made = replace(SAME, changes=(Change(key="db-2", token="t", op=Op.REPLACE, is_vm=True),))
    assert foreseen(calm, members(), before, made, home=one.home) == ("join on db-2, ...", "always on web-1")
    assert foreseen(calm, members(), before, made, home=one.home, targets=["web"]) == ("always on web-1",)


def test_due_actions_are_changes_to_who_expects_none():
    with pytest.raises(UnexpectedChange) as refused:
        guard.expect_nothing(SAME, {}, ("join on web-1",), words="")
    assert "run join on web-1" in refused.value.detail
    guard.expect_nothing(SAME, {}, (), words="")
