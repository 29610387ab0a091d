"""A graph as an ordinary Pulumi project: every file's text, nothing written yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcis_iac.eject.layout import Module, laid_out
from mcis_iac.eject.module import Writer, Written, mentions
from mcis_iac.eject.spelling import Spelling, typed
from mcis_iac.model import Mcis
from mcis_iac.program import naming
from mcis_iac.program.graph import Graph, Ref, Resource, Value


@dataclass(frozen=True, slots=True)
class Page:
    """A module's text in parts, for its template."""

    name: str
    connection: str
    imports: tuple[str, ...]
    helpers: tuple[str, ...]
    tags: Mapping[str, str]
    shared: str
    functions: tuple[Written, ...]


@dataclass(slots=True)
class Notes:
    """What writing modules leaves behind beside their text."""

    boot: dict[str, str] = field(default_factory=dict)  # files of `boot/`
    secrets: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)  # resources that other functions need
    counted: set[str] = field(default_factory=set)  # groups whose size is config


class Project:
    """All modules of a stack, which refer to one another."""

    def __init__(self, graph: Graph, untyped: frozenset[str]) -> None:
        self.graph, self.untyped = graph, untyped
        self.resources = {each.key: each for each in graph.resources}
        self.layout = laid_out(graph)
        modules = self.layout.modules.values()
        self.homes = {each.key: module.name for module in modules for each in module.shared}
        self.inventory = _inventory(graph)
        self.entries = dict(_entries(self.inventory))
        self.groups = {vm: str(entry.get("group", "")) for vm, entry in self.inventory.items()}
        self.machines = self._machines()
        self.networks = list(
            dict.fromkeys(key.split("/")[1] for key in self.resources if key.startswith("net/"))
        )
        self.notes = Notes()
        self.kept: set[str] = set()
        self.texts: dict[str, str] = {}
        self.writers: dict[str, Writer] = {}
        name, _, env = graph.stack.partition(".")
        self.mcis = Mcis(
            name=name, file="", folder=Path(), groups={}, namespace=graph.project, env=env or None
        )

    def pages(self) -> tuple[Page, ...]:
        """The modules. The first pass finds out what is used from elsewhere, the second writes."""
        self._pass()
        first = self._pass()
        self.texts = {page.name: _text(page) for page in first}
        return self._pass()

    def _pass(self) -> tuple[Page, ...]:
        self.kept, self.notes = self.notes.kept, Notes()
        self.notes.kept |= self.kept
        self.writers = {}
        for module in self.layout.modules.values():
            self.writers[module.name] = Writer(self, module)
        return tuple(_page(writer) for writer in self.writers.values())

    # ---------------------------------------------------------- what the writers ask

    def of(self, module: Module) -> Iterator[Resource]:
        """All resources of a module."""
        connections = {r.key for r in self.graph.resources if r.provider is None and r in module.shared}
        return (r for r in self.graph.resources if (r.provider or r.key) in connections)

    def owner(self, key: str) -> Writer | None:
        """The writer of the module that has a resource at its top level."""
        return self.writers.get(self.homes.get(key, ""))

    def spell(self, key: str) -> Spelling:
        """How a resource is written."""
        return typed(self.resources[key], self.untyped)

    def unique(self, key: str) -> str:
        """The name inside a cloud of what has that key."""
        return naming.cloud_name(self.mcis, key)

    def used(self, module: str, name: str) -> bool:
        """Whether anything uses a module's variable; everything may, before there is a text."""
        if not self.texts:
            return True
        own = re.sub(rf"^ *{name}\[\w+\] = ", "", self.texts[module], flags=re.MULTILINE)
        return mentions(own, name) or any(
            re.search(rf"\bconnections\.{module}\.{name}\b", text) for text in self.texts.values()
        )

    def keep(self, name: str, suffix: str, text: str) -> str:
        """Keep a text as a file of `boot/`; returns its name."""
        number, found = 2, f"{name}{suffix}"
        while self.notes.boot.get(found, text) != text:
            found, number = f"{name}-{number}{suffix}", number + 1
        self.notes.boot[found] = text
        return found

    def noted(self) -> Notes:
        """The notes as they are."""
        notes = self.notes
        return Notes(dict(notes.boot), dict(notes.secrets), set(notes.kept), set(notes.counted))

    def forget(self, notes: Notes) -> None:
        """Go back to those notes."""
        self.notes = notes

    def _machines(self) -> dict[str, Sequence[str]]:
        """The VMs of every group that lives in one connection, in order."""
        homes: dict[str, set[str | None]] = {}
        found: dict[str, list[str]] = {}
        for vm, group in self.groups.items():
            if vm in self.resources:
                homes.setdefault(group, set()).add(self.resources[vm].provider)
                found.setdefault(group, []).append(vm)
        return {group: vms for group, vms in found.items() if len(homes[group]) == 1}


def _page(writer: Writer) -> Page:
    shared = writer.shared()
    functions = tuple(writer.functions())
    return Page(
        name=writer.module.name,
        connection=writer.module.connection,
        imports=tuple(sorted(writer.imports)),
        helpers=tuple(sorted(writer.helpers)),
        tags=writer.tags,
        shared=shared,
        functions=functions,
    )


def _text(page: Page) -> str:
    return "\n".join((page.shared, *(function.body for function in page.functions)))


def _inventory(graph: Graph) -> dict[str, Mapping[str, Value]]:
    found: Any = graph.outputs.get("inventory")
    return dict(found) if isinstance(found, Mapping) else {}


def _entries(
    inventory: Mapping[str, Mapping[str, Value]],
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    for vm, entry in inventory.items():
        for name, value in entry.items():
            if isinstance(value, Ref):
                yield (value.key, value.path), (vm, name)
