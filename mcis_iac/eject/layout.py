"""What goes where: a module per connection; in it what machines share, then a function per group.

What refers to machines of other connections (addresses in firewalls) follows in functions of its own.
The order of the graph is kept as far as references need it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mcis_iac.eject.spelling import RESERVED, variable
from mcis_iac.program import naming
from mcis_iac.program.graph import Graph, Resource, refs

LINKS = "links"


@dataclass(frozen=True, slots=True)
class Turns:
    """The resources of several machines of a group, one machine after the other."""

    group: str
    units: dict[str, list[Resource]] = field(default_factory=dict)  # VM -> its resources


Block = Turns | Resource


@dataclass(slots=True)
class Function:
    """A function of a module and the numbers of its blocks; `group` is None for one that declares links."""

    name: str
    group: str | None
    blocks: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Module:
    """All resources of a connection."""

    name: str
    connection: str
    shared: list[Resource] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)


@dataclass(slots=True)
class Layout:
    """The modules, all blocks of functions, and the functions in the order in which to call them."""

    blocks: list[Block] = field(default_factory=list)
    modules: dict[str, Module] = field(default_factory=dict)
    calls: list[tuple[Module, Function]] = field(default_factory=list)


def needs(resource: Resource) -> Iterable[str]:
    """The keys of all that a resource refers to."""
    options = resource.options
    yield from filter(None, (resource.provider, options.deleted_with, *options.depends_on))
    yield from (ref.key for ref in refs(resource.inputs))


def laid_out(graph: Graph) -> Layout:
    """The layout of a whole stack."""
    return _Drawing(graph).layout


class _Drawing:
    """A layout in the making."""

    def __init__(self, graph: Graph) -> None:
        self.layout = Layout()
        self.when: dict[str, int] = {}  # what is declared inside functions, and in which block
        self.blocks = self.layout.blocks
        connections = {each.key: _connection(each) for each in graph.resources if each.provider is None}
        modules = {
            each.key: _module(self.layout, connections[each.provider or each.key]) for each in graph.resources
        }
        # A group has a function where its machines are; what others declare about them are links.
        self.homes = {
            (modules[each.key].name, each.subject.group)
            for each in graph.resources
            if each.key == each.subject.vm
        }
        for resource in graph.resources:
            if resource.subject.vm or any(key in self.when for key in needs(resource)):
                self._late(modules[resource.key], resource)
            else:
                modules[resource.key].shared.append(resource)

    def _late(self, module: Module, resource: Resource) -> None:
        vm, group = resource.subject.vm, resource.subject.group
        if vm is None or group is None:
            self.when[resource.key] = self._append(self._function(module, None), resource)
            return
        number = self._turns(module, resource, vm, group)
        turns = self.blocks[number]
        assert isinstance(turns, Turns)
        turns.units.setdefault(vm, []).append(resource)
        self.when[resource.key] = number

    def _turns(self, module: Module, resource: Resource, vm: str, group: str) -> int:
        """The turns of its group in which a resource can be made, new ones if need be."""
        home = group if (module.name, group) in self.homes else None
        own = [function for function in module.functions if function.group == home]
        for function in own if home else own[-1:]:
            for number in function.blocks:
                turns = self.blocks[number]
                if isinstance(turns, Turns) and turns.group == group and self._fits(number, vm, resource):
                    return number
        return self._append(self._function(module, None if own else home), Turns(group))

    def _fits(self, number: int, vm: str, resource: Resource) -> bool:
        """Whether all it needs is there by then; of another machine in these turns it may need nothing."""
        turns = self.blocks[number]
        assert isinstance(turns, Turns)
        own = {each.key for each in turns.units.get(vm, ())}
        return all(self.when.get(key, -1) < number or key in own for key in needs(resource))

    def _append(self, function: Function, block: Block) -> int:
        self.blocks.append(block)
        function.blocks.append(len(self.blocks) - 1)
        return len(self.blocks) - 1

    def _function(self, module: Module, group: str | None) -> Function:
        """The function that is being written, if it is the right one, or a new one."""
        if self.layout.calls:
            last_module, last = self.layout.calls[-1]
            if last_module is module and last.group == group:
                return last
        known = {function.name for function in module.functions}
        found = Function(_free(LINKS if group is None else variable(group), known | RESERVED), group)
        module.functions.append(found)
        self.layout.calls.append((module, found))
        return found


def _connection(provider: Resource) -> str:
    return provider.subject.connection or naming.subject_of(provider.key).connection or provider.package


def _module(layout: Layout, connection: str) -> Module:
    name = variable(connection)
    same = layout.modules.get(name)
    while same is not None and same.connection != connection:
        name += "_"
        same = layout.modules.get(name)
    return layout.modules.setdefault(name, Module(name, connection))


def _free(name: str, taken: set[str]) -> str:
    number, found = 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found
