"""Inventory entries put together from what exists, while an operation runs and after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mcis_iac.engine.diff import plain
from mcis_iac.program.graph import Graph, Join, Ref, Secret, refs

OnVmCreated = Callable[[str, Mapping[str, Any]], None]


class Entries:
    """Completes inventory entries of new VMs from what exists so far."""

    def __init__(self, graph: Graph | None, on_vm_created: OnVmCreated | None) -> None:
        inventory = graph.outputs.get("inventory") if graph and on_vm_created else None
        self._wanted = inventory if isinstance(inventory, Mapping) else {}
        self._tell = on_vm_created
        self._needed = {ref.key for entry in self._wanted.values() for ref in refs(entry)}
        self._known: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._expected: list[str] = []

    def learn(self, key: str, state: Any) -> None:
        """Remember what a resource is, if an entry refers to it, and tell what has become complete."""
        if key in self._needed and state.id:
            self._known[key] = (state.id, state.outputs or {})
            self._tell_complete()

    def expect(self, name: str) -> None:
        """A VM has been made: tell its entry as soon as it is complete."""
        if name in self._wanted:
            self._expected.append(name)
            self._tell_complete()

    def _tell_complete(self) -> None:
        for name in tuple(self._expected):
            entry = self._wanted[name]
            if all(ref.key in self._known for ref in refs(entry)):
                self._expected.remove(name)
                if self._tell is not None:
                    self._tell(name, plain(filled(entry, self._known)))


def filled(value: Any, known: Mapping[str, tuple[str, Mapping[str, Any]]]) -> Any:
    """A value of the graph, secrets in clear, with its references replaced by what is known.

    `known` has (id, outputs) by key.
    """
    if isinstance(value, Secret):
        return filled(value.value, known)
    if isinstance(value, Ref):
        id_, outputs = known[value.key]
        return _inside(outputs, value.path) if value.path else id_
    if isinstance(value, Join):
        return "".join(str(filled(part, known)) for part in value.parts)
    if isinstance(value, Mapping):
        return {name: filled(part, known) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [filled(part, known) for part in value]
    return value


def _inside(value: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(value, list):
            value = value[int(name)] if int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value
