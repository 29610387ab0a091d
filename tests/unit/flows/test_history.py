"""What was done to a stack: the record and the backend's history as one list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import CommandError, CommandResult, StackNotFoundError

from mcis_iac.engine import history as backend
from mcis_iac.errors import NotFoundError, OperationError
from mcis_iac.flows.history import history_of
from mcis_iac.pipeline import Happened, Request

MANIFEST = """
version: 1
name: shop
groups:
  web: {placement: {cloud: local, region: local-seoul}}
"""
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose stack has a home."""
    monkeypatch.delenv("MCIS_BACKEND", raising=False)
    (tmp_path / "mcis.yaml").write_text(MANIFEST)
    (tmp_path / ".mcis/shop/runs").mkdir(parents=True)
    return tmp_path


def note(shop: Path, ts: str, kind: str = "operation", **fields: Any) -> None:
    """A line of the record, written when the operation had ended."""
    line = json.dumps({"kind": kind, "ts": f"2026-11-22T{ts}Z", **fields})
    with (shop / ".mcis/shop/record.jsonl").open("a") as file:
        file.write(line + "\n")


def keep(shop: Path, began: int, **fields: Any) -> None:
    """An entry of the backend, so many seconds after noon."""
    folder = shop / ".mcis/state/.pulumi/history/default/shop"
    folder.mkdir(parents=True, exist_ok=True)
    at = int(NOON.timestamp()) + began
    entry = {"kind": "update", "startTime": at, "endTime": at + 3, "result": "succeeded", "message": ""}
    (folder / f"shop-{at}000000000.history.json").write_text(json.dumps({**entry, **fields}))


def happened(shop: Path, **wanted: Any) -> tuple[Happened, ...]:
    return history_of(Request(file=str(shop)), **wanted).operations


def test_an_operation_of_this_checkout_is_one_entry_with_all_that_is_known(shop: Path) -> None:
    note(
        shop,
        "12:00:05.500",
        verb="scale",
        by="kim",
        duration_s=5,
        changes={"create": 2},
        vms={"web-2": "create"},
    )
    keep(shop, 1, message="mcis up by kim")
    (one,) = happened(shop)
    assert (one.number, one.verb, one.by, one.at) == (1, "scale", "kim", "2026-11-22T12:00:00.500Z")
    assert one.changes == {"create": 2} and one.vms == {"web-2": "create"} and not one.elsewhere


def test_what_another_checkout_did_comes_from_the_stack(shop: Path) -> None:
    note(shop, "12:00:05", verb="up", by="kim", duration_s=5, changes={"create": 2})
    keep(shop, 1)
    keep(shop, 60, kind="destroy", message="mcis down by lee", resourceChanges={"delete": 4, "same": 1})
    mine, theirs = happened(shop)
    assert not mine.elsewhere and theirs.elsewhere
    assert (theirs.verb, theirs.by, theirs.changes) == ("down", "lee", {"delete": 4})
    assert theirs.duration_s == 3


def test_the_newest_are_shown_under_numbers_that_stay(shop: Path) -> None:
    for minute in range(5):
        note(shop, f"12:0{minute}:00", verb="up", by="kim", duration_s=1)
    assert [each.number for each in happened(shop, limit=2)] == [4, 5]
    assert history_of(Request(file=str(shop)), limit=2).total == 5
    assert [each.number for each in happened(shop, show=3)] == [3]


def test_a_number_nobody_has_is_refused_with_those_there_are(shop: Path) -> None:
    note(shop, "12:00:00", verb="up", by="kim", duration_s=1)
    with pytest.raises(NotFoundError, match="shop has operations 1 to 1"):
        happened(shop, show=2)


def test_costs_are_compared_with_the_operation_before_where_all_prices_are_known(shop: Path) -> None:
    for minute, price in enumerate(["0.10", "0.25", None, "0.20"]):
        note(shop, f"12:0{minute}:00", verb="up", by="kim", duration_s=1, hourly_usd=price)
    assert [each.hourly_change for each in happened(shop)] == [None, Decimal("0.15"), None, None]


def test_a_run_of_an_action_is_one_entry_with_its_failures(shop: Path) -> None:
    note(shop, "12:00:00", "action_begun", action="join", ids=["i-1", "i-2"])
    note(shop, "12:00:03", "action", action="join", vm="web-1", ok=True, exit_status=0, by="kim")
    note(shop, "12:00:04", "action", action="join", vm="web-2", ok=False, exit_status=7, error="", by="kim")
    note(shop, "12:00:05", "action_begun", action="clean", ids=["i-1"])
    join, clean = happened(shop)
    assert (join.verb, join.result, join.failed) == ("run join", "failed", {"web-2": "exit 7"})
    assert (join.changes, join.duration_s) == ({"run": 1}, 4)
    assert (clean.verb, clean.result) == ("run clean", "stopped")


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ({}, "succeeded"),
        ({"failed": {"web-1": "no capacity"}}, "failed"),
        ({"message": "the engine stopped"}, "failed"),
        ({"cancelled": True, "failed": {"web-1": "x"}}, "stopped"),
    ],
)
def test_the_result_is_one_word(shop: Path, fields: Mapping[str, Any], result: str) -> None:
    note(shop, "12:00:00", verb="up", by="kim", duration_s=1, **fields)
    assert happened(shop)[0].result == result


def test_details_name_the_logs_written_meanwhile(shop: Path) -> None:
    log = shop / ".mcis/shop/runs/up.log"
    log.write_text("...")
    at = datetime.fromtimestamp(log.stat().st_mtime, UTC)
    note(shop, "12:00:00", verb="up", by="kim", duration_s=1)
    line = {"kind": "operation", "ts": at.isoformat(), "verb": "up", "duration_s": 1}
    with (shop / ".mcis/shop/record.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    assert happened(shop, show=1)[0].logs == ()
    assert [Path(each).name for each in happened(shop, show=2)[0].logs] == ["up.log"]


def test_lines_of_other_kinds_and_broken_entries_are_passed_over(shop: Path) -> None:
    note(shop, "12:00:00", "target", action="suspend", vms={})
    note(shop, "12:00:01", verb="suspend", by="kim", duration_s=1, changes={"suspend": 3})
    keep(shop, 100, startTime="never")
    (shop / ".mcis/state/.pulumi/history/default/shop/shop-9.history.json").write_text("{")
    assert [each.verb for each in happened(shop)] == ["suspend"]


def test_a_new_checkout_of_a_shared_stack_has_what_the_others_did(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(shop, 60, message="mcis up by lee", resourceChanges={"create": 4})
    shared = shop / "shared"
    (shop / ".mcis/state").rename(shared)
    (shop / ".mcis/shop/runs").rmdir()
    (shop / ".mcis/shop").rmdir()
    monkeypatch.setenv("MCIS_BACKEND", f"file://{shared}")
    (theirs,) = happened(shop)
    assert (theirs.by, theirs.elsewhere) == ("lee", True)


def test_a_stack_nothing_was_done_to_has_an_empty_history(shop: Path) -> None:
    assert happened(shop) == ()


def test_the_answer_of_the_cli_is_read_like_the_files() -> None:
    entry = {
        "kind": "refresh",
        "startTime": "2026-11-22T12:00:00.000Z",
        "endTime": "2026-11-22T12:00:02.000Z",
        "result": "failed",
        "environment": {"git.author": "lee"},
    }
    older = {**entry, "kind": "update", "startTime": "2026-11-21T12:00:00.000Z", "endTime": None}
    first, second = backend.parsed(json.dumps([entry, older]))
    assert (first.kind, second.kind, second.by) == ("update", "refresh", "lee")
    assert (first.ended - first.started).total_seconds() == 0
    assert backend.parsed("") == ()


class Backend:
    """A session whose backend has no files here: it answers, or its command fails."""

    def __init__(self, answer: str | Exception) -> None:
        self.answer, self.asked = answer, ()

    def run(self, *words: str) -> str:
        self.asked = words
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def explain(self, failed: Exception, verb: str) -> OperationError:
        return OperationError(summary="the backend does not answer", detail=str(failed))


def test_another_backend_is_asked_once_for_a_bounded_number() -> None:
    session: Any = Backend("[]")
    assert backend.told(session, 50) == ()
    assert session.asked == ("stack", "history", "--json", "--page-size", "50")


def test_a_stack_the_backend_does_not_have_has_no_history() -> None:
    session: Any = Backend(StackNotFoundError(CommandResult(stdout="", stderr="no stack", code=255)))
    assert backend.told(session) == ()


def test_a_backend_that_does_not_answer_is_an_error_with_its_words() -> None:
    session: Any = Backend(CommandError(CommandResult(stdout="", stderr="no route", code=255)))
    with pytest.raises(OperationError, match="no route"):
        backend.told(session)
