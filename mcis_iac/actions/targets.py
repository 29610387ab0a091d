"""What actions drive VMs to, and what that makes of the statuses the clouds tell meanwhile.

Pure: the record keeps the targets, `flows.pending` reads and writes it. Times are RFC 3339 in UTC with
milliseconds, so that they compare as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from mcis_iac.actions.transitions import Control
from mcis_iac.clouds.base import Observed
from mcis_iac.model import Status

DEADLINE_S = 600.0

GOALS: Mapping[Control, Status] = MappingProxyType(
    {
        Control.CREATE: Status.RUNNING,
        Control.SUSPEND: Status.SUSPENDED,
        Control.RESUME: Status.RUNNING,
        Control.REBOOT: Status.RUNNING,
        Control.TERMINATE: Status.TERMINATED,
    }
)

_SEEN: Mapping[Control, tuple[Status, frozenset[Status]]] = MappingProxyType(
    {
        Control.CREATE: (Status.CREATING, frozenset({Status.UNDEFINED})),
        Control.SUSPEND: (
            Status.SUSPENDING,
            frozenset({Status.UNDEFINED, Status.RUNNING, Status.RESUMING}),
        ),
        Control.RESUME: (
            Status.RESUMING,
            frozenset({Status.UNDEFINED, Status.CREATING, Status.SUSPENDED}),
        ),
        Control.REBOOT: (
            Status.REBOOTING,
            frozenset(
                {Status.UNDEFINED, Status.SUSPENDING, Status.SUSPENDED, Status.CREATING, Status.RESUMING}
            ),
        ),
        # What a cloud calls a failure is never hidden, not even behind a deletion.
        Control.TERMINATE: (
            Status.TERMINATING,
            frozenset(Status) - {Status.TERMINATING, Status.TERMINATED, Status.FAILED},
        ),
    }
)
# What a VM is called on its way.
PASSING: Mapping[Control, Status] = MappingProxyType({control: word for control, (word, _) in _SEEN.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an action drives one VM to, until the deadline.

    `id` is the machine's in its cloud: one that was made anew has no target. `booted_at` is when it had
    started before a reboot, where its cloud tells.
    """

    vm: str
    id: str
    action: Control
    status: Status
    since: str
    deadline: str
    run_id: str
    booted_at: str | None = None

    def active(self, now: str) -> bool:
        """Whether its deadline is still to come."""
        return now < self.deadline


def after(moment: str, seconds: float) -> str:
    """The moment that many seconds later, in the same form."""
    later = datetime.fromisoformat(moment) + timedelta(seconds=seconds)
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def arrived(target: Target, seen: Observed) -> bool:
    """Whether the VM is where it was driven to.

    A reboot begins and ends at Running: it is only known to be over by another time of start.
    """
    if seen.status is not target.status:
        return False
    if target.action is not Control.REBOOT:
        return True
    return None not in (target.booted_at, seen.booted_at) and seen.booted_at != target.booted_at


def corrected(seen: Observed, target: Target | None, *, now: str) -> Observed:
    """What to tell of a VM: what its cloud says, in the light of what was begun with it.

    Past the deadline the cloud's word stands, with a note that the action has timed out.
    """
    if target is None or arrived(target, seen):
        return seen
    begun = f"since {target.since[11:19]} UTC"
    if not target.active(now):
        note = f"{target.action} timed out (begun {target.since[:10]} {target.since[11:19]} UTC)"
        return replace(seen, detail=seen.detail or note)
    passing, hidden = _SEEN[target.action]
    hides = seen.status in hidden or _not_yet_down(target, seen)
    note = f"{target.action} {begun}"
    return replace(seen, status=passing if hides else seen.status, detail=seen.detail or note)


def _not_yet_down(target: Target, seen: Observed) -> bool:
    """Running as before a reboot: it has not even begun."""
    same = target.booted_at is not None and target.booted_at == seen.booted_at
    return target.action is Control.REBOOT and seen.status is Status.RUNNING and same


def pending(target: Target | None, seen: Observed, *, now: str) -> Control | None:
    """The action that is not over yet, if there is one: neither arrived nor failed nor out of time."""
    if target is None or not target.active(now) or arrived(target, seen):
        return None
    return None if seen.status in {Status.FAILED, Status.TERMINATED} else target.action
