"""What happens and what exists: the values of the engine, of the clouds and of commands on VMs.

A part of `model`, which hands these names out: import them from there. It is a module of its own
because checking a manifest needs none of them, and a data class costs half a millisecond to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from mcis_iac.model import NOTHING, Subject

# ---------------------------------------------------------------- the engine


class Op(StrEnum):
    """What happens to a resource. REPLACE covers all of the engine's replacement steps."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyChange:
    """One property that differs; `old`/`new` are plain values, None = absent, secrets redacted."""

    path: str
    old: Any = None
    new: Any = None
    replaces: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the engine would do to one resource (SAME is counted, not listed).

    `replace_reasons` are the properties that force a replacement. `is_vm` marks machines.
    `old_first` = the old one is deleted before the new one is made.
    """

    key: str
    token: str
    op: Op
    subject: Subject = field(default_factory=Subject)
    properties: tuple[PropertyChange, ...] = ()
    replace_reasons: tuple[str, ...] = ()
    is_vm: bool = False
    old_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """A previewed stack diff. `same` counts untouched resources."""

    changes: tuple[Change, ...]
    same: int
    vms_before: int
    vms_after: int
    warnings: tuple[str, ...] = ()
    duration_s: float = 0.0

    @property
    def empty(self) -> bool:
        """Nothing would change."""
        return not self.changes

    def count(self, op: Op) -> int:
        """How many resources that happens to."""
        return sum(change.op is op for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why one VM or resource failed: `code` is quota, capacity, credentials, image, timeout,
    cancelled or other; `stage` is create, update, delete, ready, setup, engine, suspend, resume or
    reboot."""

    code: str
    stage: str
    message: str
    attempted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the engine did to one resource."""

    key: str
    token: str
    op: Op
    ok: bool
    subject: Subject = field(default_factory=Subject)
    id: str | None = None
    duration_s: float = 0.0
    failure: Failure | None = None
    is_vm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of an engine run. Partial failure is an outcome, not an exception.

    `steps` has no SAME. `cancelled` = it was stopped, `timed_out` = by our deadline. `message` is an
    error of the run itself.
    """

    steps: tuple[Step, ...]
    same: int = 0
    outputs: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    cancelled: bool = False
    timed_out: bool = False
    message: str = ""
    duration_s: float = 0.0

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps that did not succeed."""
        return tuple(step for step in self.steps if not step.ok)

    @property
    def ok(self) -> bool:
        """Everything asked for was done."""
        return not (self.failed or self.cancelled or self.message)


# ---------------------------------------------------------------- what exists


class Status(StrEnum):
    """Observed state of a VM; of an MCIS also EMPTY."""

    CREATING = "Creating"
    RUNNING = "Running"
    SUSPENDING = "Suspending"
    SUSPENDED = "Suspended"
    RESUMING = "Resuming"
    REBOOTING = "Rebooting"
    TERMINATING = "Terminating"
    TERMINATED = "Terminated"
    FAILED = "Failed"
    UNDEFINED = "Undefined"
    EMPTY = "Empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vm:
    """One existing VM, as the stack's `inventory` output has it."""

    name: str
    group: str
    ordinal: int
    connection: str
    cloud: str
    region: str
    zone: str
    type: str
    id: str
    private_ip: str
    public_ip: str | None
    user: str
    host_key: str | None
    ssh_port: int = 22
    created_at: str | None = None
    hourly_usd: Decimal | None = None

    @property
    def address(self) -> str:
        """Where to log in: the public address, else the private one."""
        return self.public_ip or self.private_ip


@dataclass(frozen=True, slots=True, kw_only=True)
class VmFailure:
    """A VM that failed in the last operation, kept so that `status` can show it."""

    name: str
    group: str
    connection: str
    cloud: str
    region: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The VMs that exist, sorted by group and ordinal, and those that failed to.

    `as_of` is RFC 3339 UTC; `operation` the verb that wrote it ("up", "down", ...).
    """

    vms: tuple[Vm, ...] = ()
    failed: tuple[VmFailure, ...] = ()
    as_of: str = ""
    operation: str = ""
    by: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResult:
    """What a command did on one VM. `lost` = the connection died, never a success.

    `error` is set when the command did not run to its end for another reason: unreachable, host
    key, login refused, timed out, "cancelled". A command ended by a signal has 128 + its number.
    """

    vm: str
    group: str
    exit_status: int | None
    stdout: str = ""
    stderr: str = ""
    lost: bool = False
    error: str = ""
    elapsed_s: float = 0.0

    @property
    def ok(self) -> bool:
        """The command ran to its end and succeeded."""
        return self.exit_status == 0 and not self.lost and not self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyResult:
    """What was copied to or from one VM: all of it, or nothing and an `error`.

    `path` is where it is now, in the words of that side's user; `skipped` are names that stayed behind,
    each with the reason; `bytes` are those of the files.
    """

    vm: str
    group: str
    path: str = ""
    files: int = 0
    bytes: int = 0
    skipped: tuple[str, ...] = ()
    error: str = ""
    elapsed_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Everything arrived and is in place."""
        return not self.error
