"""`execute` against real SSH servers: what each VM's result says, whatever happens to it."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace

import pytest

from mcis_iac.actions.keys import Login, ensure
from mcis_iac.actions.run import execute, exit_code, fold
from mcis_iac.errors import CredentialsError
from mcis_iac.model import HostResult
from tests.fakes.ssh import Fleet

pytestmark = pytest.mark.engine


def only(results: tuple[HostResult, ...]) -> HostResult:
    (result,) = results
    return result


def test_results_come_in_the_order_of_the_vms_with_output_and_status(fleet: Fleet) -> None:
    vms = fleet.starts("web-1", "web-2", "db-1")
    results = execute(vms, ["basename $PWD; echo no >&2; exit 3"], login=fleet.login)
    assert [(r.vm, r.stdout, r.stderr, r.exit_status, r.ok) for r in results] == [
        (vm.name, f"{vm.name}\n", "no\n", 3, False) for vm in vms
    ]
    assert exit_code(results) == 4


def test_several_arguments_are_words_and_one_is_shell_text(fleet: Fleet) -> None:
    vms = fleet.starts("web-1")
    assert only(execute(vms, ["echo", "a  b", "$HOME"], login=fleet.login)).stdout == "a  b $HOME\n"
    assert only(execute(vms, ["echo a  b | tr a c"], login=fleet.login)).stdout == "c b\n"


def test_a_script_gets_arguments_and_variables(fleet: Fleet) -> None:
    result = only(
        execute(
            fleet.starts("web-1"),
            ["one two", "three"],
            login=fleet.login,
            script='echo "$GREETING" "$1"/"$2"\n',
            setenv={"GREETING": "it's; here"},
        )
    )
    assert result.stdout == "it's; here one two/three\n"


def test_stdin_reaches_every_vm(fleet: Fleet) -> None:
    results = execute(fleet.starts("web-1", "web-2"), ["wc -c"], login=fleet.login, stdin=b"x" * 3_000_000)
    assert [result.stdout.strip() for result in results] == ["3000000", "3000000"]


def test_lines_are_streamed_with_the_vm_and_the_stream(fleet: Fleet) -> None:
    seen: list[tuple[str, str, str]] = []
    vms = fleet.starts("web-1", "web-2")
    execute(
        vms,
        ["echo héllo; printf end; echo oops >&2"],
        login=fleet.login,
        on_output=lambda *line: seen.append(line),
    )
    assert sorted(seen) == sorted(
        line
        for vm in vms
        for line in (
            (vm.name, "stdout", "héllo"),
            (vm.name, "stdout", "end"),
            (vm.name, "stderr", "oops"),
        )
    )


def test_a_reader_that_went_away_ends_the_run_with_its_own_error(fleet: Fleet) -> None:
    def closed(*_: str) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        execute(fleet.starts("web-1"), ["echo a; sleep 30"], login=fleet.login, on_output=closed)


def test_a_program_ended_by_a_signal_has_128_plus_its_number(fleet: Fleet) -> None:
    result = only(execute(fleet.starts("web-1"), ["kill -9 $$"], login=fleet.login))
    assert (result.exit_status, result.lost) == (137, False)


def test_a_connection_that_dies_under_a_command_is_lost_and_no_success(fleet: Fleet) -> None:
    (vm,) = fleet.starts("web-1")
    result = only(
        execute((vm,), ["echo on; sleep 30"], login=fleet.login, on_output=lambda name, *_: fleet.cuts(name))
    )
    assert (result.lost, result.exit_status, result.ok) == (True, None, False)
    assert result.stdout == "on\n"


def test_a_vm_that_is_off_does_not_disturb_the_others(fleet: Fleet) -> None:
    vms = fleet.starts("web-1", "web-2", "web-3")
    fleet.power_off("web-2")
    results = execute(vms, ["true"], login=fleet.login)
    assert [result.error for result in results] == ["", "unreachable: connection refused", ""]


def test_another_host_key_is_refused_and_the_command_does_not_run(fleet: Fleet) -> None:
    one, other = fleet.starts("web-1", "web-2")
    result = only(execute((replace(one, host_key=other.host_key),), ["touch ran"], login=fleet.login))
    assert result.error.startswith("host key mismatch")
    assert not (fleet.root("web-1") / "ran").exists()
    assert fleet.logins == 0


def test_without_a_recorded_host_key_nothing_is_connected(fleet: Fleet) -> None:
    (vm,) = fleet.starts("web-1")
    result = only(execute((replace(vm, host_key=None),), ["true"], login=fleet.login))
    assert "mcis known-hosts --read" in result.error
    assert fleet.logins == 0


def test_a_key_the_vm_does_not_know_is_refused_by_name(fleet: Fleet) -> None:
    wrong = fleet.folder / "wrong"
    ensure(wrong)
    result = only(execute(fleet.starts("web-1"), ["true"], login=Login(default=wrong)))
    assert result.error == f"login refused for user mcis with {wrong}"


def test_each_group_is_opened_with_its_own_key(fleet: Fleet) -> None:
    wrong = fleet.folder / "wrong"
    ensure(wrong)
    login = Login(default=wrong, by_group={"web": fleet.folder / "id_ed25519"})
    results = execute(fleet.starts("web-1", "db-1"), ["true"], login=login)
    assert [result.ok for result in results] == [True, False]


def test_a_missing_key_stops_everything_before_the_first_connection(fleet: Fleet) -> None:
    with pytest.raises(CredentialsError):
        execute(fleet.starts("web-1"), ["true"], login=Login(default=fleet.folder / "none"))
    assert fleet.logins == 0


def test_the_deadline_ends_a_command_and_keeps_what_it_printed(fleet: Fleet) -> None:
    result = only(execute(fleet.starts("web-1"), ["echo on; sleep 30"], login=fleet.login, timeout_s=1))
    assert (result.error, result.stdout, result.exit_status) == ("timed out after 1 s", "on\n", None)


def test_one_after_the_other_never_overlap(fleet: Fleet) -> None:
    lines: list[str] = []
    vms = fleet.starts("web-1", "web-2", "web-3")
    execute(
        vms,
        ["echo in; sleep 0.1; echo out"],
        login=fleet.login,
        serial=1,
        on_output=lambda *line: lines.append(line[2]),
    )
    assert lines == ["in", "out"] * 3


def test_much_output_is_cut_at_its_beginning_and_says_so(fleet: Fleet) -> None:
    result = only(
        execute(fleet.starts("web-1"), ["yes | head -c 3000000; echo; echo last"], login=fleet.login)
    )
    assert result.ok
    assert result.stdout.startswith("[the first ")
    assert result.stdout.endswith("\nlast\n")
    assert len(result.stdout) < 1_100_000


def test_interrupted_runs_return_what_is_done_and_mark_the_rest_cancelled(fleet: Fleet) -> None:
    vms = fleet.starts("web-1", "web-2", "db-1")
    command = ["[ $(basename $PWD) = web-1 ] || { echo on; sleep 30; }"]
    waiting: set[str] = set()

    def interrupt(vm: str, *_: str) -> None:
        waiting.add(vm)
        if len(waiting) == 2:
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()

    before = signal.getsignal(signal.SIGINT)
    results = execute(vms, command, login=fleet.login, on_output=interrupt)
    assert [(result.ok, result.error) for result in results] == [
        (True, ""),
        (False, "cancelled"),
        (False, "cancelled"),
    ]
    assert exit_code(results) == 8
    assert signal.getsignal(signal.SIGINT) is before


def test_many_vms_with_few_logins_at_once_all_answer(fleet: Fleet) -> None:
    vms = fleet.starts(*(f"web-{n}" for n in range(1, 21)))
    results = execute(vms, ["true"], login=fleet.login, parallel=3)
    assert [each.names for each in fold(results)] == ["web[1-20]"]


def test_the_users_own_ssh_files_take_no_part(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    home = fleet.folder / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "config").write_text("Host *\n  User nobody\n  ProxyCommand false\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "no-agent"))
    assert only(execute(fleet.starts("web-1"), ["true"], login=fleet.login)).ok
