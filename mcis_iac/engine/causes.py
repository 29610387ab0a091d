"""Why a resource is replaced, when it is only because something it refers to is.

A machine that must be made anew because its launch template or its subnet is has no news of its own:
what people want to read is what changed there. The same goes for what the engine takes down and makes
again only because what it belongs to goes first: it names no property at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mcis_iac.model import Change, Diff, Op, PropertyChange
from mcis_iac.program.graph import Graph, Resource, refs

# Clouds want names that are free; where another property is the cause, its name only follows.
FOLLOWS = "name"
_FIRST = re.compile(r"[^.\[]+")


def traced(diff: Diff, graph: Graph) -> Diff:
    """The diff with the properties that are the origin of each replacement in the place of references."""
    replaced = {change.key: change for change in diff.changes if change.op is Op.REPLACE}
    resources = {resource.key: resource for resource in graph.resources if resource.key in replaced}
    trail = _Trail(replaced, resources)
    changes = tuple(trail.explained(change) if change.key in resources else change for change in diff.changes)
    return replace(diff, changes=changes)


@dataclass(frozen=True, slots=True)
class _Trail:
    """What is replaced, by key: the changes, and the resources as the graph has them."""

    replaced: Mapping[str, Change]
    resources: Mapping[str, Resource]

    def explained(self, change: Change) -> Change:
        origins = {item.path: item for item in self._origins(change)}
        if len(origins) > 1:
            origins.pop(FOLLOWS, None)
        own = [item for item in change.properties if item.path not in origins and not item.replaces]
        known = {item.path for item in change.properties}
        asked = tuple(reason for reason in change.replace_reasons if reason not in known)
        reasons = (*origins, *asked) or tuple(dict.fromkeys(self._asked(change)))
        return replace(change, properties=(*origins.values(), *own), replace_reasons=reasons)

    def _origins(self, change: Change) -> Iterator[PropertyChange]:
        for item in change.properties:
            if item.replaces:
                behind = self._named_in(change, item)
                deeper = [origin for other in behind for origin in self._origins(other)]
                yield from deeper or [item]
        for other in self._dragging(change):
            yield from self._origins(other)

    def _asked(self, change: Change) -> Iterator[str]:
        """The reasons, other than properties, of what a replaced one without any must go with."""
        yield from change.replace_reasons
        for other in self._dragging(change):
            yield from self._asked(other)

    def _named_in(self, change: Change, item: PropertyChange) -> list[Change]:
        """The replaced ones that a property refers to."""
        found = _FIRST.match(item.path)
        resource = self.resources.get(change.key)
        value = resource.inputs.get(found[0]) if found and resource else None
        return [self.replaced[ref.key] for ref in refs(value) if ref.key in self.replaced]

    def _dragging(self, change: Change) -> list[Change]:
        """The replaced ones that a resource without a reason of its own refers to in any way."""
        resource = self.resources.get(change.key)
        if resource is None or change.replace_reasons:
            return []
        after = (*resource.options.depends_on, *filter(None, (resource.options.deleted_with,)))
        keys = dict.fromkeys((*(ref.key for ref in refs(resource.inputs)), *after))
        return [self.replaced[key] for key in keys if key in self.replaced]
