"""One module of the ejected project: the code of a connection."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcis_iac.eject import naming
from mcis_iac.eject.alike import SELF, Alike, NotAlike, Row
from mcis_iac.eject.code import STEP, Expr, flat, formatted, printed, quoted
from mcis_iac.eject.creation import creation
from mcis_iac.eject.families import Family, families
from mcis_iac.eject.layout import Function, Module, Turns
from mcis_iac.eject.spelling import Spelling
from mcis_iac.eject.tables import Table
from mcis_iac.program.graph import Ref, Resource

if TYPE_CHECKING:
    from mcis_iac.eject.project import Project

HOST_PUBLIC = "host_public"
MANY = 3  # from so many maps on, what they share has a name
TAGGED = ("tags", "labels", "instanceTags")


@dataclass(frozen=True, slots=True)
class Written:
    """A function's code: its lines are indented already."""

    name: str
    doc: str
    body: str


class Writer:
    """Writes a module; what its expressions refer to it asks the project."""

    def __init__(self, project: Project, module: Module) -> None:
        self.project, self.module = project, module
        self.imports: set[str] = set()
        self.helpers: set[str] = set()
        self.variables: dict[str, str] = {}
        self.ready = False
        self.networks = project.networks
        self.tags = self._common_tags()
        self.families: list[Family] = []
        families(module.shared, self)
        singles = [each.first for each in self.families]
        functions = [function.name for function in module.functions]
        loops = {each.first.key: each.common for each in self.families if each.loops}
        self.variables = naming.variables(
            singles, without=(module.connection,), loops=loops, others=functions
        )
        self.ready = True

    def _common_tags(self) -> Mapping[str, str]:
        found = [
            {name: text for name, text in value.items() if isinstance(text, str)}
            for resource in self.project.of(self.module)
            for word in TAGGED
            if isinstance(value := resource.inputs.get(word), Mapping)
        ]
        large = [each for each in found if len(each) > 1]
        if len(large) < MANY:
            return {}
        shared = {item for item in large[0].items() if all(item in each.items() for each in large)}
        return {name: text for name, text in large[0].items() if (name, text) in shared}

    # ---------------------------------------------------------- what Alike asks

    @property
    def taken(self) -> Collection[str]:
        """Names that no variable of a function may have."""
        return {*self.variables.values(), *(function.name for function in self.module.functions)}

    def address(self, ref: Ref) -> str:
        """The code of a reference to something declared outside the loop."""
        if not self.ready:
            return f"x[{quoted(ref.key)}]{self._path(ref)}"
        owner = self.project.owner(ref.key)
        if owner is not None:
            return f"{self._qualified(owner, ref.key)}{self._path(ref)}"
        entry = self.entry(ref)
        if entry is not None:
            return f"{self.helper('inventory')}[{quoted(entry[0])}][{quoted(entry[1])}]"
        self.project.notes.kept.add(ref.key)
        return f"{self.helper('made')}[{quoted(ref.key)}]{self._path(ref)}"

    def _qualified(self, owner: Writer, key: str) -> str:
        prefix = ""
        if owner is not self:
            self.imports.add(f"import connections.{owner.module.name}")
            prefix = f"connections.{owner.module.name}."
        member = owner.member(key)
        if member is not None:
            return f"{prefix}{member[0]}[{quoted(member[1])}]"
        return f"{prefix}{owner.variables[key]}"

    def _path(self, ref: Ref) -> str:
        return "" if ref.path == SELF else self.spell(ref.key).output(ref.path)

    def member(self, key: str) -> tuple[str, str] | None:
        """The variable and the index of a resource that a loop of shared ones made."""
        for family in self.families:
            if family.loops and key in family.labels:
                return self.variables.get(family.first.key, "made"), family.labels[key]
        return None

    def entry(self, ref: Ref) -> tuple[str, str] | None:
        """The VM and the field of its inventory that a reference is."""
        return self.project.entries.get((ref.key, ref.path))

    def machines(self, group: str) -> Sequence[str]:
        """All VMs of a group whose count is config."""
        return self.project.machines.get(group, ())

    def group(self, vm: str) -> str:
        """The group of a VM."""
        return self.project.groups.get(vm, "")

    def unique(self, key: str) -> str:
        """The name inside a cloud of what has that key."""
        return self.project.unique(key)

    def keep(self, name: str, suffix: str, text: str) -> str:
        """Keep a text as a file; returns the file's name."""
        return self.project.keep(name, suffix, text)

    def secret(self, name: str, value: str) -> None:
        """Note a config secret."""
        self.project.notes.secrets[name] = value

    def helper(self, name: str) -> str:
        """A function of the project's common module."""
        self.helpers.add(name)
        return name

    def load(self, line: str) -> None:
        """Import that."""
        self.imports.add(line)

    def spell(self, key: str) -> Spelling:
        """How the resource with that key is written."""
        return self.project.spell(key)

    # ---------------------------------------------------------- statements

    def shared(self) -> str:
        """What the machines share, at the module's top level."""
        lines: list[str] = []
        section = None
        for family in self.families:
            group = family.first.subject.group
            if group != section:
                section = group
                lines += ["", f"# Group {group}" if group else "# Shared by all groups"]
            lines += self._family(family)
        return "\n".join(lines).strip("\n")

    def _family(self, family: Family) -> Iterator[str]:
        own = self.variables[family.first.key]
        if not family.loops:
            alike = Alike(self, [Row()], name=_file_name(family.first))
            made = creation(self, alike, family.rows)
            if self.spell(family.first.key).ambient - set(family.first.inputs):
                yield "# The typed class would also take settings from the environment of whoever runs this."
            yield printed(made, before=f"{own} = " if self.project.used(self.module.name, own) else "")
            return
        alike, name, label = family.alike(self), own, family.label
        made = creation(self, alike, family.rows)
        names = [label, *alike.columns]
        cells = zip(map(quoted, family.labels.values()), *alike.columns.values(), strict=True)
        before = f"for {', '.join(names)} in "
        used = self.project.used(self.module.name, name)
        if used:
            yield f"{name} = {{}}"
        yield f"{before}{Table(names, list(cells)).code(len(before))}:"
        yield printed(made, indent=STEP, before=f"{name}[{label}] = " if used else "")

    # ---------------------------------------------------------- functions

    def functions(self) -> Iterator[Written]:
        """The module's functions, written out."""
        for function in self.module.functions:
            yield Written(function.name, self._doc(function), self._body(function))

    def _doc(self, function: Function) -> str:
        if function.group is not None:
            return f"The machines of group {function.group} and what belongs to each of them."
        return "What needs the addresses of machines that are declared elsewhere."

    def _body(self, function: Function) -> str:
        lines: list[str] = []
        for number in function.blocks:
            block = self.project.layout.blocks[number]
            if isinstance(block, Turns):
                for turns in self._same(block):
                    lines += self._turns(turns)
            else:
                lines.append(self._alone(block))
        return "\n".join(lines)

    def _alone(self, resource: Resource) -> str:
        alike = Alike(self, [Row()], name=_file_name(resource))
        made = creation(self, alike, [resource])
        kept = resource.key in self.project.kept
        return printed(
            made, indent=STEP, before=f"{self.helper('made')}[{quoted(resource.key)}] = " if kept else ""
        )

    def _same(self, turns: Turns) -> list[Turns]:
        """The turns as few loops as possible: machines that differ in form get loops of their own."""
        if self.tried(lambda: self._turns(turns)):
            return [turns]
        forms: dict[str, Turns] = {}
        for vm, unit in turns.units.items():
            forms.setdefault(_form(vm, unit), Turns(turns.group)).units[vm] = unit
        if len(forms) > 1:
            return [each for found in forms.values() for each in self._same(found)]
        return [Turns(turns.group, {vm: unit}) for vm, unit in turns.units.items()]

    def tried(self, work: Callable[[], object]) -> bool:
        """Whether something can be written at all; leaves no trace."""
        before = self.imports.copy(), self.helpers.copy(), self.project.noted()
        try:
            work()
        except NotAlike:
            return False
        finally:
            self.imports, self.helpers = before[0], before[1]
            self.project.forget(before[2])
        return True

    def _turns(self, turns: Turns) -> list[str]:
        units = list(turns.units.values())
        if len({tuple(each.token for each in unit) for unit in units}) != 1:
            raise NotAlike
        names = [
            naming.variables(unit, without=(self.module.connection, vm)) for vm, unit in turns.units.items()
        ]
        rows = [
            Row(words={"n": ordinal(vm), "vm": vm}, own=own, vm=vm)
            for vm, own in zip(turns.units, names, strict=True)
        ]
        alike = Alike(self, rows, name=turns.group)
        self._offer(alike, turns)
        made = [
            (names[0][column[0].key], creation(self, alike, column)) for column in zip(*units, strict=True)
        ]
        told = self._told(alike, turns)
        return list(self._loop(alike, turns, made, told))

    def _offer(self, alike: Alike, turns: Turns) -> None:
        """Columns that the inventory names: the zones, and the public host keys."""
        entries = [self.project.inventory.get(vm, {}) for vm in turns.units]
        for field, name in (("zone", "zone"), ("host_key", HOST_PUBLIC), ("type", "size")):
            values = [entry.get(field) for entry in entries]
            texts = [quoted(value) for value in values if isinstance(value, str)]
            if len(texts) == len(values) and (len(set(texts)) > 1 or field == "host_key"):
                alike.offered[name] = tuple(texts)

    def _told(self, alike: Alike, turns: Turns) -> Expr | None:
        """The machines' inventory, when this loop makes them."""
        made = {each.key for unit in turns.units.values() for each in unit}
        if not all(vm in made and vm in self.project.inventory for vm in turns.units):
            return None
        self.helper("inventory")
        return alike.express([self.project.inventory[vm] for vm in turns.units], None, "inventory")

    def _loop(
        self, alike: Alike, turns: Turns, made: Sequence[tuple[str, Expr]], told: Expr | None
    ) -> Iterator[str]:
        inside = STEP * 2
        stored = self._stored(alike, turns)
        codes = [flat(each) for _, each in made] + ([flat(told)] if told else [])
        tables = list(self._tables(alike, turns))
        yield from (f"{STEP}{line}" for before, _ in tables for line in before.splitlines())
        yield f"{STEP}for n in {self._ordinals(turns)}:"
        yield f"{inside}vm = {formatted([(f'{turns.group}-', False), ('n', True)]).text}"
        yield from (f"{inside}{line}" for _, line in tables)
        for (name, each), place in zip(made, stored, strict=True):
            kept = any(mentions(code, name) for code in codes)
            yield printed(each, indent=inside, before=f"{f'{name} = ' if kept else ''}{place}")
        if told is not None:
            yield printed(told, indent=inside, before="inventory[vm] = ")

    def _stored(self, alike: Alike, turns: Turns) -> Iterator[str]:
        """Per resource of a turn where it is kept for other functions, if anywhere."""
        for column in zip(*turns.units.values(), strict=True):
            keys = [each.key for each in column]
            kept = not self.project.kept.isdisjoint(keys)
            yield f"{self.helper('made')}[{flat(alike.express(keys))}] = " if kept else ""

    def _tables(self, alike: Alike, turns: Turns) -> Iterator[tuple[str, str]]:
        """What stands before the loop and what in it, to give the columns their values."""
        ordinals = [ordinal(vm) for vm in turns.units]
        counted = ordinals == list(range(1, len(ordinals) + 1))
        columns = dict(alike.columns)
        keys = columns.pop(HOST_PUBLIC, None)
        places = {name: cells for name, cells in columns.items() if counted and _recurs(name, cells)}
        own = {name: cells for name, cells in columns.items() if name not in places}
        if places:
            table = Table(list(places), list(zip(*places.values(), strict=True)))
            table = Table(table.names, table.rows[: table.period()])
            name = naming.plural(next(iter(places))) if len(places) == 1 else "places"
            code = table.code(len(name) + len(STEP))
            yield f"{name} = {code}", f"{', '.join(places)} = {name}[(n - 1) % len({name})]"
        if own:
            cells = Table(list(own), list(zip(*own.values(), strict=True))).cells()
            yield f"each = {by_ordinal(ordinals, cells)}", f"{', '.join(own)} = each[n]"
        if keys:
            yield f"host_keys = {by_ordinal(ordinals, keys)}", f"{HOST_PUBLIC} = host_keys.get(n)"

    def _ordinals(self, turns: Turns) -> str:
        if tuple(turns.units) == tuple(self.machines(turns.group)):
            self.project.notes.counted.add(turns.group)
            return f"{self.helper('members')}({quoted(turns.group)})"
        numbers = ", ".join(str(ordinal(vm)) for vm in turns.units)
        return f"({numbers},)" if len(turns.units) == 1 else f"({numbers})"


def ordinal(vm: str) -> int:
    """The number at the end of a VM's name."""
    return int(vm.rpartition("-")[2])


def _recurs(name: str, cells: Sequence[str]) -> bool:
    """Whether machines to come may have the values of a column again, in turn, as zones have."""
    literal = all(cell.startswith(('"', "'")) for cell in cells)
    return name == "zone" or not literal or Table([name], [[cell] for cell in cells]).period() is not None


def mentions(code: str, name: str) -> bool:
    """Whether code uses a variable, and not only an argument or a text of that name."""
    return bool(re.search(rf'(?<![\w."]){name}\b(?!\s*=[^=])', code))


def by_ordinal(ordinals: Sequence[int], cells: Sequence[str]) -> str:
    """A dict literal, a line per machine."""
    return "\n".join(["{", *(f"{STEP}{n}: {cell}," for n, cell in zip(ordinals, cells, strict=True)), "}"])


def _file_name(resource: Resource) -> str:
    return resource.subject.group or resource.key.replace("/", "-")


def _form(vm: str, unit: Sequence[Resource]) -> str:
    """What two machines must share to be declared in one loop."""

    def shape(value: object) -> object:
        if isinstance(value, Mapping):
            return {name: shape(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [shape(inner) for inner in value]
        return type(value).__name__

    return repr([(each.token, each.key.replace(vm, ""), shape(each.inputs), each.options.ignore_changes,
                  len(each.options.depends_on)) for each in unit])  # fmt: skip
