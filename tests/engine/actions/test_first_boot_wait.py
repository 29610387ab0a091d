"""Waiting for VMs that have just been created: ready, failed in setup, or never there."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from mcis_iac.actions import ready
from mcis_iac.actions.keys import Login
from mcis_iac.actions.ready import Readiness, Ready
from tests.fakes.ssh import Fleet, a_vm

pytestmark = pytest.mark.engine

DONE = '{"result": "done", "step": "", "exit_status": 0}'


def test_a_vm_is_ready_when_its_marker_says_done(fleet: Fleet) -> None:
    seen: list[Readiness] = []
    (vm,) = fleet.starts("web-1")
    fleet.boots("web-1", DONE)
    with Ready(fleet.login, seen.append) as waiting:
        waiting.submit(vm)
        result = waiting.wait(["web-1"])["web-1"]
    assert result.failure is None
    assert seen == [result]


def test_the_marker_is_awaited_over_one_connection(fleet: Fleet) -> None:
    (vm,) = fleet.starts("web-1")
    with Ready(fleet.login) as waiting:
        waiting.submit(vm)
        threading.Timer(0.7, fleet.boots, ("web-1", DONE)).start()
        assert waiting.wait()["web-1"].failure is None
    assert fleet.logins == 1


def test_a_failed_setup_names_the_step_and_shows_the_end_of_the_log(fleet: Fleet) -> None:
    (vm,) = fleet.starts("web-1")
    log = "".join(f"line {n}\n" for n in range(1, 31)) + "sh: 1: nope: not found\n"
    fleet.boots("web-1", '{"result": "failed", "step": "run 2", "exit_status": 127}', log)
    with Ready(fleet.login) as waiting:
        waiting.submit(vm)
        failure = waiting.wait()["web-1"].failure
    assert failure is not None
    first, *tail = failure.message.splitlines()
    assert (failure.stage, failure.code) == ("setup", "other")
    assert first == "setup failed at run 2 with exit status 127"
    assert tail == [*(f"line {n}" for n in range(22, 31)), "sh: 1: nope: not found"]


def test_a_boot_without_end_fails_in_setup_at_the_deadline(fleet: Fleet) -> None:
    (vm,) = fleet.starts("web-1")
    with Ready(fleet.login, deadline_s=1.5) as waiting:
        waiting.submit(vm)
        failure = waiting.wait()["web-1"].failure
    assert failure is not None
    assert (failure.code, failure.stage) == ("timeout", "setup")
    assert failure.message == "the first boot did not end within 1.5 s"


def test_a_vm_that_never_answers_fails_before_setup_with_the_reason(fleet: Fleet) -> None:
    (vm,) = fleet.starts("web-1")
    fleet.power_off("web-1")
    with Ready(fleet.login, deadline_s=0.8) as waiting:
        waiting.submit(vm)
        failure = waiting.wait()["web-1"].failure
    assert failure is not None
    assert (failure.code, failure.stage) == ("timeout", "ready")
    assert failure.message == "no login over SSH within 0.8 s: unreachable: connection refused"


def test_another_host_key_fails_at_once_and_is_not_tried_again(fleet: Fleet) -> None:
    one, other = fleet.starts("web-1", "web-2")
    fleet.boots("web-1", DONE)
    with Ready(fleet.login) as waiting:
        waiting.submit(replace(one, host_key=other.host_key))
        failure = waiting.wait()["web-1"].failure
    assert failure is not None
    assert failure.message.startswith("host key mismatch")
    assert fleet.logins == 0


def test_a_lost_connection_is_made_again(fleet: Fleet) -> None:
    (vm,) = fleet.starts("web-1")
    with Ready(fleet.login) as waiting:
        waiting.submit(vm)
        while fleet.logins == 0:
            time.sleep(0.01)
        fleet.cuts("web-1")
        fleet.boots("web-1", DONE)
        assert waiting.wait()["web-1"].failure is None
    assert fleet.logins == 2


def test_a_missing_key_is_a_failure_of_the_vm_and_not_a_hang(fleet: Fleet) -> None:
    with Ready(Login(default=fleet.folder / "none")) as waiting:
        waiting.submit(a_vm())
        failure = waiting.wait()["web-1"].failure
    assert failure is not None
    assert failure.code == "credentials"


def test_leaving_gives_up_on_whoever_is_not_ready(fleet: Fleet) -> None:
    seen: list[Readiness] = []
    with Ready(fleet.login, seen.append) as waiting:
        for vm in fleet.starts("web-1", "web-2"):
            waiting.submit(vm)
        while fleet.logins < 2:
            time.sleep(0.01)
    assert seen == []
    assert not [thread for thread in threading.enumerate() if thread.name == "ready"]


def test_without_vms_nothing_is_started(fleet: Fleet) -> None:
    with Ready(fleet.login) as waiting:
        assert waiting.wait() == {}
        assert not [thread for thread in threading.enumerate() if thread.name == "ready"]


def test_many_vms_are_waited_for_at_once(fleet: Fleet) -> None:
    names = [f"web-{n}" for n in range(1, 21)]
    with Ready(fleet.login) as waiting:
        for vm in fleet.starts(*names):
            fleet.boots(vm.name, DONE)
            waiting.submit(vm)
        results = waiting.wait(names)
    assert [result.failure for result in results.values()] == [None] * 20


def test_a_first_boot_that_takes_longer_is_looked_at_less_often() -> None:
    assert "sleep 0.05" in ready.wait_command(10)
    assert "else sleep 1;" in ready.wait_command(10)
