"""The rules for jump hosts: `via` leads to a group that can be reached, and not back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcis_iac.manifest.diagnostics import problem
from mcis_iac.manifest.guess import listed, nearest, short
from mcis_iac.manifest.nodes import Entry
from mcis_iac.manifest.scene import Scene
from mcis_iac.model import Diagnostic, Related


def jumps(scene: Scene) -> Iterator[Diagnostic]:
    """Every `via` names another group, which has public addresses or a way of its own."""
    named = _named(scene)
    for group, entry in named.items():
        word = str(entry.node.value)
        if word not in scene.groups:
            guess = nearest(word, scene.groups)
            detail = f"did you mean `{guess}`?" if guess else f"no group is called `{short(word)}`"
            notes = (f"groups: {listed(tuple(scene.groups), word)}",)
            yield problem("MCIS201", entry.span, detail, notes=notes, group=group)
        elif (circle := _circle(group, named)) is not None:
            hint = "one group on the way has to be reached directly"
            yield problem("MCIS227", entry.span, circle, hint=hint, group=group)
        elif word not in named and (closed := _closed(scene.groups[word])) is not None:
            related = (Related(span=closed.span, label="set here"),)
            detail = f"VMs of `{word}` have no public address"
            yield problem("MCIS228", entry.span, detail, related=related, group=group)


def _named(scene: Scene) -> Mapping[str, Entry]:
    """The groups that say `via`; a jump host is not behind itself because a default says so for all."""
    found = {}
    for name, group in scene.groups.items():
        entry = group.node.entry("via")
        if entry is None or not isinstance(entry.node.value, str):
            continue
        inherited = scene.root.entry("groups", name, "via") is None
        if not (inherited and entry.node.value == name):
            found[name] = entry
    return found


def _circle(group: str, named: Mapping[str, Entry]) -> str | None:
    """The way round that begins and ends with the group; None when there is none."""
    way = [group]
    while way[-1] in named and len(way) <= len(named):
        way.append(str(named[way[-1]].node.value))
        if way[-1] == group:
            return "a group is not reached through itself" if len(way) == 2 else " -> ".join(way)  # noqa: PLR2004
    return None


def _closed(group: Entry) -> Entry | None:
    entry = group.node.entry("public_ip")
    return entry if entry is not None and entry.node.value is False else None
