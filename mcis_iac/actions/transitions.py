"""What may be done to a VM, by how it is: the table of transitions, as data, and one function that reads it.

Decided per VM, never for a whole group: the callers refuse all when one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from mcis_iac.model import Status


class Control(StrEnum):
    """What is done to a VM that exists; `create` is only what an operation may be about to reach."""

    CREATE = "create"
    SUSPEND = "suspend"
    RESUME = "resume"
    REBOOT = "reboot"
    TERMINATE = "terminate"


class Verdict(StrEnum):
    """What becomes of a wish. AGAIN: what was asked for before is sent once more."""

    RUN = "run"
    AGAIN = "again"
    NOTHING = "no-op"
    REFUSED = "-"
    FORCED = "--force"  # of the table only: RUN when forced, else REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict with why and, if refused, the way out."""

    verdict: Verdict
    reason: str = ""
    hint: str = ""

    @property
    def acts(self) -> bool:
        """Whether the cloud is to be called."""
        return self.verdict in {Verdict.RUN, Verdict.AGAIN}

    @property
    def refused(self) -> bool:
        """Whether it makes no sense."""
        return self.verdict is Verdict.REFUSED


COLUMNS = (Control.SUSPEND, Control.RESUME, Control.REBOOT, Control.TERMINATE)
ROWS: Mapping[Status, str] = MappingProxyType(
    {
        # status               suspend  resume   reboot   terminate
        Status.CREATING: "     -        -        -        -",
        Status.RUNNING: "      run      no-op    run      run",
        Status.SUSPENDING: "   again    -        -        run",
        Status.SUSPENDED: "    no-op    run      -        run",
        Status.RESUMING: "     -        again    -        run",
        Status.REBOOTING: "    -        -        again    run",
        Status.TERMINATING: "  -        -        -        again",
        Status.TERMINATED: "   -        -        -        no-op",
        Status.FAILED: "       --force  --force  --force  run",
        Status.UNDEFINED: "    -        -        -        run",
    }
)
TABLE: Mapping[tuple[Status, Control], Verdict] = MappingProxyType(
    {
        (status, control): Verdict(word)
        for status, row in ROWS.items()
        for control, word in zip(COLUMNS, row.split(), strict=True)
    }
)

HINTS: Mapping[Status, str] = MappingProxyType(
    {
        Status.CREATING: "wait for the operation that makes it; if that is gone, mcis up continues",
        Status.SUSPENDING: "wait until it is Suspended",
        Status.SUSPENDED: "resume it: mcis resume",
        Status.RESUMING: "wait until it is Running",
        Status.REBOOTING: "wait until it is Running",
        Status.TERMINATING: "mcis up makes it anew once it is gone",
        Status.TERMINATED: "mcis refresh forgets it, then mcis up makes it anew",
        Status.FAILED: "mcis heal makes it anew, --force tries it as it is",
        Status.UNDEFINED: "try again when its cloud answers",
    }
)


def decide(
    control: Control,
    status: Status,
    *,
    force: bool = False,
    exists: bool = True,
    pending: Control | None = None,
) -> Decision:
    """Whether to do that to a VM of this (corrected) status.

    `exists`: it has an id in its cloud. `pending` is what was begun with it and has neither arrived nor
    run out of time; anything else meanwhile, but terminating, needs `force`. KeyError for `create`.
    """
    if pending is not None and Control.TERMINATE not in (control, pending):
        if pending is control and exists:
            return Decision(verdict=Verdict.AGAIN, reason=f"{control} was begun before")
        if pending is not control:
            return _meanwhile(pending, force=force and exists)
    verdict = TABLE.get((status, control), Verdict.REFUSED)
    if verdict is Verdict.FORCED:
        verdict = Verdict.RUN if force and exists else Verdict.REFUSED
    if verdict is Verdict.REFUSED:
        hint = HINTS.get(status, "") if exists else "mcis up makes it"
        return Decision(verdict=verdict, reason=f"it is {status}", hint=hint)
    return Decision(verdict=verdict, reason=f"it is {status} already" if verdict is Verdict.NOTHING else "")


def _meanwhile(pending: Control, *, force: bool) -> Decision:
    if force:
        return Decision(verdict=Verdict.RUN, reason=f"{pending} was begun and not finished")
    return Decision(
        verdict=Verdict.REFUSED,
        reason=f"{pending} was begun and is not finished",
        hint=f"finish it: mcis {pending}; or --force",
    )
