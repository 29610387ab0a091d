"""The rules for renamed groups: `formerly` leads to a group that is gone, and nobody else takes it over."""

from __future__ import annotations

from collections.abc import Iterator

from mcis_iac.manifest.diagnostics import problem
from mcis_iac.manifest.scene import Scene
from mcis_iac.model import Diagnostic, Related, Span

HINT = "`formerly` names what this group was called in the last `up`, and the manifest no longer has"


def former_names(scene: Scene) -> Iterator[Diagnostic]:
    """No `formerly` names a group that is there, nor one that another group takes over."""
    taken: dict[str, Span] = {}
    for name, group in scene.groups.items():
        entry = group.node.entry("formerly")
        if entry is None or not isinstance(entry.node.value, str):
            continue
        old = entry.node.value
        if old == name:
            yield problem("MCIS229", entry.span, "that is its name now", hint=HINT, group=name)
        elif old in scene.groups:
            related = (Related(span=scene.groups[old].key_span, label="still here"),)
            detail = f"group `{old}` still exists"
            yield problem("MCIS229", entry.span, detail, related=related, hint=HINT, group=name)
        elif old in taken:
            related = (Related(span=taken[old], label="taken over here"),)
            detail = f"`{old}` can become one group only"
            yield problem("MCIS229", entry.span, detail, related=related, hint=HINT, group=name)
        taken.setdefault(old, entry.span)
