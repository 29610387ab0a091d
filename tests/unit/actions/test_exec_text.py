"""What goes over the wire, and how equal results are told once."""

from __future__ import annotations

import shlex

import pytest

from mcis_iac.actions.run import exit_code, fold, shell_text
from mcis_iac.errors import UsageError
from mcis_iac.model import HostResult


def result(vm: str, status: int | None = 0, **changes: object) -> HostResult:
    return HostResult(vm=vm, group=vm.rpartition("-")[0], exit_status=status, **changes)  # type: ignore[arg-type]


def test_one_argument_is_shell_text_and_several_are_words() -> None:
    assert shell_text(["uname -r | cat"]) == "uname -r | cat"
    assert shell_text(["echo", "a b", "$HOME"]) == "echo 'a b' '$HOME'"


def test_variables_are_exported_and_quoted() -> None:
    text = shell_text(["env"], setenv={"A": "it's", "B_2": "$(rm)"})
    assert text == """export A='it'"'"'s'; export B_2='$(rm)'; env"""


def test_sudo_never_asks_and_sets_the_variables_on_its_far_side() -> None:
    text = shell_text(["id -u"], sudo=True, setenv={"A": "x y"})
    assert shlex.split(text) == ["sudo", "-n", "--", "sh", "-c", "export A='x y'; id -u"]


def test_a_script_is_read_from_stdin_with_the_command_as_its_arguments() -> None:
    assert shell_text([], script=True) == "sh -s"
    assert shell_text(["-x", "a b"], script=True) == "sh -s -- -x 'a b'"
    assert shlex.split(shell_text([], script=True, sudo=True))[-1] == "sh -s"


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A=B", "A;B"])
def test_a_variable_needs_a_proper_name(name: str) -> None:
    with pytest.raises(UsageError):
        shell_text(["true"], setenv={name: "x"})


def test_no_command_is_refused() -> None:
    with pytest.raises(UsageError):
        shell_text([])


def test_equal_endings_fold_whatever_their_time() -> None:
    results = [
        result("web-1", stdout="Linux\n", elapsed_s=1),
        result("web-2", stdout="Linux\n", elapsed_s=2),
        result("web-3", 127, stderr="nope\n"),
        result("web-4", stdout="Linux\n"),
        result("db-1", None, lost=True),
    ]
    assert [each.names for each in fold(results)] == ["web[1-2,4]", "web-3", "db-1"]
    assert fold(results)[0].result.stdout == "Linux\n"


def test_the_same_text_on_another_stream_or_with_another_status_does_not_fold() -> None:
    results = [result("a-1", stdout="x"), result("a-2", stderr="x"), result("a-3", 1, stdout="x")]
    assert len(fold(results)) == 3


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([], 0),
        ([result("web-1")], 0),
        ([result("web-1"), result("web-2", 1)], 4),
        ([result("web-1", None, lost=True)], 4),
        ([result("web-1", None, error="unreachable: no route to host")], 4),
        ([result("web-1", 1), result("web-2", None, error="cancelled")], 8),
    ],
)
def test_the_exit_code_is_zero_only_when_all_succeeded(results: list[HostResult], code: int) -> None:
    assert exit_code(results) == code


def test_a_lost_connection_is_never_a_success() -> None:
    assert not result("web-1", 0, lost=True).ok
