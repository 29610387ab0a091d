"""Flags become values: what the front door is asked, and what goes to which stream."""

from __future__ import annotations

import json

import pytest
import yaml
from fakes.pipeline import FakePipeline, a_report, applied, ended, row

from mcis_iac.model import Diagnostic, Severity, Status
from mcis_iac.pipeline import Checked, CopyResult, Finding, HostResult, Selection


def test_common_flags_reach_the_request(mcis):
    stages = FakePipeline()
    mcis("preview", "stacks/edge", "-e", "prod", "--set", "a=1", "--set", "b=2", "--parallel", "8",
         "--timeout", "2m", stages=stages)  # fmt: skip
    request = stages.request
    assert (request.file, request.env, request.sets) == ("stacks/edge", "prod", ("a=1", "b=2"))
    assert (request.parallel, request.timeout_s) == (8, 120.0)


def test_common_flags_come_from_the_environment_too(mcis, monkeypatch):
    monkeypatch.setenv("MCIS_ENV", "ci")
    monkeypatch.setenv("MCIS_FILE", "elsewhere")
    stages = FakePipeline()
    mcis("preview", stages=stages)
    assert (stages.request.env, stages.request.file) == ("ci", "elsewhere")


def test_a_flag_wins_over_the_environment(mcis, monkeypatch):
    monkeypatch.setenv("MCIS_ENV", "ci")
    stages = FakePipeline()
    mcis("preview", "-e", "prod", stages=stages)
    assert stages.request.env == "prod"


@pytest.mark.parametrize("alias,verb", [("plan", "preview"), ("apply", "up"), ("destroy", "down")])
def test_verbs_of_other_tools_are_understood(mcis, alias, verb):
    flags = [] if verb == "preview" else ["--yes"]
    assert mcis(alias, *flags).out == mcis(verb, *flags).out


def test_up_passes_everything_it_was_told(mcis):
    stages = FakePipeline()
    mcis("up", "-y", "--target", "web", "--target", "db-1", "--replace", "web-2", "--locked",
         "--retry-dropped", "--force-protected", stages=stages)  # fmt: skip
    assert stages.asked == {
        "targets": ("web", "db-1"),
        "replace": ("web-2",),
        "locked": True,
        "retry_dropped": True,
        "force_protected": True,
    }


def test_up_in_json_has_the_preview_on_stderr_and_data_on_stdout(mcis):
    done = mcis("up", "--yes", "-o", "json", stages=FakePipeline(result=applied(ended("web-1"))))
    assert json.loads(done.out)["vms"][0]["name"] == "web-1"
    assert "replaces 1 running VM" in done.err


def test_up_that_failed_in_part_has_the_code_of_its_outcome(mcis):
    result = applied(ended("web-1"), ended("web-3", "FAILED", "no room"), exit_code=4, next="mcis up")
    done = mcis("up", "--yes", stages=FakePipeline(result=result))
    assert done.code == 4
    assert done.out.endswith("continue: mcis up\n")


def test_down_passes_everything_it_was_told(mcis):
    stages = FakePipeline()
    mcis("down", "-y", "--target", "db", "--remove", "--force-protected", stages=stages)
    assert stages.asked == {"targets": ("db",), "remove": True, "force_protected": True}


def test_scale_passes_everything_it_was_told(mcis):
    stages = FakePipeline()
    mcis("scale", "web=5", "db+2", "--remove", "web-2", "--no-write", "-y", stages=stages)
    assert stages.asked == {
        "wants": ("web=5", "db+2"),
        "remove": ("web-2",),
        "write": False,
        "force_protected": False,
    }


def test_replace_makes_those_and_passes_on_the_rest(mcis):
    stages = FakePipeline()
    mcis("replace", "web", "db-1", "-y", "--force-protected", stages=stages)
    assert stages.asked["replace"] == ("web", "db-1")
    assert stages.asked["force_protected"] and not stages.asked.get("targets")


def test_refresh_says_what_differed(mcis):
    done = mcis("refresh", stages=FakePipeline(result=applied(ended("web-1"))))
    assert "1 resource differed, now in the state" in done.out


def test_preview_in_json_has_every_change(mcis):
    data = json.loads(mcis("preview", "--json").out)
    assert data["summary"] == {"create": 2, "update": 1, "replace": 1, "delete": 0, "same": 21}
    assert {change["name"] for change in data["changes"]} >= {"web-4", "web-5", "db-1"}


def test_yaml_says_the_same_as_json(mcis):
    assert yaml.safe_load(mcis("preview", "-o", "yaml").out) == json.loads(mcis("preview", "-o", "json").out)


def test_verbose_preview_shows_every_row(mcis):
    from fakes.pipeline import a_preview, vm_change

    from mcis_iac.model import Op

    many = a_preview(*(vm_change(f"web-{n}", Op.CREATE) for n in range(1, 31)), after=34)
    assert "+ web[1-30]" in mcis("preview", stages=FakePipeline(next_preview=many)).out
    assert "+ web-30" in mcis("preview", "-v", stages=FakePipeline(next_preview=many)).out


def test_the_pull_request_comment_names_the_commit_of_the_ci(mcis, monkeypatch):
    monkeypatch.setenv("GITHUB_SHA", "1a2b3c4d5e6f")
    assert "commit 1a2b3c4 ·" in mcis("preview", "-o", "markdown").out


def test_status_selects_by_group_and_name(mcis):
    stages = FakePipeline()
    mcis("status", "-g", "web", "--vm", "db-1", stages=stages)
    assert stages.asked["selection"] == Selection(groups=("web",), vms=("db-1",))


def test_status_in_json_has_fields_apart_from_the_display(mcis):
    data = json.loads(mcis("status", "--json").out)
    assert data["summary"]["status"] == "Running"
    assert data["vms"][0]["vm"]["public_ip"] == "203.0.113.31"


def test_watching_without_a_terminal_prints_only_rows_that_changed(mcis):
    first = a_report(row("web-1"), row("web-2"))
    second = a_report(row("web-1"), row("web-2", Status.SUSPENDED))
    stages = FakePipeline(reports=[first, first, second, a_report(row("web-1"))])
    done = mcis("status", "--watch", stages=stages)
    assert done.code == 0
    assert [line.split()[0:3] for line in done.out.splitlines()] == [
        ["web-1", "web", "Running"],
        ["web-2", "web", "Running"],
        ["web-2", "web", "Suspended"],
        ["web-2", "web", "gone"],
    ]


def test_watching_on_a_terminal_redraws(mcis):
    done = mcis("status", "-w", stages=FakePipeline(reports=[a_report(row("web-1"))] * 2), answer="")
    assert done.out.count("\x1b[H\x1b[2J") == 2
    assert done.code == 0


def test_outputs_are_lines_with_paths(mcis):
    values = {"inventory": {"web-1": {"public_ip": "203.0.113.1", "ordinal": 1}}}
    done = mcis("outputs", stages=FakePipeline(values=values))
    assert done.out.splitlines() == [
        "inventory.web-1.public_ip  203.0.113.1",
        "inventory.web-1.ordinal    1",
    ]
    assert json.loads(mcis("outputs", "--json", stages=FakePipeline(values=values)).out) == values


@pytest.mark.parametrize("form", ["table", "json", "yaml"])
def test_render_prints_the_graph_in_the_chosen_format(mcis, form):
    assert mcis("render", "-o", form).out == f"edge.prod as {form}\n"


def test_validate_says_when_all_is_well(mcis):
    done = mcis("validate")
    assert (done.code, done.out) == (0, "edge.prod: ok, 4 VMs in 2 groups\n")


def problem(code: str, severity: Severity = Severity.ERROR) -> Diagnostic:
    return Diagnostic(code=code, severity=severity, summary="something")


@pytest.mark.parametrize(
    "codes,code",
    [
        (["MCIS104"], 2),
        (["MCIS212"], 2),
        (["MCIS301"], 10),
        (["MCIS401"], 3),
        (["MCIS501"], 5),
        (["MCIS401", "MCIS301"], 10),
        (["MCIS301", "MCIS501"], 5),
        (["MCIS501", "MCIS101"], 2),
    ],
)
def test_the_gravest_kind_of_problem_decides_the_code_of_validate(mcis, codes, code):
    checked = Checked(mcis=None, diagnostics=tuple(map(problem, codes)), texts={})
    done = mcis("validate", stages=FakePipeline(checked=checked))
    assert done.code == code
    assert codes[0] in done.out


def test_strict_makes_warnings_errors(mcis):
    from fakes.pipeline import edge

    checked = Checked(mcis=edge(), diagnostics=(problem("MCIS231", Severity.WARNING),), texts={})
    assert mcis("validate", stages=FakePipeline(checked=checked)).code == 0
    assert mcis("validate", "--strict", stages=FakePipeline(checked=checked)).code == 2


def test_validate_in_json_is_a_list_even_when_empty(mcis):
    assert json.loads(mcis("validate", "--json").out) == []


def test_ssh_becomes_the_systems_ssh(mcis):
    became = []
    stages = FakePipeline()
    mcis(
        "ssh", "web-1", "--", "uptime", "-p", stages=stages, replace_process=lambda *call: became.append(call)
    )
    assert became == [("ssh", ["ssh", "-l", "mcis", "web-1", "uptime", "-p"])]


def test_ssh_that_is_not_installed_is_one_clear_error(mcis):
    def refuse(*_):
        raise FileNotFoundError(2, "No such file or directory")

    done = mcis("ssh", "web-1", replace_process=refuse)
    assert done.code == 4
    assert "install the OpenSSH client" in done.err


HOSTS = (
    HostResult(vm="web-1", group="web", exit_status=0, stdout="Linux\n", elapsed_s=1.0),
    HostResult(vm="web-2", group="web", exit_status=127, stderr="not found\n", elapsed_s=1.0),
    HostResult(vm="db-1", group="db", exit_status=None, lost=True, elapsed_s=6.1),
)


def test_exec_streams_with_names_and_sums_up_on_stderr(mcis):
    done = mcis("exec", "--", "uname", stages=FakePipeline(hosts=HOSTS))
    assert done.code == 4
    assert done.out == "web-1: Linux\n"
    assert done.err.splitlines()[:3] == [
        "web-2: not found",
        "web-2: exit 127",
        "db-1: connection lost after 6.1s",
    ]
    assert done.err.splitlines()[3].startswith("3 VMs: 1 ok, 1 failed, 1 lost")


def test_exec_folds_on_stdout(mcis):
    done = mcis("exec", "--fold", "--", "uname", stages=FakePipeline(hosts=HOSTS))
    assert done.out.startswith("web-1 (1):\n  Linux\n")


def test_exec_in_json_has_one_object_per_vm(mcis):
    done = mcis("exec", "--json", "--", "uname", stages=FakePipeline(hosts=HOSTS))
    assert [(host["vm"], host["ok"]) for host in json.loads(done.out)] == [
        ("web-1", True),
        ("web-2", False),
        ("db-1", False),
    ]
    assert done.err == ""


def test_exec_that_worked_everywhere_exits_0(mcis):
    assert mcis("exec", "--", "true", stages=FakePipeline(hosts=HOSTS[:1])).code == 0


def test_exec_passes_everything_it_was_told(mcis):
    stages = FakePipeline()
    mcis("exec", "-g", "web", "--serial", "2", "--sudo", "--setenv", "A=b=c", "--timeout", "5s",
         "--", "ls", "-l", stages=stages)  # fmt: skip
    assert stages.asked == {
        "selection": Selection(groups=("web",)),
        "command": ("ls", "-l"),
        "timeout_s": 5.0,
        "serial": 2,
        "sudo": True,
        "script": None,
        "setenv": {"A": "b=c"},
        "stdin": None,
    }
    assert stages.request.timeout_s is None


def test_exec_writes_a_junit_report(mcis, tmp_path):
    path = tmp_path / "report.xml"
    mcis("exec", "--junit", str(path), "--", "uname", stages=FakePipeline(hosts=HOSTS))
    assert 'tests="3" failures="1" errors="1"' in path.read_text(encoding="utf-8")


def test_doctor_says_what_to_do_and_exits_1(mcis):
    findings = (
        Finding(topic="engine", ok=False, found="no pulumi on PATH", hint="mcis doctor --install"),
        Finding(topic="local cloud", ok=True, found="netns", why="root"),
    )
    stages = FakePipeline(findings=findings)
    done = mcis("doctor", "aws", "--install", "-f", "stacks/edge", stages=stages)
    assert done.code == 1
    assert stages.asked == {"target": "aws", "install": True}
    assert stages.request.file == "stacks/edge"
    assert "engine  mcis doctor --install" in done.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_that_shell(mcis, shell):
    done = mcis("completion", shell)
    assert done.code == 0
    assert "_MCIS_COMPLETE" in done.out


def test_quiet_keeps_stderr_silent_when_all_is_well(mcis):
    assert mcis("up", "--yes", "-q").err == ""


def test_init_names_the_files_and_what_to_do_next(mcis):
    done = mcis("init", "new", "--template", "local")
    assert (done.out, done.err) == ("new/local.yaml\n", "next: mcis preview new\n")


def test_explain_tells_the_story(mcis):
    assert mcis("explain", "MCIS104").out == "the story of MCIS104\n"


@pytest.mark.parametrize("flags,types", [((), False), (("--types",), True)])
def test_validate_looks_at_types_only_when_asked_to(mcis, flags, types):
    stages = FakePipeline()
    assert mcis("validate", *flags, stages=stages).code == 0
    assert stages.asked == {"types": types}


def test_cp_tells_who_failed_and_what_stayed_behind(mcis):
    copies = (
        CopyResult(vm="web-1", group="web", files=2, bytes=2_000_000, skipped=("x: a link",)),
        CopyResult(vm="web-2", group="web", error="No space left on device\x1b[2J"),
    )
    stages = FakePipeline(copies=copies)
    done = mcis("cp", "-r", "a", "web:/b", "--timeout", "5s", stages=stages)
    assert done.code == 4
    assert done.err.splitlines()[:2] == ["left out: x: a link", "web-2: No space left on device"]
    assert done.err.splitlines()[2].startswith("2 VMs: 1 ok, 1 failed   2 files, 2.0 MB")
    assert (stages.asked["source"], stages.asked["recursive"], stages.asked["timeout_s"]) == ("a", True, 5.0)


def test_known_hosts_are_printed_or_read(mcis):
    assert mcis("known-hosts").out == "198.18.0.4,web-1 ssh-ed25519 AAAA\n"
    done = mcis("known-hosts", "--read", "theirs")
    assert (done.out, done.err) == ("", "web-1: new\n")


def test_what_machines_print_does_not_steer_the_terminal(mcis):
    hosts = (HostResult(vm="web-1", group="web", exit_status=0, stdout="a\x1b]0;t\x07\tb\x9b2J\x00\n"),)
    assert mcis("exec", "--", "x", stages=FakePipeline(hosts=hosts)).out == "web-1: a\tb2J\n"
    folded = mcis("exec", "--fold", "--", "x", stages=FakePipeline(hosts=hosts)).out
    assert folded == "web-1 (1):\n  a\tb2J\n"
