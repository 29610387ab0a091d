"""The front door: composes the stages; the only thing `cli` calls to get work done.

    load      manifest/    text -> Mcis, with every problem at its place
    plan      placement/   Mcis + lock -> Plan (where each VM goes) and the lock to write
    graph     program/     Plan -> Graph (resources as pure data)
    engine    engine/      Graph -> Diff or Outcome, through one Pulumi stack
    actions   actions/     Inventory -> status, exec, ssh

Each function takes a Request and returns a value; nothing here prints, asks or formats. Questions
are callbacks that raise to refuse; progress goes to a Listener as events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcis_iac.actions import run
from mcis_iac.engine.events import Event, Listener
from mcis_iac.model import (
    NOTHING,
    Diagnostic,
    Diff,
    Failure,
    Inventory,
    Mcis,
    Outcome,
    Status,
    Vm,
)


def ignore(event: Event) -> None:
    """The listener of callers that want no events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What every verb starts from: which manifest, which overlays."""

    file: str = "."
    env: str | None = None
    sets: tuple[str, ...] = ()
    listen: Listener = ignore
    parallel: int = 64
    timeout_s: float | None = None

    @property
    def words(self) -> str:
        """The user's own words, to be repeated in hints: `stacks/edge -e prod`."""
        file = "" if self.file == "." else f" {self.file}"
        return f"{file}{f' -e {self.env}' if self.env else ''}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A loaded manifest. `mcis` is None when a diagnostic is an error; `texts` has each file's text."""

    mcis: Mcis | None
    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A stack diff beside what it is a diff of.

    `sources` maps a resource key to `file:line` of what caused its change, where known;
    `notices` are sentences said once per run (fallback backend, built-in image on local, ...).
    `timings` are seconds per stage: placed, built, engine.
    """

    mcis: Mcis
    diff: Diff
    sources: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    reasons: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    notices: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=lambda: NOTHING)
    lock_changed: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmResult:
    """How one VM ended in an `up`, `down` or `scale`: state is ready, unchanged, deleted or FAILED."""

    name: str
    group: str
    cloud: str
    region: str
    state: str
    address: str | None = None
    elapsed_s: float | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The result of `up`, `down`, `scale`, `refresh`; `next` is the one command that continues."""

    preview: Preview | None
    outcome: Outcome | None
    vms: tuple[VmResult, ...] = ()
    inventory: Inventory = field(default_factory=Inventory)
    exit_code: int = 0
    next: str = ""
    notices: tuple[str, ...] = ()
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DownQuestion:
    """What `down` is about to delete; `type_name` = the user must type the MCIS's name."""

    stack: str
    vms: tuple[Vm, ...]
    type_name: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """One VM in `status`: a VM that exists, or one that failed to."""

    name: str
    group: str
    status: Status
    connection: str
    cloud: str
    region: str
    vm: Vm | None = None
    native: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """`status`: a row per VM and the aggregate of lifecycle.md 3.1 (fields, display apart)."""

    stack: str
    rows: tuple[StatusRow, ...]
    summary: Mapping[str, Any]
    last: str = ""
    lock: str = ""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which VMs: by group and by name; empty = all."""

    groups: tuple[str, ...] = ()
    vms: tuple[str, ...] = ()


HostResult = run.HostResult  # what `execute` returns per VM
OnOutput = run.OnOutput
Confirm = Callable[[Preview], None]
ConfirmDown = Callable[[DownQuestion], None]

# The functions; bodies follow with the stages.
#
# check(request) -> Checked                               validate: never raises for manifest problems
# load(request) -> Mcis                                   raises ManifestError with diagnostics
# render(request, *, locked=False) -> Graph
# graph_text(graph, form: str) -> str                    program.render, as table, json or yaml
# preview(request, *, targets=(), locked=False) -> Preview
# up(request, *, targets=(), replace=(), locked=False, retry_dropped=False, force_protected=False,
#    expect_no_changes=False, confirm: Confirm) -> Applied
# down(request, *, targets=(), remove=False, force_protected=False, confirm: ConfirmDown) -> Applied
# refresh(request) -> Applied
# scale(request, wants: Sequence[str], *, remove=(), write=True, force_protected=False,
#    confirm: Confirm) -> Applied
# status(request, selection) -> StatusReport
# outputs(request) -> Mapping[str, Any]
# execute(request, selection, command: Sequence[str], *, on_output: OnOutput, timeout_s, serial,
#    sudo, script: str | None, setenv: Mapping[str, str]) -> tuple[HostResult, ...]
# ssh_command(request, vm: str, command: Sequence[str]) -> list[str]     argv to exec
# doctor(*, install: bool, listen) -> DoctorReport
# explain(topic: str) -> str                              manifest.explain.explain: a code or a field
# scaffold(directory: Path, template: str) -> Sequence[Path]   manifest.scaffold.scaffold: files of `init`


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of `doctor`: what was looked at, what was found, what to do if it is not well."""

    topic: str
    ok: bool
    found: str
    why: str = ""
    todo: str = ""


DoctorReport = Sequence[Finding]
