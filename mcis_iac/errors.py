"""Every error a user can meet: one exception tree, one exit code each.

    McisError                 1    anything unclassified
    ├── ManifestError         2    invalid manifest, lock or flags (carries diagnostics)
    ├── UsageError            2    wrong flags, confirmation missing
    ├── CredentialsError      3    a cloud refused or has no credentials
    ├── OperationError        4    an operation or a host failed, or an action was refused
    │   └── EngineError       4    the Pulumi engine is missing, too old or broken
    ├── PolicyError           5    a rule of `policies` is violated
    ├── NotFoundError         6    no such MCIS, group, VM or stack
    ├── UnexpectedChange      7    --expect-no-changes, --locked and there were changes
    ├── Cancelled             8    the user stopped it
    ├── TimedOut              9    our deadline passed
    ├── NoPlacement          10    constraints cannot be met
    └── Locked               11    another operation holds the stack

An unexpected exception exits 255 with a report. A message says what happened (`summary`, constant
text), the particulars (`detail`) and what to do next (`hint`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcis_iac.model import Diagnostic

__all__ = [
    "Cancelled",
    "CredentialsError",
    "EngineError",
    "Locked",
    "ManifestError",
    "McisError",
    "NoPlacement",
    "NotFoundError",
    "OperationError",
    "PolicyError",
    "TimedOut",
    "UnexpectedChange",
    "UsageError",
]


class McisError(Exception):
    """Root of all expected errors; `summary` is shown first, `hint` after a blank line."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        *,
        summary: str,
        detail: str = "",
        hint: str = "",
        diagnostics: Sequence[Diagnostic] = (),
        texts: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.hint = hint
        self.diagnostics = tuple(diagnostics)
        self.texts = texts or {}  # file -> text, for the excerpts of the diagnostics

    def __str__(self) -> str:
        return f"{self.summary}: {self.detail}" if self.detail else self.summary


class ManifestError(McisError):
    """The manifest or the lock is invalid; `diagnostics` has every problem, by position."""

    exit_code = 2


class UsageError(McisError):
    """The command line makes no sense, or a question could not be asked."""

    exit_code = 2


class CredentialsError(McisError):
    """A cloud refused our credentials or there are none."""

    exit_code = 3


class OperationError(McisError):
    """At least one operation or host failed, or an action was refused."""

    exit_code = 4


class EngineError(OperationError):
    """The Pulumi engine is missing, too old, broken or could not be installed."""


class PolicyError(McisError):
    """A rule of `policies` is violated."""

    exit_code = 5


class NotFoundError(McisError):
    """There is no such MCIS, group, VM or stack."""

    exit_code = 6


class UnexpectedChange(McisError):
    """There were changes although the caller said there must be none."""

    exit_code = 7


class Cancelled(McisError):
    """The user stopped the operation; what was done is kept."""

    exit_code = 8


class TimedOut(McisError):
    """Our own deadline passed."""

    exit_code = 9


class NoPlacement(McisError):
    """No offer meets the constraints; the detail names the one to relax."""

    exit_code = 10


class Locked(McisError):
    """Another operation holds the stack."""

    exit_code = 11
