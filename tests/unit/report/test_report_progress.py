"""Live progress: events in, a tree of limited size out."""

from __future__ import annotations

import io

from fakes.pipeline import SEOUL

from mcis_iac.engine.events import Event
from mcis_iac.model import Subject
from mcis_iac.report.progress import LiveTree, Tasks, progress_mode
from mcis_iac.report.text import wants_color


class Clock:
    """A clock that stands still until it is told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def event(kind: str, name: str, **fields: object) -> Event:
    vm = name if "/" not in name else None
    group = name.rpartition("-")[0] if vm else None
    subject = Subject(group=group, vm=vm, connection="local", cloud="local", region=SEOUL)
    return Event(
        kind=kind, mcis="edge", env="prod", subject=subject, fields={"name": name, "op": "create", **fields}
    )


def an_up(vms: int, clock: Clock) -> Tasks:
    tasks = Tasks("up", clock=clock)
    tasks(event("op_start", f"net/main/local/{SEOUL}"))
    clock.now += 4.1
    tasks(event("op_complete", f"net/main/local/{SEOUL}"))
    for number in range(1, vms + 1):
        tasks(event("op_start", f"web-{number}"))
    return tasks


def test_the_tree_as_reviewed(golden):
    clock = Clock()
    tasks = an_up(4, clock)
    clock.now += 10
    tasks(event("op_complete", "web-1"))
    tasks(event("vm_ready", "web-1", ip="203.0.113.1"))
    tasks(event("op_complete", "web-2"))
    tasks(event("op_failed", "web-4", error={"summary": "no capacity"}))
    clock.now += 9
    golden("screens/progress.txt", "\n".join(tasks.lines(height=20)))


def test_a_short_terminal_counts_the_rest(golden):
    tasks = an_up(50, Clock())
    for height in (3, 5, 10):
        assert len(tasks.lines(height=height)) <= height
    golden("screens/progress-short.txt", "\n".join(tasks.lines(height=8)))


def test_a_narrow_terminal_gets_no_line_that_is_wider():
    assert all(len(line) <= 30 for line in an_up(3, Clock()).lines(width=30))


def test_a_vm_is_not_ready_before_its_login_works():
    tasks = an_up(1, Clock())
    tasks(event("op_complete", "web-1"))
    assert "0/1" in tasks.lines()[0]
    assert "waiting for ssh" in "\n".join(tasks.lines())
    tasks(event("vm_ready", "web-1"))
    assert "1/1" in tasks.lines()[0]


def test_time_spent_before_the_first_step_does_not_count():
    clock = Clock()
    tasks = Tasks("up", clock=clock)
    clock.now += 60
    tasks(event("op_start", "web-1"))
    assert tasks.lines()[0].endswith("  0.0s")


def test_what_the_whole_operation_does_is_said_while_nothing_else_happens():
    tasks = Tasks("up", clock=Clock())
    tasks(Event(kind="op_progress", mcis="edge", fields={"message": "getting the engine"}))
    assert tasks.lines() == ["[+] up edge  getting the engine  0.0s"]


def test_a_live_tree_can_be_stopped_twice_and_leaves_the_cursor():
    stream = io.StringIO()
    tree = LiveTree(an_up(2, Clock()), stream, color=False)
    tree.start()
    tree.start()
    tree.say("a word [in brackets]")
    tree.stop()
    tree.stop()
    assert "a word [in brackets]" in stream.getvalue()
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h") == 1


def test_auto_progress_follows_the_terminal_and_nothing_else():
    assert progress_mode("auto", tty=True, term="xterm", quiet=False) == "tty"
    assert progress_mode("auto", tty=True, term="dumb", quiet=False) == "plain"
    assert progress_mode("auto", tty=False, term="xterm", quiet=False) == "plain"
    assert progress_mode("auto", tty=True, term="xterm", quiet=True) == "quiet"
    assert progress_mode("json", tty=True, term="xterm", quiet=True) == "json"


def test_colour_follows_the_flag_then_the_environment_then_the_terminal():
    assert wants_color("always", {"NO_COLOR": "1"}, tty=False)
    assert not wants_color("never", {"FORCE_COLOR": "1"}, tty=True)
    assert not wants_color("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, tty=True)
    assert wants_color("auto", {"NO_COLOR": "", "FORCE_COLOR": "1"}, tty=False)
    assert not wants_color("auto", {"TERM": "dumb"}, tty=True)
    assert wants_color("auto", {"TERM": "xterm"}, tty=True)
    assert not wants_color("auto", {}, tty=False)
