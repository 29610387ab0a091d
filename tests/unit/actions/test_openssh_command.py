"""The system ssh's command line: everything explicit, nothing from the user's configuration."""

from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from mcis_iac.actions.jumps import Jumps
from mcis_iac.actions.keys import Agent, Login
from mcis_iac.actions.openssh import command_line, way
from mcis_iac.errors import OperationError
from tests.fakes.ssh import a_vm

HOSTS = Path("/home/kim/shop/.mcis/edge/known_hosts")
LOGIN = Login(default=Path("/home/kim/shop/.mcis/edge/id_ed25519"))


@pytest.fixture(autouse=True)
def _an_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ssh"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def options(line: list[str]) -> dict[str, str]:
    pairs = [after for word, after in pairwise(line) if word == "-o"]
    return dict(pair.split("=", 1) for pair in pairs)


def test_key_user_port_and_host_key_are_given(tmp_path: Path) -> None:
    line = command_line(a_vm(ssh_port=2222), LOGIN, HOSTS)
    assert line[:3] == [str(tmp_path / "ssh"), "-F", "/dev/null"]
    assert line[-3:] == ["-p", "2222", "mcis@198.18.0.4"]
    assert options(line) == {
        "IdentityFile": '"/home/kim/shop/.mcis/edge/id_ed25519"',
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "UserKnownHostsFile": '"/home/kim/shop/.mcis/edge/known_hosts"',
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "HostKeyAlias": "web-1",
        "HostKeyAlgorithms": "ssh-ed25519",
        "KexAlgorithms": "curve25519-sha256",
        "PreferredAuthentications": "publickey",
    }


def test_a_command_is_passed_as_exec_passes_it() -> None:
    assert command_line(a_vm(), LOGIN, HOSTS, ["ls -l | wc"])[-2:] == ["--", "ls -l | wc"]
    assert command_line(a_vm(), LOGIN, HOSTS, ["echo", "a b"])[-2:] == ["--", "echo 'a b'"]


def test_signs_that_mean_something_to_ssh_are_quoted() -> None:
    line = command_line(a_vm(), LOGIN, Path("/my stacks/100%/known_hosts"))
    assert options(line)["UserKnownHostsFile"] == '"/my stacks/100%%/known_hosts"'


def test_the_agent_is_the_one_that_was_found() -> None:
    line = command_line(a_vm(), Login(default=Agent(socket="/run/agent")), HOSTS)
    assert options(line)["IdentityAgent"] == '"/run/agent"'
    assert "IdentityFile" not in options(line)


def test_without_an_ssh_program_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(OperationError) as refused:
        command_line(a_vm(), LOGIN, HOSTS)
    assert "no `ssh` in PATH" in refused.value.detail


def test_a_vm_without_a_known_host_key_is_not_logged_in_to() -> None:
    with pytest.raises(OperationError):
        command_line(a_vm(host_key=None), LOGIN, HOSTS)


def test_a_jump_host_is_opened_and_checked_like_the_vm_behind_it() -> None:
    inner, jump = a_vm("db-1", public_ip=None), a_vm("web-1")
    line = command_line(inner, LOGIN, HOSTS, through=(jump,))
    assert line[-3:] == ["-p", "22", "mcis@10.100.0.4"]
    gate = shlex.split(options(line)["ProxyCommand"].replace("%%", "%"))
    assert gate[-3:] == ["-W", "10.100.0.4:22", "mcis@198.18.0.4"]
    assert (options(gate)["StrictHostKeyChecking"], options(gate)["HostKeyAlias"]) == ("yes", "web-1")
    assert options(gate)["IdentityFile"] == options(line)["IdentityFile"]


def test_a_jump_host_behind_another_one_is_reached_through_it() -> None:
    first, second, last = a_vm("out-1"), a_vm("mid-1", private_ip="10.100.0.5"), a_vm("db-1", region="x")
    line = command_line(last, LOGIN, Path("/100%/h"), through=(first, second))
    assert line[-1] == "mcis@198.18.0.4"  # in another region: by its public address
    outer = shlex.split(options(line)["ProxyCommand"].replace("%%", "%"))
    assert outer[-1] == "mcis@10.100.0.5"
    inner = shlex.split(options(outer)["ProxyCommand"].replace("%%", "%"))
    assert inner[-3:] == ["-W", "10.100.0.5:22", "mcis@198.18.0.4"]
    assert options(inner)["UserKnownHostsFile"] == '"/100%%/h"'


def test_the_way_leads_from_group_to_group_and_needs_a_vm_in_each() -> None:
    jumps = Jumps({"db": "mid", "mid": "out"}, [a_vm("out-1"), a_vm("mid-2"), a_vm("mid-1", public_ip=None)])
    assert [host.name for host in way(a_vm("db-1"), jumps)] == ["out-1", "mid-2"]
    assert way(a_vm("web-1"), jumps) == ()
    with pytest.raises(OperationError) as refused:
        way(a_vm("db-1"), Jumps({"db": "mid"}))
    assert refused.value.detail == "db-1 is reached via mid, which has no VM"
