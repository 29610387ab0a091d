"""A graph against the installed typed packages: every input of every resource, every output named.

Costs seconds and hundreds of MiB of imports, so only `validate --types` and tests come here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mcis_iac.clouds import registry
from mcis_iac.program.graph import Graph, Ref, Resource, Secret, Value, refs
from mcis_iac.program.typed import paths, shapes
from mcis_iac.program.typed.shapes import Shape
from mcis_iac.program.typed.values import Words, check_inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeProblem:
    """Something of a resource that its provider does not know or would not take.

    `path` is dotted, list positions are numbers; it is empty when the resource itself is meant.
    """

    resource: Resource
    path: str
    problem: str

    def __str__(self) -> str:
        where = f" {self.path}" if self.path else ""
        return f"{self.resource.key} ({self.resource.token}){where}: {self.problem}"


def problems(graph: Graph) -> tuple[TypeProblem, ...]:
    """Everything that does not fit, in the order of the graph.

    Resources of providers that come with this package have no typed package and are not looked at.
    OperationError when a typed package is not installed in the pinned version.
    """
    return tuple(_problems(graph))


def _problems(graph: Graph) -> Iterator[TypeProblem]:
    ours = _without_types()
    known: dict[str, Resource] = {}
    for resource in graph.resources:
        known[resource.key] = resource
        for path, problem in _of_references(resource.inputs, known, ours):
            yield TypeProblem(resource=resource, path=path, problem=problem)
        if resource.package not in ours:
            yield from _of_resource(resource)
    for ref in refs(graph.outputs):
        problem = _of_reference(ref, known, ours)
        if problem and ref.key in known:
            yield TypeProblem(resource=known[ref.key], path=ref.path, problem=problem)


def _without_types() -> frozenset[str]:
    modules = (registry.graph(name) for name in registry.CLOUDS)
    return frozenset(module.PACKAGE for module in modules if module.SHIPS_PLUGIN)


def _of_resource(resource: Resource) -> Iterator[TypeProblem]:
    shapes.require(resource.package, resource.version)
    shape = shapes.shape(resource.token)
    if shape is None:
        yield TypeProblem(resource=resource, path="", problem="no such resource type")
        return
    given = resource.inputs
    if resource.token.startswith(shapes.PROVIDERS):
        given = _decoded(shape.args, given)
    for misfit in check_inputs(shape.args, given, Words(resource.token)):
        yield TypeProblem(resource=resource, path=misfit.path, problem=misfit.problem)
    for path, problem in _of_options(resource, shape):
        yield TypeProblem(resource=resource, path=path, problem=problem)


def _decoded(args: type, given: Mapping[str, Value]) -> dict[str, Value]:
    """A provider's inputs as they are meant: what is not text travels as JSON in a text."""
    known = shapes.inputs(args)
    return {name: _meant(known.get(name, str), value) for name, value in given.items()}


def _meant(annotation: Any, value: Value) -> Value:
    plain = value.value if isinstance(value, Secret) else value
    if not isinstance(plain, str) or str in shapes.alternatives(annotation):
        return value
    try:
        decoded: Value = json.loads(plain)
    except ValueError:
        return value
    return decoded


def _of_options(resource: Resource, shape: Shape) -> Iterator[tuple[str, str]]:
    """Property paths in options that lead nowhere do nothing, silently."""
    known = {**shape.outputs, **shapes.inputs(shape.args)}
    options = resource.options
    named = {
        "ignore changes": options.ignore_changes,
        "replace on changes": options.replace_on_changes,
        "additional secret outputs": options.additional_secret_outputs,
    }
    for option, found in named.items():
        for path in found:
            if not paths.leads(known, paths.steps(path)):
                yield path, f"is no property ({option})"
    for output in resource.outputs:
        if output not in shape.outputs:
            yield output, "is not an output"


def _of_references(
    value: Value, known: Mapping[str, Resource], ours: frozenset[str], at: str = ""
) -> Iterator[tuple[str, str]]:
    """The references inside a value, each with the input it stands in."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _of_references(inner, known, ours, f"{at}.{name}" if at else str(name))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _of_references(inner, known, ours, f"{at}.{number}")
    else:
        for ref in refs(value):
            problem = _of_reference(ref, known, ours)
            if problem:
                yield at, problem


def _of_reference(ref: Ref, known: Mapping[str, Resource], ours: frozenset[str]) -> str:
    """What is wrong with a reference, "" when nothing is."""
    target = known.get(ref.key)
    if target is None:
        return f"refers to {ref.key}, which is not declared before it"
    if not ref.path or target.package in ours:
        return ""
    shapes.require(target.package, target.version)
    shape = shapes.shape(target.token)
    if shape is None or paths.leads(shape.outputs, ref.path.split(".")):
        return ""
    return f"refers to {ref.key}.{ref.path}, which {target.token} does not have"
