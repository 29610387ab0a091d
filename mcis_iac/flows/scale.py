"""Scaling: an edit of `count` in the manifest, then an `up` of exactly that."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mcis_iac.errors import NotFoundError, UsageError
from mcis_iac.flows import change
from mcis_iac.flows.ground import Ground, ground
from mcis_iac.flows.placing import Wish
from mcis_iac.flows.targets import refuse
from mcis_iac.manifest import edit
from mcis_iac.pipeline import Applied, Confirm, Preview, Request

_WANT = re.compile(r"(?P<group>[^=+]+?)(?P<sign>[=+])(?P<number>[0-9]+)\Z")
LIMIT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """`web=5` or `web+2`."""

    group: str
    number: int
    relative: bool = False


def parse(word: str) -> Want:
    """Read one GROUP=N or GROUP+N; UsageError for anything else. `web-1` would be a VM's name."""
    found = _WANT.match(word)
    if found is None or int(found["number"]) > LIMIT:
        raise UsageError(
            summary="not a scale",
            detail=f"`{word}`",
            hint="write GROUP=N or GROUP+N, such as web=5 or web+2; --remove takes the names of VMs",
        )
    return Want(group=found["group"], number=int(found["number"]), relative=found["sign"] == "+")


def counts(here: Ground, wants: Sequence[str], remove: Sequence[str]) -> dict[str, int]:
    """The new count of every group that is named; `--remove` alone lowers it by as many."""
    found: dict[str, int] = {}
    for want in map(parse, wants):
        group = here.mcis.groups.get(want.group)
        if group is None:
            refuse(want.group, here.mcis.groups)
            raise NotFoundError(summary="no such group or VM")
        if want.group in found:
            raise UsageError(
                summary="a group is named twice", detail=f"`{want.group}`", hint="give each group one count"
            )
        found[want.group] = group.count + want.number if want.relative else want.number
    for name, leaving in _leaving(here, remove).items():
        found.setdefault(name, max(0, here.mcis.groups[name].count - leaving))
    if not found and not remove:
        raise UsageError(summary="nothing to scale", hint="name a group: mcis scale web=5")
    return found


def _leaving(here: Ground, remove: Sequence[str]) -> dict[str, int]:
    """How many of the named VMs are still members, per group; a repeated removal counts nothing."""
    members = {
        f"{name}-{ordinal}": name
        for name, group in here.lock.groups.items()
        for ordinal in (*group.offers(), *group.dropped)
        if name in here.mcis.groups
    }
    leaving: dict[str, int] = {}
    for vm in dict.fromkeys(remove):
        if vm in members:
            leaving[members[vm]] = leaving.get(members[vm], 0) + 1
    return leaving


def scale(
    request: Request,
    wants: Sequence[str],
    *,
    remove: Sequence[str],
    write: bool,
    force_protected: bool,
    confirm: Confirm,
) -> Applied:
    """Refuse what cannot be edited first, then preview, ask, edit and apply."""
    before = ground(request)
    wanted = counts(before, wants, remove)
    changed = {name: count for name, count in wanted.items() if before.mcis.groups[name].count != count}
    edits = edit.plan_counts(before.loaded, changed) if write and changed else ()

    def ask(preview: Preview) -> None:
        confirm(preview)
        edit.apply(edits)

    wish = Wish(remove=remove, force_protected=force_protected, verb="scale")
    after = ground(with_counts(request, wanted))
    # The diff names the line that is edited, not the override that stands for the edit until then.
    after = replace(after, mcis=replace(after.mcis, spans=before.mcis.spans))
    if write:
        after = replace(after, request=request)  # what continues it needs no override
    return change.up(after, wish, ask)


def with_counts(request: Request, wanted: Mapping[str, int]) -> Request:
    """The request as if the manifest had those counts."""
    sets = tuple(f"groups.{name}.count={count}" for name, count in wanted.items())
    return replace(request, sets=(*request.sets, *sets))
