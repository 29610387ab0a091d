"""Actions over real SSH connections: batches, failures, deadlines, and what is kept of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcis_iac.engine import record
from mcis_iac.engine.home import StackHome
from mcis_iac.flows.acting import Crew, perform, tasks
from mcis_iac.flows.placing import Clock
from mcis_iac.model import Action
from mcis_iac.pipeline import ActionReport
from tests.fakes.actions import an_mcis
from tests.fakes.ssh import Fleet

pytestmark = pytest.mark.engine


def acted(
    fleet: Fleet, folder: Path, *actions: Action, **more
) -> tuple[ActionReport, list[tuple[str, ...]], StackHome]:
    home = StackHome.of(folder, "shop")
    home.create()
    vms = fleet.starts("web-1", "web-2", "web-3")
    mcis = an_mcis(*actions)
    crew = Crew(mcis=mcis, home=home, vms=vms, login=fleet.login, clock=Clock(), **more)
    seen: list[tuple[str, ...]] = []
    report = perform(crew, tasks(crew, actions), lambda *line: seen.append(line))
    return report, seen, home


def states(report: ActionReport) -> list[tuple[str, str, str, str]]:
    return [(row.action, row.vm, row.state, row.detail) for row in report.rows]


def script(name: str, run: str, **more) -> Action:
    return Action(**{"name": name, "run": (run,), "sudo": False, **more})


BAD = "echo here; test {{ vm.name }} != web-2"


def test_batches_end_at_the_first_failure_and_nothing_follows(fleet: Fleet, tmp_path: Path) -> None:
    report, seen, home = acted(fleet, tmp_path, script("one", BAD, serial=1), script("two", "true"))
    assert states(report) == [
        ("one", "web-1", "done", ""),
        ("one", "web-2", "FAILED", "exit 1"),
        ("one", "web-3", "not run", "after one failed"),
        *(("two", f"web-{number}", "not run", "after one failed") for number in (1, 2, 3)),
    ]
    assert report.exit_code == 4
    assert [line for line in seen if line[2] == "stdout"] == [
        ("one", "web-1", "stdout", "here"),
        ("one", "web-2", "stdout", "here"),
    ]
    assert [line["ok"] for line in record.read(home, "action")] == [True, False]


def test_with_continue_on_error_the_rest_goes_on_and_the_failure_is_told(
    fleet: Fleet, tmp_path: Path
) -> None:
    patient = script("one", BAD, serial=1, continue_on_error=True)
    report, _, home = acted(fleet, tmp_path, patient, script("two", "cat", when="always"))
    assert [state for _, _, state, _ in states(report)] == ["done", "FAILED", "done", *3 * ["done"]]
    assert report.exit_code == 4
    (log,) = home.runs.iterdir()
    kept = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["action"], line["vm"], line["stdout"]) for line in kept[:3]] == [
        ("one", f"web-{number}", "here\n") for number in (1, 2, 3)
    ]
    assert log.stat().st_mode & 0o077 == 0


def test_one_that_hangs_is_named_with_its_time_and_the_others_are_done(fleet: Fleet, tmp_path: Path) -> None:
    slow = script("one", "test {{ vm.name }} != web-2 || sleep 60", timeout_s=1.0)
    report, _, _ = acted(fleet, tmp_path, slow)
    assert [(state, detail) for _, _, state, detail in states(report)] == [
        ("done", ""),
        ("FAILED", "timed out after 1 s"),
        ("done", ""),
    ]


def test_a_reader_that_fails_stops_the_run_but_not_what_is_known_of_it(fleet: Fleet, tmp_path: Path) -> None:
    home = StackHome.of(tmp_path, "shop")
    home.create()
    action = script("one", "echo x")
    vms = fleet.starts("web-1")
    crew = Crew(mcis=an_mcis(action), home=home, vms=vms, login=fleet.login, clock=Clock())

    def gone(*_: str) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        perform(crew, tasks(crew, (action,)), gone)
    assert [line["kind"] for line in record.read(home)] == ["action_begun"]
    assert tasks(crew, (action,))
