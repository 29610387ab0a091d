"""Why a resource is replaced, when it is only because something it refers to is.

A machine that must be made anew because its launch template or its subnet is has no news of its own:
what people want to read is what changed there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from mcis_iac.model import Change, Diff, Op, PropertyChange
from mcis_iac.program.graph import Graph, refs

# Clouds want names that are free; where another property is the cause, its name only follows.
FOLLOWS = "name"
_FIRST = re.compile(r"[^.\[]+")


def traced(diff: Diff, graph: Graph) -> Diff:
    """The diff with the properties that are the origin of each replacement in the place of references."""
    replaced = {change.key: change for change in diff.changes if change.op is Op.REPLACE}
    inputs = {resource.key: resource.inputs for resource in graph.resources if resource.key in replaced}
    changes = tuple(
        _explained(change, replaced, inputs) if change.key in inputs else change for change in diff.changes
    )
    return replace(diff, changes=changes)


def _explained(
    change: Change, replaced: Mapping[str, Change], inputs: Mapping[str, Mapping[str, object]]
) -> Change:
    origins = {item.path: item for item in _origins(change, replaced, inputs)}
    if len(origins) > 1:
        origins.pop(FOLLOWS, None)
    own = [item for item in change.properties if item.path not in origins and not item.replaces]
    known = {item.path for item in change.properties}
    asked = tuple(reason for reason in change.replace_reasons if reason not in known)
    return replace(change, properties=(*origins.values(), *own), replace_reasons=(*origins, *asked))


def _origins(
    change: Change, replaced: Mapping[str, Change], inputs: Mapping[str, Mapping[str, object]]
) -> Iterator[PropertyChange]:
    for item in change.properties:
        if item.replaces:
            found = _FIRST.match(item.path)
            value = inputs[change.key].get(found[0]) if found and change.key in inputs else None
            behind = [replaced[ref.key] for ref in refs(value) if ref.key in replaced]
            deeper = [origin for other in behind for origin in _origins(other, replaced, inputs)]
            yield from deeper or [item]
