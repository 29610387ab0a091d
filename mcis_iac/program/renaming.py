"""Groups that were renamed: the graph is made as if they were not, then their resources get new keys.

So every input a cloud derives from a name, and with it every name inside a cloud, is what it was, and
nothing is replaced. Only tags that tell group and VM follow. The engine learns the former keys as aliases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mcis_iac.model import FirewallRule, HostKey, Member, Plan, Subject
from mcis_iac.program import naming
from mcis_iac.program.graph import Graph, Join, Options, Ref, Resource, Secret

GROUP, SOURCE = "group", "group:"
TAGS = ("mcis-group", "mcis-vm")


def first_name(plan: Plan, group: str) -> str:
    """What a group was called when its first VMs were made."""
    return next(iter(plan.formerly.get(group, ())), group)


def first_vm_name(plan: Plan, member: Member) -> str:
    """What a VM would be called had its group kept its first name."""
    return naming.vm(first_name(plan, member.group), member.ordinal)


def as_before(plan: Plan) -> Plan:
    """The plan with every group under its first name."""
    names = {name: first_name(plan, name) for name in plan.mcis.groups}
    groups = {names[name]: replace(group, name=names[name]) for name, group in plan.mcis.groups.items()}
    walls = {
        name: replace(wall, rules=tuple(_rule(rule, names) for rule in wall.rules))
        for name, wall in plan.mcis.firewalls.items()
    }
    return replace(
        plan,
        mcis=replace(plan.mcis, groups=groups, firewalls=walls),
        members=tuple(replace(member, group=names[member.group]) for member in plan.members),
        host_keys=_keys_before(plan),
    )


def _rule(rule: FirewallRule, names: Mapping[str, str]) -> FirewallRule:
    def before(source: str) -> str:
        named = source.removeprefix(SOURCE)
        return f"{SOURCE}{names.get(named, named)}" if source.startswith(SOURCE) else source

    return replace(rule, sources=tuple(map(before, rule.sources)))


def _keys_before(plan: Plan) -> Mapping[str, HostKey]:
    known = plan.host_keys
    return {first_vm_name(plan, each): known[each.name] for each in plan.members if each.name in known}


def as_now(graph: Graph, plan: Plan) -> Graph:
    """The graph of `as_before(plan)` under the names of today, with aliases for all earlier ones."""
    former = {first_name(plan, name): name for name, names in plan.formerly.items() if names}
    keys = {
        one.key: naming.with_group(one.key, old, new)
        for one in graph.resources
        for old, new in former.items()
        if naming.belongs_to(one.key, old)
    }
    moved = _Moved(former, keys)
    resources = tuple(moved.resource(one, _aliases(one.key, former, plan)) for one in graph.resources)
    outputs = {name: moved.entries(value) for name, value in graph.outputs.items()}
    return replace(graph, resources=resources, outputs=outputs)


def _aliases(key: str, former: Mapping[str, str], plan: Plan) -> Iterable[str]:
    for old, new in former.items():
        if naming.belongs_to(key, old):
            return [naming.with_group(key, old, name) for name in plan.formerly[new] if name != new]
    return ()


class _Moved:
    """Values with references and tags under the new names."""

    def __init__(self, groups: Mapping[str, str], keys: Mapping[str, str]) -> None:
        self._groups, self._keys = groups, keys

    def resource(self, one: Resource, aliases: Iterable[str]) -> Resource:
        """The resource under its new key."""
        return replace(
            one,
            key=self._key(one.key),
            inputs=self.value(one.inputs),
            options=self._options(one.options, tuple(aliases)),
            subject=self._subject(one.subject),
        )

    def entries(self, value: Any) -> Any:
        """The inventory: VMs by name, each of which tells its group."""
        if not isinstance(value, Mapping):
            return self.value(value)
        return {self._key(name): self._entry(entry) for name, entry in value.items()}

    def _entry(self, entry: Any) -> Any:
        found = self.value(entry)
        if isinstance(found, Mapping) and found.get(GROUP) in self._groups:
            return {**found, GROUP: self._groups[found[GROUP]]}
        return found

    def value(self, value: Any) -> Any:
        """A copy of an input."""
        if isinstance(value, Ref):
            return replace(value, key=self._key(value.key))
        if isinstance(value, Join):
            return Join(tuple(self.value(part) for part in value.parts))
        if isinstance(value, Secret):
            return Secret(self.value(value.value))
        if isinstance(value, Mapping):
            return {name: self._tag(name, inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._word(inner) for inner in value)
        return value

    def _word(self, value: Any) -> Any:
        """An item of a list, which may be a tag in one word: `mcis-group=web`."""
        name, equals, rest = value.partition("=") if isinstance(value, str) else ("", "", "")
        return f"{name}={self._tag(name, rest)}" if equals and name in TAGS else self.value(value)

    def _tag(self, name: str, value: Any) -> Any:
        if name not in TAGS or not isinstance(value, str):
            return self.value(value)
        return self._groups.get(value, value) if name == TAGS[0] else self._key(value)

    def _options(self, options: Options, aliases: tuple[str, ...]) -> Options:
        depends = tuple(self._key(key) for key in options.depends_on)
        within = self._key(options.deleted_with) if options.deleted_with else None
        return replace(options, depends_on=depends, deleted_with=within, aliases=aliases)

    def _subject(self, subject: Subject) -> Subject:
        group = self._groups.get(subject.group or "", subject.group)
        return replace(subject, group=group, vm=self._key(subject.vm) if subject.vm else None)

    def _key(self, key: str) -> str:
        return self._keys.get(key, key)
