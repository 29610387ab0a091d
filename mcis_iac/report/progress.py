"""Live progress on a terminal: a tree of groups and VMs with timers, redrawn ten times a second.

`Tasks` turns events into lines and knows no terminal; `LiveTree` draws it. Events may come from any
thread: they only change `Tasks` under its lock, drawing happens in the display's own thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from mcis_iac.engine.events import Event
from mcis_iac.report.plain import failure_text, message, thing
from mcis_iac.report.text import seconds, width_of

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
REDRAWS_PER_S = 10
DOING = {
    "create": "creating",
    "update": "updating",
    "replace": "replacing",
    "delete": "deleting",
    "refresh": "reading",
    "copy": "copying",
    "suspend": "suspending",
    "resume": "resuming",
    "reboot": "rebooting",
}
DONE = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "refresh": "read",
    "copy": "copied",
    "suspend": "suspended",
    "resume": "resumed",
    "reboot": "rebooted",
    "same": "unchanged",
}
CATEGORIES = {"net": "network", "sg": "firewall", "boot": "setup", "ip": "address"}


@dataclass(slots=True)
class Task:
    """One VM, or one resource that serves several; `ended` is None while it runs."""

    name: str
    family: str
    where: str
    is_vm: bool
    started: float
    state: str = "waiting"
    ended: float | None = None
    failed: bool = False
    ready: bool = False
    open_steps: int = 0


class Tasks:
    """What is going on, as lines of text."""

    def __init__(self, verb: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.verb = verb
        self.stack = ""
        self.busy = ""
        self._clock = clock
        self._began = clock()
        self._tasks: dict[str, Task] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Take an event in; cheap, and safe from any thread."""
        with self._lock:
            if event.mcis:
                self.stack = f"{event.mcis}.{event.env}" if event.env else event.mcis
            if event.kind == "op_progress" and not thing(event):
                self.busy = message(event)
            elif event.kind in ("op_start", "op_progress", "op_complete", "op_failed", "vm_ready"):
                self._take(event)

    def _take(self, event: Event) -> None:
        task = self._task(event)
        op = str(event.fields.get("op", ""))
        if event.kind == "op_start":
            task.open_steps += 1
            task.ended = None
            task.state = DOING.get(op, op)
        elif event.kind == "op_progress":
            task.state = message(event) or task.state
        elif event.kind == "vm_ready":
            task.ready, task.ended, task.state = True, self._clock(), "created, ssh ready"
        elif event.kind == "op_failed":
            task.failed, task.ended, task.state = True, self._clock(), f"FAILED: {failure_text(event)}"
        else:
            self._complete(task, op, itself=thing(event) == task.name)

    def _complete(self, task: Task, op: str, *, itself: bool) -> None:
        task.open_steps = max(0, task.open_steps - 1)
        if task.failed or task.ready or task.open_steps:
            return
        waits = task.is_vm and itself and op in ("create", "replace")
        task.state = "created, waiting for ssh" if waits else DONE.get(op, op)
        task.ended = None if waits else self._clock()

    def _task(self, event: Event) -> Task:
        name, subject = event.subject.vm or thing(event), event.subject
        if not self._tasks:
            self._began = self._clock()  # what came before was the preview, and a question
        if name not in self._tasks:
            family = subject.group if subject.vm and subject.group else _category(name)
            self._tasks[name] = Task(
                name=name, family=family, where=subject.where, is_vm=bool(subject.vm), started=self._clock()
            )
        return self._tasks[name]

    def lines(self, *, height: int = 24, width: int | None = None) -> list[str]:
        """The tree, at most `height` lines of at most `width` columns."""
        with self._lock:
            now = self._clock()
            vms = [task for task in self._tasks.values() if task.is_vm]
            counted = vms or list(self._tasks.values())
            done = sum(task.ended is not None for task in counted)
            count = f"  {done}/{len(counted)}" if counted else f"  {self.busy}" if self.busy else ""
            head = f"[+] {self.verb} {self.stack}".rstrip() + f"{count}  {seconds(now - self._began)}"
            blocks = [_block(family, now) for family in self._families()]
        return [_cut(line, width) for line in [head, *_fitted(blocks, height - 1)]]

    def _families(self) -> list[list[Task]]:
        families: dict[tuple[bool, str, str], list[Task]] = {}
        for task in self._tasks.values():
            where = "" if task.is_vm else task.where
            families.setdefault((task.is_vm, task.family, where), []).append(task)
        return [families[key] for key in sorted(families, key=lambda key: key[0])]


def _block(tasks: list[Task], now: float) -> list[str]:
    """A family's line, and below it a line per VM: failed first, then running, then finished."""
    first = tasks[0]
    done = sum(task.ended is not None for task in tasks)
    spent = max((task.ended or now) - task.started for task in tasks)
    if not first.is_vm:
        state = first.state if len(tasks) == 1 else f"{done}/{len(tasks)} done"
        return [_line(" ", _sign(tasks, now), first.family, f"{first.where:<20} {state}", spent)]
    word = "ready" if any("ssh" in task.state for task in tasks) else "done"
    order = sorted(tasks, key=lambda task: (not task.failed, task.ended is not None, task.started))
    return [
        _line(" ", _sign(tasks, now), first.family, f"{done}/{len(tasks)} {word}", spent),
        *(
            _line("   ", _sign([task], now), task.name, task.state, (task.ended or now) - task.started)
            for task in order
        ),
    ]


def _category(name: str) -> str:
    head = name.partition("/")[0]
    return CATEGORIES.get(head, head)


def _sign(tasks: list[Task], now: float) -> str:
    if any(task.failed for task in tasks):
        return "✘"
    if all(task.ended is not None for task in tasks):
        return "✔"
    return SPINNER[int(now * REDRAWS_PER_S) % len(SPINNER)]


def _line(indent: str, sign: str, name: str, state: str, spent: float) -> str:
    return f"{indent}{sign} {name:<14} {state:<30} {seconds(spent):>7}"


def _cut(line: str, width: int | None) -> str:
    if width is None or width_of(line) <= width:
        return line
    return f"{line[: width - 1]}…"


def _fitted(blocks: list[list[str]], height: int) -> list[str]:
    """No more lines than there is room: every family keeps its head, the VMs share what is left."""
    if sum(map(len, blocks)) <= height:
        return [line for block in blocks for line in block]
    families = [block for block in blocks if len(block) > 1]
    room = (height - len(blocks)) // max(len(families), 1)
    lines: list[str] = []
    for head, *vms in blocks:
        lines.append(head)
        if len(vms) <= room:
            lines += vms
        elif room > 0:
            lines += [*vms[: room - 1], f"   ... {len(vms) - room + 1} more"]
    kept = max(height - 1, 0)
    return lines if len(lines) <= height else [*lines[:kept], f" ... {len(lines) - kept} more"]


class LiveTree:
    """Draws `Tasks` on a terminal until it is closed; what it drew is wiped away then."""

    def __init__(self, tasks: Tasks, stream: TextIO, *, color: bool) -> None:
        self._tasks = tasks
        self._stream = stream
        self._color = color
        self._live: Live | None = None

    def start(self) -> None:
        """Begin to draw; starting twice is fine."""
        if self._live is not None:
            return
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._stream, force_terminal=True, no_color=not self._color, highlight=False)

        def drawn() -> Text:
            from rich.text import Text

            size = console.size
            text = Text("\n".join(self._tasks.lines(height=size.height - 1, width=size.width)), no_wrap=True)
            text.highlight_words(["✔"], "green")
            text.highlight_words(["✘", "FAILED"], "red")
            return text

        self._live = Live(
            get_renderable=drawn,
            console=console,
            refresh_per_second=REDRAWS_PER_S,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def say(self, text: str) -> None:
        """A line that stays, above the tree."""
        if self._live is not None:
            from rich.text import Text

            self._live.console.print(Text(text))
        else:
            self._stream.write(f"{text}\n")

    def stop(self) -> None:
        """Wipe the tree away and give the cursor back; stopping twice is fine."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()


def progress_mode(flag: str, *, tty: bool, term: str | None, quiet: bool) -> str:
    """What `auto` means here: tty, plain or quiet. The terminal decides, not the colour settings."""
    if flag != "auto":
        return flag
    if quiet:
        return "quiet"
    return "tty" if tty and term != "dumb" else "plain"
