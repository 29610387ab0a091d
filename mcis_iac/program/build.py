"""From a plan to the graph of a whole stack. Pure: no engine, no network, the same every time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcis_iac.clouds import registry
from mcis_iac.model import Connection, Plan
from mcis_iac.program import naming, renaming
from mcis_iac.program.graph import Graph, Ref, Resource, Value, refs


class GraphError(ValueError):
    """A cloud declared a graph that cannot be registered: a fault of ours, not of the user."""

    def __init__(self, *, problem: str) -> None:
        super().__init__(problem)


def build(plan: Plan) -> Graph:
    """All connections' resources and the one output `inventory`."""
    return renaming.as_now(_built(renaming.as_before(plan)), plan) if plan.formerly else _built(plan)


def _built(plan: Plan) -> Graph:
    resources: dict[str, Resource] = {}
    reach: dict[str, frozenset[str]] = {}
    for resource in _declared(plan):
        if resource.key in resources:
            raise GraphError(problem=f"two resources have the key {resource.key}")
        reach[resource.key] = _require(resource, resources, reach)
        resources[resource.key] = resource
    entries = {
        naming.vm(member.group, member.ordinal): registry.graph(member.cloud).inventory(plan, member)
        for member in plan.members
    }
    _require_refs("inventory", entries, resources)
    return Graph(
        project=plan.mcis.namespace,
        stack=plan.mcis.stack,
        resources=tuple(resources.values()),
        outputs={"inventory": entries},
    )


def _declared(plan: Plan) -> Iterator[Resource]:
    """First what stands alone, then what refers to the VMs of other connections."""
    for connection in _connections(plan):
        yield from registry.graph(connection.cloud).declare(plan, connection)
    for connection in _connections(plan):
        yield from registry.graph(connection.cloud).links(plan, connection)


def _connections(plan: Plan) -> Iterator[Connection]:
    """The connections in use, by name, so that the order of groups does not matter."""
    for name in sorted({member.connection for member in plan.members}):
        yield plan.mcis.connections[name]


def _require(
    resource: Resource, known: Mapping[str, Resource], reach: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """All that a resource depends on; everything it needs must have been declared before it."""
    options = resource.options
    for key in filter(None, (resource.provider, options.deleted_with, *options.depends_on)):
        if key not in known:
            raise GraphError(problem=f"{resource.key} needs {key}, which is not declared before it")
    found = list(_require_refs(resource.key, resource.inputs, known))
    direct = {*options.depends_on, *(ref.key for ref in found if not ref.implied)}
    reached = frozenset(direct).union(*(reach[key] for key in direct))
    for ref in found:
        if ref.key not in reached:
            raise GraphError(problem=f"{resource.key} does not depend on {ref.key}, as it implies")
    return reached


def _require_refs(user: str, value: Value, known: Mapping[str, Resource]) -> list[Ref]:
    found = list(refs(value))
    for ref in found:
        target = known.get(ref.key)
        if target is None:
            raise GraphError(problem=f"{user} refers to {ref.key}, which is not declared before it")
        name = ref.path.partition(".")[0]
        if name and name not in target.outputs and name not in target.inputs:
            raise GraphError(problem=f"{user} refers to {ref.key}.{name}, which it does not declare")
    return found
