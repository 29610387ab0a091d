"""The event stream and the progress display of a whole call."""

from __future__ import annotations

import json
import threading

import pytest
from fakes.pipeline import SEOUL, FakePipeline, applied, ended, refusal
from jsonschema import Draft202012Validator

from mcis_iac import bundled
from mcis_iac.engine.events import Event
from mcis_iac.errors import Cancelled
from mcis_iac.model import Subject
from mcis_iac.pipeline import HostResult

SCHEMA = json.loads((bundled.root("schemas") / "v1" / "events.schema.json").read_text(encoding="utf-8"))
WEB = Subject(group="web", vm="web-1", connection="local", cloud="local", region=SEOUL)


def happened(kind: str, **fields: object) -> Event:
    return Event(kind=kind, mcis="edge", env="prod", subject=WEB, fields={"name": "web-1", **fields})


LIFE = (
    Event(kind="op_progress", mcis="edge", env="prod", fields={"message": "getting the engine"}),
    happened("op_start", op="create", type="t"),
    happened("op_progress", op="create", message="booting"),
    happened("op_complete", op="create", type="t", id="i-1", elapsed_s=4.1),
    Event(kind="diagnostic", mcis="edge", env="prod", fields={"severity": "note", "summary": "adopted one"}),
    happened("vm_ready", ip="203.0.113.1", elapsed_s=6.0),
    happened("op_failed", op="create", type="t", elapsed_s=19.0,
             error={"code": "capacity", "severity": "error", "summary": "no capacity", "stage": "create"}),
)  # fmt: skip


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def valid(events: list[dict]) -> None:
    validator = Draft202012Validator(SCHEMA)
    for event in events:
        validator.validate(event)


def test_the_schema_itself_is_valid():
    Draft202012Validator.check_schema(SCHEMA)


def test_events_on_stdout_begin_with_the_version_and_end_with_the_result(mcis):
    result = applied(ended("web-1"), ended("web-3", "FAILED", "no room"), exit_code=4, next="mcis up")
    done = mcis("up", "--yes", "--events", "-", stages=FakePipeline(events=LIFE, result=result))
    events = lines(done.out)
    valid(events)
    assert (events[0]["kind"], events[0]["events"]) == ("version", "1.0")
    last = events[-1]
    assert (last["kind"], last["exit_code"], last["next"]) == ("result", 4, "mcis up")
    assert (last["ok"], last["failed"]) == (["web-1"], ["web-3"])
    assert (last["mcis"], last["env"]) == ("edge", "prod")
    assert last["output"]["exit_code"] == 4


def test_every_kind_the_stages_emit_is_valid(mcis, tmp_path):
    path = tmp_path / "events"
    mcis("up", "--yes", "--events", str(path), stages=FakePipeline(events=LIFE))
    events = lines(path.read_text(encoding="utf-8"))
    valid(events)
    kinds = [event["kind"] for event in events]
    assert kinds[1:8] == [event.kind for event in LIFE]
    assert kinds[8:] == ["planned_change"] * 4 + ["change_summary", "result"]


def test_a_preview_streams_its_changes(mcis):
    events = lines(mcis("preview", "--events", "-").out)
    valid(events)
    replaced = next(
        event for event in events if event["kind"] == "planned_change" and event["op"] == "replace"
    )
    assert replaced["replace_reasons"] == ["image"]
    assert replaced["source"] == "mcis.prod.lock:31"


def test_exec_streams_lines_and_how_each_vm_ended(mcis):
    hosts = (
        HostResult(vm="web-1", group="web", exit_status=0, stdout="one\n"),
        HostResult(vm="db-1", group="db", exit_status=None, lost=True),
        HostResult(vm="db-2", group="db", exit_status=None, error="unreachable"),
    )
    done = mcis("exec", "--events", "-", "--", "true", stages=FakePipeline(hosts=hosts))
    events = [event for event in lines(done.out) if event["kind"] == "exec_output"]
    valid(lines(done.out))
    assert [(e["vm"], e["text"], e.get("exit_status", "-"), e.get("lost", False)) for e in events] == [
        ("web-1", "one", "-", False),
        ("web-1", "", 0, False),
        ("db-1", "", "-", True),
        ("db-2", "", None, False),
    ]


@pytest.mark.parametrize("verb", ["outputs", "status", "doctor", "refresh", "validate", "down", "suspend"])
def test_every_verb_that_streams_streams_valid_events(mcis, verb):
    flags = ["--yes"] if verb == "down" else []
    events = lines(mcis(verb, *flags, "--events", "-").out)
    valid(events)
    assert (events[0]["kind"], events[-1]["kind"]) == ("version", "result")


def test_an_error_ends_the_stream_with_its_code(mcis):
    done = mcis("up", "--events", "-", stages=FakePipeline(events=LIFE, error=refusal(Cancelled)))
    assert lines(done.out)[-1]["exit_code"] == 8


def test_progress_without_a_terminal_is_plain_lines(mcis):
    done = mcis("up", "--yes", stages=FakePipeline(events=LIFE))
    told = [line[9:] for line in done.err.splitlines()]
    assert told == [
        "getting the engine",
        f"web-1 local/{SEOUL} create",
        f"web-1 local/{SEOUL} create booting",
        f"web-1 local/{SEOUL} create done 4.1s",
        "note: adopted one",
        f"web-1 local/{SEOUL} ready 6.0s 203.0.113.1",
        f"web-1 local/{SEOUL} create FAILED 19.0s: no capacity",
    ]


def test_progress_in_json_goes_to_stderr(mcis):
    done = mcis("up", "--yes", "--progress", "json", stages=FakePipeline(events=LIFE))
    valid(lines(done.err))
    assert "ready" in done.out


@pytest.mark.parametrize("progress", ["json", "quiet"])
def test_nothing_for_people_is_mixed_into_a_stream_for_programs(mcis, progress):
    result = applied(ended("web-1"))
    done = mcis("up", "-y", "-o", "json", "--progress", progress, stages=FakePipeline(result=result))
    assert json.loads(done.out)
    assert all(line.startswith("{") for line in done.err.splitlines())


def test_the_tree_is_taken_down_when_an_operation_raises(mcis):
    before = set(threading.enumerate())
    stages = FakePipeline(events=LIFE, error=refusal(Cancelled))
    done = mcis("up", "--yes", "--progress", "tty", stages=stages, answer="")
    assert done.code == 8
    assert "\x1b[?25h" in done.err  # the cursor is back
    assert done.err.endswith("hint: do this\n")
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(timeout=10)
    assert not any(thread.is_alive() for thread in left)


def test_a_dumb_terminal_gets_no_tree(mcis, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    done = mcis("up", "--yes", stages=FakePipeline(events=LIFE), answer="")
    assert "\x1b" not in done.err


def test_events_may_come_from_many_threads(mcis, tmp_path):
    class Busy(FakePipeline):
        def outputs(self, request):
            def work():
                for _ in range(200):
                    request.listen(happened("op_start", op="create"))

            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return {}

    path = tmp_path / "events"
    mcis("outputs", "--events", str(path), "--progress", "quiet", stages=Busy())
    assert len(lines(path.read_text(encoding="utf-8"))) == 803  # version, 800, outputs, result


def test_a_full_disk_under_the_event_stream_does_not_end_the_operation(mcis):
    done = mcis("up", "--yes", "--events", "/dev/full", stages=FakePipeline(events=LIFE))
    assert done.code == 0
