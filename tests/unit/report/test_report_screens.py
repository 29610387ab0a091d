"""The screens as reviewed: fixed width, no colour, one golden file each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from fakes.pipeline import (
    a_preview,
    a_report,
    a_vm,
    applied,
    ended,
    image_change,
    mixed_preview,
    row,
    vm_change,
)

from mcis_iac.actions.status import aggregate, tally
from mcis_iac.model import Failure, Op, Outcome, PropertyChange, Status, Step
from mcis_iac.pipeline import Finding, Happened, History, HostResult, Orphan, Silent, StatusReport, StatusRow
from mcis_iac.report.applied import down_screen, refresh_screen, up_screen
from mcis_iac.report.cells import cells_screen
from mcis_iac.report.data import applied_data, preview_data, status_data
from mcis_iac.report.execution import exec_summary, failures, fold_screen, junit, output_line
from mcis_iac.report.findings import doctor_screen
from mcis_iac.report.history import history_screen, operation_screen
from mcis_iac.report.markdown import preview_comment
from mcis_iac.report.preview import preview_screen
from mcis_iac.report.status import status_markdown, status_screen
from mcis_iac.report.values import as_json, as_yaml

NOON = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
NEXT = "mcis up stacks/edge -e prod"

CREATE = a_preview(
    *(vm_change(name, Op.CREATE) for name in ("web-1", "web-2", "web-3", "db-1")), before=0, after=4, same=0
)
SCALE_IN = a_preview(
    *(vm_change(f"web-{n}", Op.DELETE) for n in (2, 10)),
    after=2,
    sources={"web-2": "mcis.yaml:11", "web-10": "mcis.yaml:11"},
    reasons={"web-2": "count 3 -> 1", "web-10": "count 3 -> 1"},
)
REPLACE = a_preview(
    vm_change("db-1", Op.REPLACE, properties=(image_change(),), replace_reasons=("image",), old_first=True),
    notices=("local: image ubuntu-24.04 is this host's own system",),
)
MANY = a_preview(*(vm_change(f"web-{n}", Op.CREATE) for n in range(1, 1001)), before=0, after=1001)


@pytest.mark.parametrize(
    "name,preview",
    [
        ("create", CREATE),
        ("mixed", mixed_preview()),
        ("scale-in", SCALE_IN),
        ("replace", REPLACE),
        ("many", MANY),
        ("nothing", a_preview()),
    ],
)
def test_preview(golden, name, preview):
    golden(f"screens/preview-{name}.txt", preview_screen(preview))


def test_preview_on_a_narrow_terminal_wraps_the_reason_and_cuts_nothing(golden):
    reasons = {"db-1": "image cannot change in place, and this is a long story about why that is so"}
    preview = a_preview(*REPLACE.diff.changes, reasons=reasons)
    golden("screens/preview-narrow.txt", preview_screen(preview, width=80))


NOT_ALL = a_preview(
    vm_change("web-4", Op.CREATE),
    after=5,
    silent=(
        Silent(
            connection="aws",
            cloud="aws",
            summary="no access to AWS",
            detail="aws: the token is expired",
            hint="sign in again with `aws sso login`",
            vms=2,
        ),
        Silent(
            connection="lab",
            cloud="openstack",
            summary="the OpenStack SDK is not installed",
            vms=1,
            exit_code=4,
        ),
    ),
)


def test_a_preview_says_whom_it_could_not_ask(golden):
    golden("screens/preview-not-all.txt", preview_screen(NOT_ALL))
    golden("screens/comment-not-all.md", preview_comment(NOT_ALL))


def test_nothing_to_change_is_not_said_of_clouds_that_are_silent():
    screen = preview_screen(a_preview(silent=NOT_ALL.silent))
    assert "nothing to change in what could be seen" in screen


def test_preview_as_data(golden):
    golden("screens/preview.json", as_json(preview_data(mixed_preview())))


def test_up_that_worked(golden):
    vms = [ended("web-1"), ended("web-2", elapsed_s=75.0), ended("web-3", "unchanged"), ended("db-1")]
    golden("screens/up-ok.txt", up_screen(applied(*vms)))


IN_PART = applied(
    ended("web-1"),
    ended("web-2"),
    ended("web-3", "FAILED", "no capacity for small in local-seoul-a"),
    ended("db-1", "unchanged"),
    exit_code=4,
    next=NEXT,
)


def test_up_that_failed_in_part(golden):
    golden("screens/up-failed-in-part.txt", up_screen(IN_PART))
    golden("screens/up-failed-in-part.json", as_json(applied_data(IN_PART)))


def test_up_whose_network_failed_names_it(golden):
    why = Failure(code="quota", stage="create", message="no addresses left in 10.20.0.0/20")
    step = Step(key="net/main/local/local-seoul", token="t", op=Op.CREATE, ok=False, failure=why)
    result = applied(outcome=Outcome(steps=(step,)), exit_code=4, next=NEXT)
    golden("screens/up-network-failed.txt", up_screen(result))


def test_up_that_was_stopped(golden):
    result = applied(ended("web-1"), outcome=Outcome(steps=(), cancelled=True), exit_code=8, next=NEXT)
    golden("screens/up-stopped.txt", up_screen(result))


def test_scale_in_tells_deleted_from_ready(golden):
    result = applied(ended("web-1", "unchanged"), ended("web-2", "deleted", elapsed_s=1.0), preview=SCALE_IN)
    golden("screens/scale-in.txt", up_screen(result))


def test_down(golden):
    result = applied(*(ended(name, "deleted", elapsed_s=0.4) for name in ("web-1", "db-1")), preview=None)
    golden("screens/down.txt", down_screen(result))


@pytest.mark.parametrize(
    "wish,made,stopped,words",
    [
        ("keep", True, False, "what worked was kept"),
        ("rollback", True, False, "what this run had made was removed again"),
        ("rollback", False, False, "what worked was kept"),
        ("rollback", True, True, "what worked was kept"),
        ("drop-failed", True, False, "the failed ones were dropped"),
        ("drop-failed", True, True, "what worked was kept"),
    ],
)
def test_what_is_said_of_on_failure_is_what_was_done(wish, made, stopped, words):
    from dataclasses import replace

    asked = a_preview()
    asked = replace(asked, mcis=replace(asked.mcis, on_failure=wish))
    steps = (Step(key="web-1", token="t", op=Op.CREATE, ok=True, is_vm=True),) if made else ()
    outcome = Outcome(steps=steps, cancelled=stopped)
    text = up_screen(applied(ended("web-2", "FAILED", "no capacity"), preview=asked, outcome=outcome))
    assert f"1 failed; {words} " in text


def test_down_with_nothing_left(golden):
    golden("screens/down-nothing.txt", down_screen(applied(outcome=None)))


def test_down_that_failed_in_part(golden):
    result = applied(
        ended("web-1", "deleted"), ended("db-1", "FAILED", "volume is in use"), exit_code=4, next="mcis down"
    )
    golden("screens/down-failed-in-part.txt", down_screen(result))


def test_refresh(golden):
    steps = (
        Step(key="web-2", token="t", op=Op.DELETE, ok=True, is_vm=True),
        Step(key="sg/web/local/local-seoul", token="t", op=Op.UPDATE, ok=True),
    )
    golden("screens/refresh.txt", refresh_screen(applied(outcome=Outcome(steps=steps, same=25))))


PARTIAL = a_report(
    row("web-1"),
    row("web-2"),
    row("db-1", Status.SUSPENDED),
    row("db-2", Status.FAILED, vm=None, detail="no capacity for small"),
    display="Failed (R:2 S:1 F:1)",
)


@pytest.mark.parametrize(
    "name,report",
    [
        ("all", a_report(row("web-1"), row("web-2"), row("db-1"), display="Running (R:3)")),
        ("partial", PARTIAL),
        ("empty", a_report(display="Empty")),
    ],
)
def test_status(golden, name, report):
    golden(f"screens/status-{name}.txt", status_screen(report, now=NOON))


def test_status_in_its_other_formats(golden):
    golden("screens/status-wide.txt", status_screen(PARTIAL, now=NOON, wide=True))
    golden("screens/status.md", status_markdown(PARTIAL, now=NOON))
    golden("screens/status.json", as_json(status_data(PARTIAL)))
    golden("screens/status.yaml", as_yaml(status_data(PARTIAL)))


def test_status_has_prices_where_one_is_known():
    from dataclasses import replace
    from decimal import Decimal

    vm = replace(a_vm("web-1"), hourly_usd=Decimal("0.0404"))
    text = status_screen(a_report(row("web-1", vm=vm), row("db-1")), now=NOON)
    assert [line.split()[-1] for line in text.splitlines()[:3]] == ["$/H", "0.0404", "?"]


HOSTS = (
    *(HostResult(vm=f"web-{n}", group="web", exit_status=0, stdout="Linux 6.12.9\n") for n in (1, 2, 4, 5)),
    HostResult(vm="web-3", group="web", exit_status=127, stderr="sh: 1: nope: not found\n"),
    HostResult(vm="db-1", group="db", exit_status=None, lost=True, elapsed_s=6.1),
    HostResult(vm="db-2", group="db", exit_status=None, error="host key differs from the known one"),
)


def test_exec_folded(golden):
    golden("screens/exec-fold.txt", fold_screen(HOSTS) + exec_summary(HOSTS, 6.2))


def test_exec_streaming(golden):
    lines = [
        output_line(host.vm, line) for host in HOSTS for line in (host.stdout + host.stderr).splitlines()
    ]
    golden("screens/exec-stream.txt", "\n".join([*lines, *failures(HOSTS), exec_summary(HOSTS, 6.2)]))


def test_exec_as_junit(golden):
    golden("screens/exec-junit.xml", junit(HOSTS, "uname -sr"))


def test_doctor(golden):
    findings = (
        Finding(
            topic="engine", ok=True, found="pulumi 3.259.0 /usr/bin/pulumi", why="on PATH and new enough"
        ),
        Finding(topic="local: cloud", ok=True, found="namespaces", why="root"),
        Finding(topic="ssh", ok=False, found="no ssh on PATH", hint="install the OpenSSH client"),
    )
    golden("screens/doctor.txt", doctor_screen(findings))


def test_no_screen_has_colour_unless_asked_and_none_has_only_colour():
    plain = preview_screen(mixed_preview())
    painted = preview_screen(mixed_preview(), color=True)
    assert "\x1b" not in plain
    assert "\x1b[35m± db-1\x1b[0m" in painted
    from mcis_iac.report.text import clean

    assert [clean(line) for line in painted.splitlines()] == plain.splitlines()


def test_escape_sequences_from_outside_never_reach_a_screen():
    evil = "\x1b]0;owned\x07\x1b[31mred\x1b[0m\r\nline\u202e"
    result = applied(ended("web-1", "FAILED", evil), notices=(evil,))
    change = vm_change("db-1", Op.UPDATE, properties=(PropertyChange(path="a", old=evil, new=evil + "!"),))
    for text in (up_screen(result), preview_screen(a_preview(change, notices=(evil,))), fold_screen([])):
        assert "\x1b" not in text
        assert "\r" not in text
        assert "\u202e" not in text


PAST = History(
    stack="edge.prod",
    total=12,
    operations=(
        Happened(number=9, at="2026-11-20T10:00:00Z", verb="up", by="kim", result="succeeded", duration_s=41,
                 changes={"create": 12}, hourly_change=Decimal("0.2493")),
        Happened(number=10, at="2026-11-21T20:00:00Z", verb="suspend", by="kim", result="succeeded",
                 duration_s=2.1, changes={"suspend": 3}),
        Happened(number=11, at="2026-11-22T09:30:00Z", verb="up", by="lee", result="failed", duration_s=95,
                 changes={"create": 1, "update": 1, "replace": 1}, elsewhere=True),
        Happened(number=12, at="2026-11-22T13:00:00Z", verb="scale", by="kim", result="failed",
                 duration_s=23.4, changes={"create": 2, "delete": 1}, hourly_change=Decimal("-0.04"),
                 vms={"web-4": "create", "web-5": "create", "web-1": "delete"},
                 failed={"web-6": "no capacity for small"}, logs=(".mcis/edge.prod/runs/up.log",)),
    ),
)  # fmt: skip


def test_history(golden):
    golden("screens/history.txt", history_screen(PAST))
    golden("screens/history.json", as_json(PAST))
    golden("screens/history-empty.txt", history_screen(replace(PAST, operations=(), total=0)))


def test_one_operation_of_the_history(golden):
    golden("screens/history-show.txt", operation_screen(replace(PAST, operations=PAST.operations[-1:])))
    golden("screens/history-elsewhere.txt", operation_screen(replace(PAST, operations=PAST.operations[2:3])))


def many(*counts: tuple[str, int]) -> list[StatusRow]:
    """So many VMs per group, a few of which are not well."""
    odd = {
        "web-25": Status.FAILED,
        "web-600": Status.SUSPENDED,
        "db-2": Status.UNDEFINED,
        "db-7": Status.REBOOTING,
    }
    return [
        row(f"{group}-{n}", odd.get(f"{group}-{n}", Status.RUNNING),
            detail="aws does not answer" if f"{group}-{n}" == "db-2" else "")
        for group, count in counts
        for n in range(1, count + 1)
    ]  # fmt: skip


def counted(rows: list[StatusRow], **more) -> StatusReport:
    """The report of those rows with their aggregates."""
    names = dict.fromkeys(each.group for each in rows)
    groups = {name: dict(tally(r.status for r in rows if r.group == name)) for name in names}
    clouds = {
        "gcp": dict(tally([Status.RUNNING] * 3, pending=2)),
        "local": dict(tally([r.status for r in rows])),
    }
    whole = aggregate({each.name: each.status for each in rows}, pending=2)
    return replace(a_report(*rows), groups=groups, clouds=clouds, summary=whole, **more)


def test_a_thousand_vms_fit_one_screen(golden):
    text = cells_screen(counted(many(("db", 12), ("web", 988))), width=100)
    golden("screens/status-cells.txt", text)
    assert len(text.splitlines()) < 30


def test_cells_are_coloured_and_wrap_with_the_terminal(golden):
    report = counted(many(("db", 12), ("web", 30)))
    golden("screens/status-cells-narrow.txt", cells_screen(report, width=30))
    assert "\x1b[31mF\x1b[0m" in cells_screen(report, color=True, width=100)


def test_aggregates_per_group_and_cloud_orphans_and_hidden_rows(golden):
    rows = many(("db", 2), ("web", 2))
    orphan = Orphan(connection="local", cloud="local", id="i-0abc", name="edge-web-9", vm="web-9")
    report = counted(
        rows, orphans=(orphan,), left_out=3, silent=(Silent(connection="aws", cloud="aws", summary="x"),)
    )
    golden("screens/status-aggregates.txt", status_screen(report, now=NOON, wide=True))
    golden(
        "screens/status-aggregates.json",
        as_json({k: v for k, v in status_data(report).items() if k != "vms"}),
    )
