"""What the program's exit code says, whatever happens inside."""

from __future__ import annotations

import json
import sys

import click
import pytest
from fakes.pipeline import FakePipeline, a_preview, refusal

from mcis_iac import errors
from mcis_iac.pipeline import Silent

KINDS = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_its_exit_code_and_all_its_parts_on_stderr(mcis, kind):
    done = mcis("preview", stages=FakePipeline(error=refusal(kind)))
    assert done.code == kind.exit_code
    assert done.out == ""
    assert done.err == "error: it went wrong\n  The particulars.\n\nhint: do this\n"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_with_detailed_exitcode_every_error_is_1(mcis, kind):
    assert mcis("preview", "--detailed-exitcode", stages=FakePipeline(error=refusal(kind))).code == 1


def test_with_detailed_exitcode_a_wrong_flag_is_1_too(mcis):
    assert mcis("preview", "--detailed-exitcode", "--nonsense").code == 1


def test_detailed_exitcode_tells_changes_from_none(mcis):
    assert mcis("preview", "--detailed-exitcode").code == 2
    assert mcis("preview", "--detailed-exitcode", stages=FakePipeline(next_preview=a_preview())).code == 0


@pytest.mark.parametrize(
    "words,code", [((), 3), (("--expect-no-changes",), 3), (("--detailed-exitcode",), 1)]
)
def test_a_preview_without_a_cloud_that_refuses_is_shown_and_exits_3(mcis, words, code):
    silent = Silent(connection="aws", cloud="aws", summary="no access", detail="aws: expired", hint="sign in")
    done = mcis("preview", *words, stages=FakePipeline(next_preview=a_preview(silent=(silent,))))
    assert done.code == code
    assert "not seen: aws" in done.out
    assert "error: no access" in done.err and "hint: sign in" in done.err


def test_a_preview_with_changes_exits_0(mcis):
    assert mcis("preview").code == 0


def test_expect_no_changes_shows_them_and_exits_7(mcis):
    done = mcis("preview", "--expect-no-changes")
    assert done.code == 7
    assert "web-5" in done.out
    assert "4 resources of edge.prod would change" in done.err


def test_up_that_expects_no_changes_changes_nothing(mcis):
    stages = FakePipeline()
    assert mcis("up", "--yes", "--expect-no-changes", stages=stages).code == 7
    assert not stages.changed


def test_an_unexpected_exception_exits_255_and_says_where_the_report_is(mcis, tmp_path):
    done = mcis("preview", "--set", "a.b=hush", stages=FakePipeline(error=ZeroDivisionError("oops")))
    assert done.code == 255
    assert done.err.count("\n") == 1
    assert done.err.startswith("this is a bug in mcis: ZeroDivisionError: oops; a report is in ")
    (report,) = (tmp_path / "data" / "reports").iterdir()
    text = report.read_text(encoding="utf-8")
    assert str(report) in done.err
    assert "Traceback" in text
    assert "hush" not in text


def test_ctrl_c_during_an_operation_exits_8_and_says_how_to_continue(mcis):
    done = mcis("up", "stacks/edge", "-e", "prod", stages=FakePipeline(error=KeyboardInterrupt()))
    assert done.code == 8
    assert "to continue: mcis up stacks/edge -e prod" in done.err


def test_ctrl_c_while_only_looking_exits_8(mcis):
    done = mcis("outputs", stages=FakePipeline(error=KeyboardInterrupt()))
    assert (done.code, done.err.strip()) == (8, "error: stopped")


def test_a_reader_that_left_is_no_error(mcis):
    done = mcis("outputs", stages=FakePipeline(error=BrokenPipeError(32, "Broken pipe")))
    assert (done.code, done.err) == (141, "")


def test_a_verb_that_is_nearly_right_is_guessed(mcis):
    done = mcis("statsu")
    assert done.code == 2
    assert "Did you mean `status`?" in done.err
    assert "hint: mcis --help" in done.err


def test_an_option_that_is_nearly_right_is_guessed(mcis):
    done = mcis("preview", "--expect-no-change")
    assert done.code == 2
    assert "--expect-no-changes" in done.err
    assert "hint: mcis preview --help" in done.err


@pytest.mark.parametrize("words", [["exec"], ["scale"], ["ssh"], ["exec", "--setenv", "x", "--", "true"]])
def test_a_call_that_lacks_something_exits_2_and_says_what(mcis, words):
    done = mcis(*words)
    assert done.code == 2
    assert done.err.startswith("error: ")


def test_two_manifests_are_refused(mcis):
    assert mcis("preview", "a", "-f", "b").code == 2


def test_the_event_stream_on_stdout_excludes_another_format(mcis):
    assert mcis("preview", "--events", "-", "-o", "json").code == 2


@pytest.mark.parametrize("flag", ["--events", "--log-file"])
def test_a_file_that_cannot_be_written_is_said_before_anything_happens(mcis, flag, tmp_path):
    stages = FakePipeline()
    done = mcis("up", "--yes", flag, str(tmp_path / "no" / "file"), stages=stages)
    assert done.code == 2
    assert not stages.changed


def test_diagnostics_of_any_verb_are_shown_with_their_excerpt(mcis, tmp_path):
    from mcis_iac.model import Diagnostic, Severity, Span

    path = tmp_path / "mcis.yaml"
    path.write_text("nmae: edge\n", encoding="utf-8")
    span = Span(file=str(path), line=1, column=1, end_line=1, end_column=5, end_index=4)
    problem = Diagnostic(code="MCIS101", severity=Severity.ERROR, summary="unknown field", span=span)
    error = errors.ManifestError(summary="the manifest is not valid", diagnostics=[problem])
    events = tmp_path / "events"
    done = mcis("up", "--yes", "--events", str(events), stages=FakePipeline(error=error))
    assert done.code == 2
    assert "error[MCIS101]: unknown field" in done.err
    assert "1 | nmae: edge" in done.err
    kinds = [json.loads(line)["kind"] for line in events.read_text(encoding="utf-8").splitlines()]
    assert kinds == ["version", "diagnostic", "result"]


def test_click_exceptions_never_end_in_a_traceback(mcis):
    done = mcis("outputs", stages=FakePipeline(error=click.ClickException("plain trouble.")))
    assert (done.code, done.err.splitlines()[0]) == (2, "error: plain trouble")


def test_version_and_help_exit_0(mcis):
    assert mcis("--version").code == 0
    assert mcis("up", "-h").code == 0
    assert sys.stdout.getvalue().startswith("Usage: mcis up")


def test_without_a_verb_the_help_is_shown_and_it_exits_2(mcis):
    done = mcis()
    assert done.code == 2
    assert done.err.startswith("Usage: mcis")
