"""`mcis run`: flags, streams and exit codes; what it does is the flows' business."""

from __future__ import annotations

import json

from mcis_iac.model import HostResult
from mcis_iac.pipeline import ActionReport, ActionRow
from tests.fakes.pipeline import FakePipeline


def report(*, ok: bool) -> ActionReport:
    host = HostResult(vm="web-1", group="web", exit_status=0 if ok else 3, stdout="hello\n")
    state = "done" if ok else "FAILED"
    detail = "" if ok else "exit 3"
    row = ActionRow(action="join", vm="web-1", group="web", state=state, detail=detail, result=host)
    return ActionReport(rows=(row,), exit_code=0 if ok else 4, next="" if ok else "mcis run join --vm web-1")


def test_output_is_shown_with_names_and_the_sum_on_stderr(mcis):
    done = mcis("run", "join", stages=FakePipeline(acted=report(ok=True)))
    assert (done.code, done.out) == (0, "web-1: hello\n")
    assert "1 action: 1 done" in done.err


def test_a_failure_exits_4_with_who_why_and_how_to_go_on(mcis):
    done = mcis("run", stages=FakePipeline(acted=report(ok=False)))
    assert done.code == 4
    assert "exit 3" in done.err
    assert "continue: mcis run join --vm web-1" in done.err


def test_in_json_there_is_an_object_per_action_and_vm(mcis):
    done = mcis("run", "--json", stages=FakePipeline(acted=report(ok=False)))
    (row,) = json.loads(done.out)
    assert (row["action"], row["vm"], row["ok"], row["result"]["exit_status"]) == ("join", "web-1", False, 3)


def test_it_passes_everything_it_was_told(mcis):
    stages = FakePipeline(acted=report(ok=True))
    mcis("run", "join", "hosts", "-g", "web", "--serial", "2", "--timeout", "5s", stages=stages)
    asked = stages.asked
    assert (asked["names"], asked["serial"], asked["timeout_s"]) == (("join", "hosts"), 2, 5.0)
    assert asked["selection"].groups == ("web",)
