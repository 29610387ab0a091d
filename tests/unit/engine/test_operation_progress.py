"""From an operation's events to ours and to Steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fakes.engine_events import MACHINE, ended, says, step

from mcis_iac.engine.events import Event
from mcis_iac.engine.progress import Progress
from mcis_iac.engine.stream import Stream
from mcis_iac.engine.subjects import Subjects
from mcis_iac.model import Failure, Op, Subject
from mcis_iac.program.graph import Graph, Ref

STACK = "pulumi:pulumi:Stack"
SUBJECTS = Subjects(
    mcis="front", by_key={"web-1": Subject(group="web", vm="web-1")}, vm_tokens=frozenset({MACHINE})
)
WHY = Failure(code="cancelled", stage="engine", message="stopped")


class Seen:
    """A Progress with everything it told."""

    def __init__(self, *events: Any, graph: Graph | None = None) -> None:
        self.events: list[Event] = []
        self.ready: dict[str, Mapping[str, Any]] = {}
        self.progress = Progress(self.events.append, SUBJECTS, graph, self.ready.__setitem__)
        for event in events:
            self.progress.handle(event)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def test_a_create_starts_and_completes_with_its_id() -> None:
    seen = Seen(step("begin", "create", "web-1", new={}), step("done", "create", "web-1", new={}, id="i-1"))

    (done,) = seen.progress.steps
    assert seen.kinds == ["op_start", "op_complete"]
    assert (done.key, done.op, done.ok, done.id, done.is_vm) == ("web-1", Op.CREATE, True, "i-1", True)
    assert seen.events[0].as_json()["vm"] == "web-1"


def test_no_event_carries_a_value_of_a_resource() -> None:
    seen = Seen(
        step("begin", "create", "web-1", new={"password": "hush"}),
        step("done", "create", "web-1", new={"password": "hush"}, outputs={"admin": "hush"}, id="i-1"),
    )

    assert "hush" not in repr([event.as_json() for event in seen.events])


def test_a_replacement_is_complete_when_the_new_one_exists() -> None:
    seen = Seen(
        step("begin", "create-replacement", "web-1", old={}, new={}),
        step("done", "create-replacement", "web-1", old={}, new={}, id="i-2"),
        step("begin", "replace", "web-1", old={}, new={}),
        step("done", "replace", "web-1", old={}, new={}, id="i-2"),
        step("begin", "delete-replaced", "web-1", old={}, id="i-1"),
        step("done", "delete-replaced", "web-1", old={}, id="i-1"),
    )

    assert seen.kinds == ["op_start", "op_complete"]
    assert [(one.op, one.id) for one in seen.progress.steps] == [(Op.REPLACE, "i-2")]


def test_a_replacement_whose_old_one_cannot_go_is_a_failure_of_the_delete() -> None:
    seen = Seen(
        step("begin", "create-replacement", "web-1", old={}, new={}),
        step("done", "create-replacement", "web-1", old={}, new={}, id="i-2"),
        step("begin", "delete-replaced", "web-1", old={}, id="i-1"),
        says("error", "host: busy", "web-1"),
        step("failed", "delete-replaced", "web-1", old={}, id="i-1"),
    )

    (failed,) = seen.progress.steps
    assert failed.failure == Failure(code="other", stage="delete", message="busy")


def test_a_replacement_that_ended_after_the_deletion_is_a_delete() -> None:
    seen = Seen(
        step("begin", "delete-replaced", "web-1", old={}, id="i-1"),
        step("done", "delete-replaced", "web-1", old={}, id="i-1"),
    )
    seen.progress.end(WHY)

    assert [(one.op, one.ok) for one in seen.progress.steps] == [(Op.DELETE, True)]
    assert seen.progress.gone == {"web-1"}


def test_a_failure_takes_its_reason_from_what_was_said_about_it() -> None:
    seen = Seen(
        step("begin", "create", "web-1", new={}),
        says("error", "capacity: no room in b\n", "web-1"),
        step("failed", "create", "web-1", new={}),
    )

    (failed,) = seen.progress.steps
    assert failed.failure == Failure(code="capacity", stage="create", message="no room in b")
    assert seen.events[-1].fields["error"]["code"] == "capacity"


def test_a_half_made_machine_keeps_its_id() -> None:
    seen = Seen(
        step("begin", "create", "web-1", new={}),
        says("error", "timeout: sshd never answered", "web-1"),
        step("failed", "create", "web-1", new={}, id="i-1"),
    )

    assert seen.progress.steps[0].id == "i-1"


def test_what_was_begun_and_never_ended_fails_with_the_given_reason() -> None:
    seen = Seen(step("begin", "create", "web-1", new={}))
    seen.progress.end(WHY)

    assert [one.failure for one in seen.progress.steps] == [WHY]


def test_an_error_about_a_resource_that_was_never_begun_is_its_failure() -> None:
    seen = Seen(says("error", "error reading from server: EOF", "web-1"))
    seen.progress.end(WHY)

    (failed,) = seen.progress.steps
    assert seen.progress.died
    assert failed.failure is not None
    assert "provider process died" in failed.failure.message


def test_generic_words_are_no_error_of_the_run() -> None:
    seen = Seen(says("error", "update failed\n"), says("error", "out of paper\n"))

    assert seen.progress.errors == ["out of paper"]


def test_providers_and_the_stack_are_no_steps() -> None:
    seen = Seen(
        step("begin", "create", "provider/local", token="pulumi:providers:fake", new={}),
        step("done", "create", "provider/local", token="pulumi:providers:fake", new={}, id="p"),
    )

    assert (seen.progress.steps, seen.events) == ((), [])


def test_a_refresh_tells_only_what_differed() -> None:
    seen = Seen(
        step("begin", "refresh", "web-1", old={}, new={}, id="i"),
        step("done", "same", "web-1", old={}, new={}, id="i"),
        step("begin", "refresh", "web-2", old={}, new={}, id="j"),
        step("done", "delete", "web-2", old={}, id="j"),
    )

    assert [(one.key, one.op) for one in seen.progress.steps] == [("web-2", Op.DELETE)]
    assert seen.progress.same == 1


def test_a_new_machine_is_told_when_everything_its_entry_needs_exists() -> None:
    entry = {"id": Ref("web-1"), "ip": Ref("ip/web-1", "publicIp"), "group": "web"}
    graph = Graph(project="shop", stack="front", resources=(), outputs={"inventory": {"web-1": entry}})
    seen = Seen(
        step("begin", "create", "web-1", new={}),
        step("done", "create", "web-1", new={}, id="i-1"),
        graph=graph,
    )
    assert seen.ready == {}

    seen.progress.handle(
        step(
            "done", "same", "ip/web-1", token="fake:index:Ip", new={}, outputs={"publicIp": "1.2.3.4"}, id="a"
        )
    )
    assert seen.ready == {"web-1": {"id": "i-1", "ip": "1.2.3.4", "group": "web"}}


def test_the_outputs_are_those_of_the_stack() -> None:
    seen = Seen(
        step("begin", "same", "s", token=STACK, old={}, new={}, old_outputs={"inventory": {"a": 1}}),
        step("done", "same", "s", token=STACK, old={}, new={}, outputs={"inventory": {"b": 2}}),
    )

    assert (seen.progress.old_outputs, seen.progress.outputs) == (
        {"inventory": {"a": 1}},
        {"inventory": {"b": 2}},
    )


def test_a_listener_that_raises_does_not_end_the_stream() -> None:
    told: list[str] = []

    def listen(event: Event) -> None:
        told.append(event.kind)
        raise BrokenPipeError

    progress = Progress(listen, SUBJECTS)
    stream = Stream(progress.handle)
    for event in (
        step("begin", "create", "web-1", new={}),
        step("done", "create", "web-1", new={}, id="i-1"),
        ended(),
    ):
        stream.put(event)
    stream.close()

    assert told == ["op_start", "op_complete"]
    assert stream.unread == 2
    assert [one.ok for one in progress.steps] == [True]
