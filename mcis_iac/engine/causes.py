"""Why a resource is replaced, when it is only because something it refers to is.

A machine that must be made anew because its launch template or its subnet is has no news of its own:
what people want to read is what changed there. The same goes for what the engine takes down and makes
again only because what it belongs to goes first: it names no property at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from mcis_iac.model import Change, Diff, Op, PropertyChange
from mcis_iac.program.graph import Graph, Resource, refs

# Clouds want names that are free; where another property is the cause, its name only follows.
FOLLOWS = "name"
_FIRST = re.compile(r"[^.\[]+")


def traced(diff: Diff, graph: Graph) -> Diff:
    """The diff with the properties that are the origin of each replacement in the place of references."""
    replaced = {change.key: change for change in diff.changes if change.op is Op.REPLACE}
    resources = {resource.key: resource for resource in graph.resources if resource.key in replaced}
    changes = tuple(
        _explained(change, replaced, resources) if change.key in resources else change
        for change in diff.changes
    )
    return replace(diff, changes=changes)


def _explained(change: Change, replaced: Mapping[str, Change], resources: Mapping[str, Resource]) -> Change:
    origins = {item.path: item for item in _origins(change, replaced, resources)}
    if len(origins) > 1:
        origins.pop(FOLLOWS, None)
    own = [item for item in change.properties if item.path not in origins and not item.replaces]
    known = {item.path for item in change.properties}
    asked = tuple(reason for reason in change.replace_reasons if reason not in known)
    reasons = (*origins, *asked) or tuple(dict.fromkeys(_asked(change, replaced, resources)))
    return replace(change, properties=(*origins.values(), *own), replace_reasons=reasons)


def _origins(
    change: Change, replaced: Mapping[str, Change], resources: Mapping[str, Resource]
) -> Iterator[PropertyChange]:
    for item in change.properties:
        if item.replaces:
            found = _FIRST.match(item.path)
            resource = resources.get(change.key)
            value = resource.inputs.get(found[0]) if found and resource else None
            behind = [replaced[ref.key] for ref in refs(value) if ref.key in replaced]
            deeper = [origin for other in behind for origin in _origins(other, replaced, resources)]
            yield from deeper or [item]
    if not change.replace_reasons:
        for other in _behind(change, replaced, resources):
            yield from _origins(other, replaced, resources)


def _asked(
    change: Change, replaced: Mapping[str, Change], resources: Mapping[str, Resource]
) -> Iterator[str]:
    """The reasons, other than properties, of what a replaced one without any must go with."""
    yield from change.replace_reasons
    if not change.replace_reasons:
        for other in _behind(change, replaced, resources):
            yield from _asked(other, replaced, resources)


def _behind(
    change: Change, replaced: Mapping[str, Change], resources: Mapping[str, Resource]
) -> list[Change]:
    """The replaced ones that a resource refers to in any way."""
    resource = resources.get(change.key)
    if resource is None:
        return []
    after = (*resource.options.depends_on, *filter(None, (resource.options.deleted_with,)))
    keys = dict.fromkeys((*(ref.key for ref in refs(resource.inputs)), *after))
    return [replaced[key] for key in keys if key in replaced]
