"""What machines that exist keep when the manifest says something else now.

Which changes reach a machine is what its cloud's graph says: a property that is among the machine's
`ignore_changes` is told to new machines only. So a graph is asked, with one value changed on trial,
whether anything else about the machine differs; no cloud has to be known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from mcis_iac.clouds import registry
from mcis_iac.flows.placing import Placed
from mcis_iac.model import Diff, Disk, Group, Member, Op, Plan, Setup
from mcis_iac.placement import lock_outcome
from mcis_iac.placement.lock import Lock, Made, Offer
from mcis_iac.placement.made import made_by
from mcis_iac.program.build import build
from mcis_iac.program.graph import Resource

# The manifest's words for what a machine is made with, in the order they are told.
PARTS = ("image", "setup", "mounts", "user", "key")
_ANEW = (Op.CREATE, Op.REPLACE)
_STEP = re.compile(r'\["([^"]*)"\]|\[(\d+)\]|([^.\[\]]+)')

Ignored = Callable[[Member, str], bool]


def notices(plan: Plan, before: Lock, diff: Diff) -> tuple[str, ...]:
    """A sentence for each group with machines that do not get what the manifest says now."""
    ops, now, ignored = _ops(diff), made_by(plan), _ignoring(plan)
    had = {f"{group}-{ordinal}": offer for group, ordinal, offer in before.members()}
    kept: dict[str, set[str]] = {}
    for member in plan.members:
        if member.name in had and ops.get(member.name) not in _ANEW:
            found = kept.setdefault(member.group, set())
            found.update(_kept(member, had[member.name], now(member), ignored))
    return tuple(_sentence(group, parts) for group, parts in kept.items() if parts)


def _sentence(group: str, parts: set[str]) -> str:
    *rest, last = (part for part in PARTS if part in parts)
    what = f"{', '.join(rest)} and {last}" if rest else last
    return f"{group}: existing VMs keep their {what}; `mcis replace {group}` makes them anew"


def _kept(member: Member, before: Offer, now: Made, ignored: Ignored) -> Iterator[str]:
    was = before.made
    if was is None:  # locks of earlier versions know the image only
        if before.image.alias != member.image.alias:
            yield "image"
        return
    yield from (part for part in _differing(was, now) if ignored(member, part))


def _differing(one: Made, other: Made) -> Iterator[str]:
    return (part for part in PARTS if getattr(one, part) != getattr(other, part))


def foreseen(placed: Placed, diff: Diff) -> Placed:
    """With the login each machine will have after the difference was applied."""
    made = _made(placed.plan, placed.lock, _ops(diff))
    logins = {name: each.user for name, each in made.items()}
    members = tuple(replace(member, user=logins.get(member.name)) for member in placed.plan.members)
    plan = replace(placed.plan, members=members)
    if list(_logins(plan)) == list(_logins(placed.plan)):
        return placed
    return replace(placed, plan=plan, graph=build(plan))


def _logins(plan: Plan) -> Iterator[str]:
    return (member.user or plan.mcis.groups[member.group].user for member in plan.members)


def begun(placed: Placed, diff: Diff) -> Lock:
    """The lock with what the machines that do not exist yet are made with."""
    new = {name: op for name, op in _ops(diff).items() if op is Op.CREATE}
    return lock_outcome.remember(placed.lock, _made(placed.plan, placed.lock, new))


def done(placed: Placed, ops: Mapping[str, Op]) -> Lock:
    """The lock after those operations on machines, by name, have succeeded."""
    return lock_outcome.remember(placed.lock, _made(placed.plan, placed.lock, ops))


def _made(plan: Plan, lock: Lock, ops: Mapping[str, Op]) -> dict[str, Made]:
    """What each machine is made with once that was done to it, as far as it is known."""
    offers = {f"{group}-{ordinal}": offer for group, ordinal, offer in lock.members()}
    now, ignored = made_by(plan), _ignoring(plan)
    found = {}
    for member in plan.members:
        was, op = offers[member.name].made, ops.get(member.name)
        if op in _ANEW:
            was = now(member)
        elif was is not None and op is Op.UPDATE:
            was = _updated(member, was, now(member), ignored)
        if was is not None:
            found[member.name] = was
    return found


def _updated(member: Member, was: Made, now: Made, ignored: Ignored) -> Made:
    reached = [part for part in _differing(was, now) if not ignored(member, part)]
    return replace(was, **{part: getattr(now, part) for part in reached})


def _ops(diff: Diff) -> dict[str, Op]:
    return {change.key: change.op for change in diff.changes if change.is_vm}


# ---------------------------------------------------------------- what a graph ignores


def _ignoring(plan: Plan) -> Ignored:
    """Whether a machine that exists is not told of a change of that part."""

    @cache
    def ask(group: str, connection: str, part: str) -> bool:
        one = next(m for m in plan.members if (m.group, m.connection) == (group, connection))
        here, there = (_told(tried, one) for tried in _TRIALS[part](plan, plan.mcis.groups[group]))
        return bool(here == there)

    # No cloud changes the image of a machine: where it is not ignored, the machine is replaced.
    return lambda member, part: part == "image" or ask(member.group, member.connection, part)


def _setups(plan: Plan, group: Group) -> tuple[Plan, Plan]:
    more = Setup(run=(*group.setup.run, "true"))
    return plan, _with(plan, replace(group, setup=more))


def _mounts(plan: Plan, group: Group) -> tuple[Plan, Plan]:
    """The same disk at two places: a disk as such comes to a machine that exists."""
    one, other = (Disk(name="trial", size_gib=1, mount=mount) for mount in ("/one", "/other"))
    return _with(plan, replace(group, disks=(one,))), _with(plan, replace(group, disks=(other,)))


def _users(plan: Plan, group: Group) -> tuple[Plan, Plan]:
    return plan, _with(plan, replace(group, user=f"{group.user}x"))


def _keys(plan: Plan, group: Group) -> tuple[Plan, Plan]:
    other = f"{plan.public_keys[group.key]}A"
    return plan, replace(plan, public_keys={**plan.public_keys, group.key: other})


def _with(plan: Plan, group: Group) -> Plan:
    return replace(plan, mcis=replace(plan.mcis, groups={**plan.mcis.groups, group.name: group}))


# Two plans that differ in that part of the group only.
_TRIALS: Mapping[str, Callable[[Plan, Group], tuple[Plan, Plan]]] = {
    "setup": _setups,
    "mounts": _mounts,
    "user": _users,
    "key": _keys,
}


def _told(plan: Plan, member: Member) -> Any:
    """The machine's inputs without those it is told once only."""
    alone = replace(plan, members=(member,))
    connection = plan.mcis.connections[member.connection]
    declared = registry.graph(member.cloud).declare(alone, connection)
    machine: Resource = next(each for each in declared if each.key == member.name)
    inputs: Any = machine.inputs
    for path in machine.options.ignore_changes:
        inputs = _without(inputs, _steps(path))
    return inputs


def _steps(path: str) -> tuple[str | int, ...]:
    """`a.b`, `a["b"]` and `a[0]` in steps."""
    found: Iterable[tuple[str, str, str]] = _STEP.findall(path)
    return tuple(int(number) if number else quoted or name for quoted, number, name in found)


def _without(value: Any, steps: tuple[str | int, ...]) -> Any:
    """A copy of nested maps and lists without what lies at the end of the steps."""
    first, *rest = steps
    if isinstance(value, Mapping) and first in value:
        left = {name: inner for name, inner in value.items() if name != first}
        return {**left, first: _without(value[first], tuple(rest))} if rest else left
    if isinstance(value, list | tuple) and isinstance(first, int) and first < len(value):
        below = [_without(value[first], tuple(rest))] if rest else []
        return [*value[:first], *below, *value[first + 1 :]]
    return value
