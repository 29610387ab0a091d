"""What the verbs answer: the values that `pipeline` returns and the screens show.

A part of `pipeline`, which hands these names out: import them from there. It is a module of its own
because `validate` answers with none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from mcis_iac.errors import CredentialsError, McisError, OperationError
from mcis_iac.model import (
    NOTHING,
    CopyResult,
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
    "ActionReport",
    "ActionRow",
    "Applied",
    "Confirm",
    "ConfirmDown",
    "CopyResult",
    "DoctorReport",
    "DownQuestion",
    "Finding",
    "Happened",
    "History",
    "HostResult",
    "OnOutput",
    "Orphan",
    "PowerReport",
    "PowerRow",
    "Preview",
    "Silent",
    "StatusReport",
    "StatusRow",
    "VmResult",
    "refusal",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """A connection whose cloud could not be asked, with the error's parts; `vms` should be there.

    `exit_code` is 3 when the credentials are missing or refused, else 4.
    """

    connection: str
    cloud: str
    summary: str
    detail: str = ""
    hint: str = ""
    vms: int = 0
    exit_code: int = CredentialsError.exit_code

    @property
    def why(self) -> str:
        """What happened, without the connection's name, which most errors begin with."""
        return (self.detail or self.summary).removeprefix(f"{self.connection}: ")

    @property
    def lines(self) -> tuple[str, ...]:
        """Whose it is, what happened, and below it what to do."""
        below = [*self.why.splitlines()[1:], self.hint]
        first = self.why.partition("\n")[0]
        return (f"{self.connection}: {first}", *(f"  {line}" for line in below if line))


def refusal(silent: Sequence[Silent]) -> McisError:
    """One error for all of them: where they differ, each with its own summary and what to do."""
    refused = any(each.exit_code == CredentialsError.exit_code for each in silent)
    kind = CredentialsError if refused else OperationError
    same = {(each.summary, each.detail, each.hint) for each in silent}
    if len(same) == 1:
        return kind(summary=silent[0].summary, detail=silent[0].detail, hint=silent[0].hint)
    told = [line for each in silent for line in each.lines]
    return kind(
        summary=f"{len(silent)} connections cannot be used",
        detail="\n".join(told),
        hint="mcis doctor looks at all of them",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A stack diff beside what it is a diff of.

    `sources` maps a resource key to `file:line` of what caused its change, where known;
    `notices` are sentences said once per run (fallback backend, built-in image on local, ...).
    `timings` are seconds per stage: placed, built, engine. Nothing of the connections in `silent` is
    in the diff, nor what depends on their VMs. `actions` has a phrase per action that is due, `power`
    the VMs that are to be suspended or resumed then, by "suspend" and "resume".
    """

    mcis: Mcis
    diff: Diff
    sources: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    reasons: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    notices: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=lambda: NOTHING)
    lock_changed: bool = False
    words: str = ""
    silent: tuple[Silent, ...] = ()
    actions: tuple[str, ...] = ()
    power: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NOTHING)

    @property
    def nothing(self) -> bool:
        """`up` would do nothing at all."""
        return self.diff.empty and not self.actions and not self.power

    @property
    def refusal(self) -> McisError | None:
        """Why the preview is not of everything; None when it is."""
        return refusal(self.silent) if self.silent else None


@dataclass(frozen=True, slots=True, kw_only=True)
class VmResult:
    """How one VM ended in an `up`, `down` or `scale`: state is ready, unchanged, deleted or FAILED, or
    what `power:` made of it, suspended or resumed."""

    name: str
    group: str
    cloud: str
    region: str
    state: str
    address: str | None = None
    elapsed_s: float | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRow:
    """An action on one VM: state is done, FAILED, left out (suspended) or not run (after a failure).

    `result` is there when it was sent; `detail` says why it is not done.
    """

    action: str
    vm: str
    group: str
    state: str
    detail: str = ""
    result: HostResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReport:
    """What `run` did, or `up` after its VMs were there; `log` is the file with all output, "" = none."""

    rows: tuple[ActionRow, ...] = ()
    exit_code: int = 0
    log: str = ""
    next: str = ""
    duration_s: float = 0.0


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
    actions: ActionReport = field(default_factory=ActionReport)
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRow:
    """One VM after `suspend`, `resume` or `reboot`.

    `state` is done, unchanged (it was there already), skipped (refused, with --partial), failed, or
    pending: begun or not, when the user stopped it or an earlier VM of a series failed.
    """

    name: str
    group: str
    connection: str
    cloud: str
    region: str
    before: Status
    after: Status
    state: str
    elapsed_s: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerReport:
    """What became of every VM that was meant; `next` is the one command that continues."""

    stack: str
    action: str
    rows: tuple[PowerRow, ...]
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
class Orphan:
    """A machine that carries the tags of an MCIS and is in its state no more, or never was."""

    connection: str
    cloud: str
    id: str
    name: str
    vm: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """`status`: a row per VM and the aggregates, their text for people apart from what programs read.

    `groups` and `clouds` (per connection) have status, partial, total, counts, pending and display of
    their VMs, `summary` that of all and rule, target, as_of, stale. `left_out` is how many rows a wish
    for certain statuses hides: the aggregates count them. `orphans` are looked for on demand only.
    """

    stack: str
    rows: tuple[StatusRow, ...]
    summary: Mapping[str, Any]
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: NOTHING)
    clouds: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: NOTHING)
    last: str = ""
    lock: str = ""
    notices: tuple[str, ...] = ()
    silent: tuple[Silent, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    left_out: int = 0

    @property
    def exit_code(self) -> int:
        """3 when a cloud refused us; one that merely did not answer is told, and no failure of ours."""
        refused = CredentialsError.exit_code
        return refused if any(each.exit_code == refused for each in self.silent) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One operation of the past. `number` counts from the oldest; `at` is when it began (RFC 3339, UTC).

    `result` is succeeded, failed or stopped, or the engine's word; `changes` counts resources by create,
    update, replace and delete, of controls and actions the VMs that were reached. `vms` has what was done
    to each, `failed` why not. `hourly_change` is in USD, None where a price is not known. `elsewhere` =
    only the stack's own history has it.
    """

    at: str
    verb: str
    by: str
    result: str
    duration_s: float
    changes: Mapping[str, int]
    number: int = 0
    hourly_change: Decimal | None = None
    vms: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    failed: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    message: str = ""
    logs: tuple[str, ...] = ()
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Operations, oldest first; `total` counts those that are not among them, too."""

    stack: str
    operations: tuple[Happened, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of `doctor`: what was looked at, what was found, what to do if it is not well."""

    topic: str
    ok: bool
    found: str
    why: str = ""
    hint: str = ""


OnOutput = Callable[[str, str, str], None]  # vm, stream ("stdout" | "stderr"), one line
Confirm = Callable[[Preview], None]
ConfirmDown = Callable[[DownQuestion], None]
DoctorReport = Sequence[Finding]
