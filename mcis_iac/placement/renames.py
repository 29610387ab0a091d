"""Groups that got another name: what the lock knows of the old one is the new one's.

The lock remembers every name a group had, oldest first. What was made under the oldest one is called
after it inside its cloud for good, because clouds cannot rename most things; so as long as the group is
there, no other group may have that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mcis_iac.model import Diagnostic, Group, Mcis, Severity
from mcis_iac.placement.lock_data import GroupLock, Lock

NOT_RENAMED = "MCIS230"


def taken_over(lock: Lock, mcis: Mcis) -> Lock:
    """The lock with groups under the names the manifest has for them now; repeating changes nothing."""
    groups = dict(lock.groups)
    for group in mcis.groups.values():
        old = group.formerly
        if old is not None and old in groups and old not in mcis.groups and not _has(groups, group.name):
            before, here = groups.pop(old), groups.get(group.name, GroupLock())
            highest = max(before.highest, here.highest)
            groups[group.name] = replace(before, highest=highest, formerly=(*before.formerly, old))
    return lock if groups.keys() == lock.groups.keys() else replace(lock, groups=groups)


def _has(groups: dict[str, GroupLock], name: str) -> bool:
    """Whether VMs of that name exist, or are to."""
    return name in groups and bool(groups[name].members or groups[name].dropped)


def earlier_names(lock: Lock) -> dict[str, str]:
    """Every name a group had before, with the one it has now."""
    return {old: name for name, group in lock.groups.items() for old in group.formerly if old != name}


def problems(mcis: Mcis, lock: Lock) -> Iterator[Diagnostic]:
    """Renames that cannot be carried out, and names that are still in use."""
    groups = dict(lock.groups)
    used = {old: name for old, name in earlier_names(lock).items() if _has(groups, name)}
    for group in mcis.groups.values():
        owner = used.get(group.name)
        if owner is not None and owner in mcis.groups:
            detail = f"what belongs to `{owner}` is called `{group.name}` inside its cloud"
            yield _problem(mcis, group, "", detail, "choose another name for this group")
        old = group.formerly
        if old is not None and old not in mcis.groups and _has(groups, old) and _has(groups, group.name):
            detail = f"`{group.name}` has VMs of its own beside those of `{old}`"
            hint = f"choose a name that no group had, or leave `formerly` out to let the VMs of `{old}` go"
            yield _problem(mcis, group, ".formerly", detail, hint)


def _problem(mcis: Mcis, group: Group, field: str, detail: str, hint: str) -> Diagnostic:
    return Diagnostic(
        code=NOT_RENAMED,
        severity=Severity.ERROR,
        summary="group cannot be called that",
        detail=detail,
        hint=hint,
        span=mcis.span(f"groups.{group.name}{field}"),
        group=group.name,
    )
