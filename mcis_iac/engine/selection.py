"""From the names a user gives to the resources the engine is told about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from mcis_iac.engine.checkpoint import StateResource
from mcis_iac.engine.subjects import Subjects
from mcis_iac.errors import NotFoundError
from mcis_iac.model import Subject
from mcis_iac.program.graph import Graph, Options, Resource, refs


def targeted(
    names: Iterable[str], graph: Graph, state: Iterable[StateResource], subjects: Subjects
) -> dict[str, str]:
    """Key -> token of everything that serves the named groups, VMs or keys, with what it depends on.

    What is in state and no longer declared is included too, so that it can be removed.
    """
    wanted = tuple(names)
    by_key = {resource.key: resource for resource in graph.resources}
    declared = [key for key, resource in by_key.items() if _serves(key, subjects.find(key), wanted)]
    old = {one.key: one.token for one in state if one.key not in by_key}
    leaving = {key: token for key, token in old.items() if _serves(key, subjects.find(key), wanted)}
    _require(wanted, (*declared, *leaving), subjects)
    needed = {key: by_key[key].token for key in closure(declared, by_key)}
    return {**needed, **leaving}


def existing(names: Iterable[str], state: Iterable[StateResource], subjects: Subjects) -> list[str]:
    """URNs of what the state has of the named groups, VMs or keys."""
    wanted = tuple(names)
    found = [one for one in state if _serves(one.key, subjects.find(one.key), wanted)]
    _require(wanted, [one.key for one in found], subjects)
    return [one.urn for one in found]


def machines(names: Iterable[str], graph: Graph, subjects: Subjects) -> list[Resource]:
    """The declared machines among the named groups and VMs (not their disks or addresses)."""
    wanted = tuple(names)
    vms = [one for one in graph.resources if subjects.is_vm(one.token)]
    found = [one for one in vms if _serves(one.key, subjects.find(one.key), wanted)]
    _require(wanted, [one.key for one in found], subjects)
    return found


def rebuilt(graph: Graph, keys: Iterable[str]) -> Graph:
    """The graph with everything counted that is otherwise ignored about those resources."""
    chosen = frozenset(keys)
    if not chosen:
        return graph
    return replace(graph, resources=tuple(_plainly(r) if r.key in chosen else r for r in graph.resources))


def _plainly(resource: Resource) -> Resource:
    options: Options = replace(resource.options, ignore_changes=())
    return replace(resource, options=options)


def closure(keys: Iterable[str], by_key: Mapping[str, Resource]) -> Iterator[str]:
    """The keys and everything they depend on, each once."""
    seen: set[str] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key in seen or key not in by_key:
            continue
        seen.add(key)
        yield key
        one = by_key[key]
        waiting += [ref.key for ref in refs(one.inputs)]
        waiting += one.options.depends_on
        waiting += [other for other in (one.provider, one.options.deleted_with) if other]


def _serves(key: str, subject: Subject, names: tuple[str, ...]) -> bool:
    return any(name in {key, subject.vm} or (subject.vm and name == subject.group) for name in names)


def _require(names: tuple[str, ...], keys: Iterable[str], subjects: Subjects) -> None:
    found = tuple(keys)
    for name in names:
        if not any(_serves(key, subjects.find(key), (name,)) for key in found):
            raise NotFoundError(
                summary="no such group or VM",
                detail=f"`{name}` is neither declared nor does it exist in this stack.",
            )
