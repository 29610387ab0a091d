"""What actions did, as people and programs see it."""

from __future__ import annotations

import json
from dataclasses import replace

from mcis_iac.engine.events import Event
from mcis_iac.model import HostResult, Subject
from mcis_iac.pipeline import ActionReport, ActionRow
from mcis_iac.report.actions import run_screen
from mcis_iac.report.applied import notices_screen, up_screen
from mcis_iac.report.data import action_data
from mcis_iac.report.jsonl import names_of
from mcis_iac.report.plain import plain_line, remark
from mcis_iac.report.preview import preview_screen, question
from tests.fakes.pipeline import applied, ended, mixed_preview


def row(action: str, vm: str, state: str = "done", detail: str = "", **result) -> ActionRow:
    group = vm.rpartition("-")[0]
    host = HostResult(vm=vm, group=group, exit_status=0, elapsed_s=0.5, **result) if result else None
    return ActionRow(action=action, vm=vm, group=group, state=state, detail=detail, result=host)


REPORT = ActionReport(
    rows=(
        *(row("hosts", f"web-{number}") for number in range(1, 5)),
        row("migrate", "db-1", "FAILED", "exit 3", stdout="", stderr="one\n\x1b[31mred\x1b[0m\n"),
        row("join", "web-1", "left out", "suspended"),
        row("join", "web-2", "not run", "after migrate failed"),
    ),
    exit_code=4,
    log=".mcis/shop/runs/20260101-actions.jsonl",
    next="mcis up",
    duration_s=1.25,
)


def test_the_screen_of_a_run_folds_what_is_equal_and_hides_nothing(golden):
    golden("screens/run.txt", run_screen(REPORT))


def test_the_result_of_up_has_its_actions_below_the_vms():
    screen = up_screen(replace(applied(ended("web-1")), actions=REPORT, exit_code=4, next="mcis up"))
    assert screen.index("1 of 1 VM ready") < screen.index("migrate") < screen.index("continue: mcis up")


def test_where_only_actions_ran_there_is_nothing_else():
    assert notices_screen(replace(applied(ended("web-1")), actions=REPORT)).startswith("ACTION")


def test_a_run_as_data_has_a_row_per_vm_and_its_output():
    data = action_data(REPORT)
    assert [(each["action"], each["vm"], each["ok"]) for each in data][3:5] == [
        ("hosts", "web-4", True),
        ("migrate", "db-1", False),
    ]
    assert data[4]["result"]["stderr"].startswith("one")
    assert json.dumps(data)


def test_a_preview_names_the_actions_that_are_due():
    preview = mixed_preview()
    due = replace(
        preview, diff=replace(preview.diff, changes=()), actions=("hosts on web[1-2]", "join on web-3, ...")
    )
    assert "  actions due: hosts on web[1-2]; join on web-3, ..." in preview_screen(due).splitlines()
    assert question(replace(due, power={})) == "run 2 actions?"


def test_lines_of_actions_are_progress_and_those_of_exec_are_not():
    fields = {"stream": "stdout", "text": "he\x1b[2Jllo", "action": "hosts"}
    event = Event(
        kind="exec_output", ts="2026-01-01T10:00:00.000Z", subject=Subject(vm="web-1"), fields=fields
    )
    assert plain_line(event) == "10:00:00 web-1 hosts: hello"
    assert remark(event) == "web-1 hosts: hello"
    assert plain_line(replace(event, fields={"stream": "stdout", "text": "x"})) is None


def test_how_an_action_ended_on_a_vm_is_its_last_line():
    def line(**fields) -> str | None:
        whole = {"stream": "stdout", "text": "", "action": "hosts", "elapsed_s": 1.5, **fields}
        return remark(Event(kind="exec_output", subject=Subject(vm="web-1"), fields=whole))

    assert line(exit_status=0) == "web-1 hosts done 1.5s"
    assert line(exit_status=3) == "web-1 hosts FAILED: exit 3"
    assert line(lost=True) == "web-1 hosts FAILED: connection lost"
    assert line(exit_status=None, error="timed out after 5 s") == "web-1 hosts FAILED: timed out after 5 s"


def test_a_vm_on_which_an_action_failed_is_not_well():
    assert names_of(replace(applied(ended("web-1"), ended("web-2")), actions=REPORT)) == (
        ["web-1"],
        ["db-1", "web-2"],
    )
