"""`status` and `history` as the program: what is asked for, which form it has, how it ends."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fakes.pipeline import FakePipeline, a_report, row

from mcis_iac.model import Status
from mcis_iac.pipeline import Happened, History, Silent

MANY = a_report(*(row(f"web-{n}") for n in range(1, 101)))
UP = Happened(
    number=1, at="2026-11-22T12:00:00Z", verb="up", by="kim", result="succeeded", duration_s=3, changes={}
)


def silent(code: int) -> Silent:
    return Silent(
        connection="far", cloud="aws", summary="no", detail="far: nobody is there", hint="go", exit_code=code
    )


def test_filters_reach_the_stage_as_values(mcis):
    stages = FakePipeline()
    mcis(
        "status",
        "--cloud",
        "far",
        "--cloud",
        "near",
        "--status",
        "running",
        "--status",
        "Failed",
        stages=stages,
    )
    assert stages.asked["clouds"] == ("far", "near")
    assert stages.asked["statuses"] == (Status.RUNNING, Status.FAILED)
    assert stages.asked["orphans"] is False
    mcis("status", "--orphans", stages=stages)


@pytest.mark.parametrize("word", ["runing", "Empty", ""])
def test_a_word_that_is_no_status_is_refused_with_those_there_are(mcis, word):
    done = mcis("status", "--status", word)
    assert done.code == 2 and "is no status; there are Creating, Running" in done.err


def test_many_vms_are_cells_on_a_terminal(mcis):
    done = mcis("status", "--color", "never", stages=FakePipeline(reports=[MANY]), answer="")
    assert "RRRRRRRRRR RRRRRRRRRR" in done.out and "R Running" in done.out


@pytest.mark.parametrize("words", [("-o", "table"), ("-o", "wide"), ("-g", "web", "-o", "table")])
def test_a_chosen_table_stays_a_table(mcis, words):
    done = mcis("status", *words, stages=FakePipeline(reports=[MANY]), answer="")
    assert len(done.out.splitlines()) > 100


def test_a_pipe_gets_a_row_per_vm_however_many(mcis):
    assert len(mcis("status", stages=FakePipeline(reports=[MANY])).out.splitlines()) == 102


def test_cells_are_redrawn_while_watching(mcis):
    done = mcis("status", "-w", "-o", "cells", stages=FakePipeline(reports=[MANY, MANY]), answer="")
    assert done.out.count("\x1b[H\x1b[2J") == 2 and done.out.count("\nR Running") == 2


@pytest.mark.parametrize("code", [3, 4])
def test_a_silent_cloud_is_told_on_stderr_and_only_refused_credentials_fail(mcis, code):
    report = replace(a_report(row("web-1")), silent=(silent(code),))
    done = mcis("status", "--json", stages=FakePipeline(reports=[report]))
    assert done.code == (3 if code == 3 else 0)
    assert done.err.splitlines() == ["unknown: far: nobody is there", "  go"]
    assert json.loads(done.out)["silent"][0]["connection"] == "far"


def test_history_shows_the_newest_and_all_on_demand(mcis):
    stages = FakePipeline(past=History(stack="edge.prod", operations=(UP,), total=1))
    assert " up " in mcis("history", stages=stages).out
    assert stages.asked == {"limit": 30, "show": None}
    mcis("history", "--limit", "0", stages=stages)
    assert stages.asked["limit"] is None
    assert (
        json.loads(mcis("history", "show", "7", "--json", stages=stages).out)["operations"][0]["by"] == "kim"
    )
    assert stages.asked["show"] == 7


@pytest.mark.parametrize("words", [("7",), ("show",), ("show", "x"), ("show", "1", "2"), ("shwo", "1")])
def test_other_words_of_history_are_refused(mcis, words):
    done = mcis("history", *words)
    assert done.code == 2 and "expected nothing or `show N`" in done.err
