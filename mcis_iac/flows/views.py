"""What the screens want to know beside the diff: where each change comes from, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath

from mcis_iac.clouds import registry
from mcis_iac.engine.diff import ASKED
from mcis_iac.errors import McisError
from mcis_iac.model import Change, Connection, Diff, Mcis, Op, Plan
from mcis_iac.placement.lock import GroupLock, Lock

# The field of a group that decides about a resource, by the kind of its key.
FIELDS = {"sg": "firewall", "boot": "setup", "ip": "public_ip", "disk": "disks", "key": "key"}


def sources(mcis: Mcis, diff: Diff) -> dict[str, str]:
    """`mcis.yaml:11` per changed resource, where the manifest says so."""
    found = {}
    for change in diff.changes:
        span = mcis.span(_path(change))
        if span is not None and span != mcis.spans.get(""):
            found[change.key] = f"{PurePath(span.file).name}:{span.line}"
    return found


def _path(change: Change) -> str:
    """The manifest path that decides about a resource."""
    kind, _, rest = change.key.partition("/")
    group = change.subject.group
    if kind == "net":
        return f"networks.{rest.partition('/')[0]}"
    if group is None:
        return ""
    if not change.is_vm:
        return f"groups.{group}.{FIELDS.get(kind, '')}".rstrip(".")
    return f"groups.{group}.{'placement' if change.op is Op.REPLACE else 'count'}"


def reasons(mcis: Mcis, before: Lock, diff: Diff) -> dict[str, str]:
    """One short reason per changed resource that has one."""
    return {change.key: text for change in diff.changes if (text := _reason(mcis, before, change))}


def _reason(mcis: Mcis, before: Lock, change: Change) -> str:
    if change.op is Op.REPLACE:
        if change.replace_reasons == (ASKED,):
            return ASKED
        if not change.replace_reasons:
            return "goes with what it belongs to"
        return f"{', '.join(change.replace_reasons)} cannot change in place"
    if not change.is_vm or change.op is Op.UPDATE or change.subject.group is None:
        return ""
    group = mcis.groups.get(change.subject.group)
    had = _count(before.groups.get(change.subject.group))
    if group is None:
        return "group is gone"
    fits = group.count > had if change.op is Op.CREATE else group.count < had
    return f"count {had} -> {group.count}" if had and fits else ""


def _count(group: GroupLock | None) -> int:
    return 0 if group is None else len(group.offers()) + len(group.dropped)


def notices(connections: Mapping[str, Connection]) -> tuple[str, ...]:
    """What a user should know of the connections in use; a silent cloud is a notice, too."""
    return tuple(dict.fromkeys(_notices(connections.values())))


def _notices(connections: Iterable[Connection]) -> Iterator[str]:
    for connection in connections:
        try:
            yield from registry.lifecycle(connection.cloud).notices(connection)
        except McisError as error:
            yield f"{connection.name}: {error}"


def image_notices(plan: Plan) -> tuple[str, ...]:
    """What the clouds have to say of the images asked for, once each."""
    found: list[str] = []
    for cloud in sorted({member.cloud for member in plan.members}):
        found.extend(registry.graph(cloud).notices(plan.mcis))
    return tuple(dict.fromkeys(found))
