"""What the verbs answer: the values that `pipeline` returns and the screens show.

A part of `pipeline`, which hands these names out: import them from there. It is a module of its own
because `validate` answers with none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcis_iac.model import (
    NOTHING,
    Diff,
    Failure,
    HostResult,
    Inventory,
    Mcis,
    Outcome,
    Status,
    Vm,
)

__all__ = [
    "Applied",
    "Confirm",
    "ConfirmDown",
    "DoctorReport",
    "DownQuestion",
    "Finding",
    "HostResult",
    "OnOutput",
    "Preview",
    "StatusReport",
    "StatusRow",
    "VmResult",
]


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
class Finding:
    """One line of `doctor`: what was looked at, what was found, what to do if it is not well."""

    topic: str
    ok: bool
    found: str
    why: str = ""
    todo: str = ""


OnOutput = Callable[[str, str, str], None]  # vm, stream ("stdout" | "stderr"), one line
Confirm = Callable[[Preview], None]
ConfirmDown = Callable[[DownQuestion], None]
DoctorReport = Sequence[Finding]
