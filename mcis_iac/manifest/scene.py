"""What the rules look at: the merged tree, its groups with the defaults in them, who uses what.

Everything here tolerates any shape: the schema pass reports wrong shapes, the rules only skip them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mcis_iac.manifest import schema
from mcis_iac.manifest.guess import nearest
from mcis_iac.manifest.nodes import Entry, Node
from mcis_iac.manifest.overlay import merge
from mcis_iac.model import NOTHING, Span

BUILT_IN_IMAGES = ("debian-12", "rocky-9", "ubuntu-22.04", "ubuntu-24.04")
GENERATED_KEY = "generated"
MAIN_NETWORK = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A merged manifest. `groups` maps a name to the group's entry, defaults merged into it;
    `by_cloud` has the connections of each cloud, `texts` the text of each file, where it is at hand."""

    root: Node
    groups: Mapping[str, Entry]
    folder: Path
    by_cloud: Mapping[str, tuple[str, ...]]
    texts: Mapping[str, str] = field(default_factory=lambda: NOTHING)

    def names(self, section: str) -> tuple[str, ...]:
        """The names defined in a section, in the order written."""
        node = self.root.get(section)
        return tuple(entry.key for entry in node.entries()) if node is not None else ()

    def lists(self, section: str) -> bool:
        """Whether all names of a section are known: it is a map, or surely not there, which is none."""
        node = self.root.get(section)
        return node.is_map if node is not None else not misspelt(self.root, None, section)

    def entries(self, section: str) -> Iterator[Entry]:
        """The entries of a section."""
        node = self.root.get(section)
        yield from node.entries() if node is not None else ()


def scene(root: Node, folder: Path, texts: Mapping[str, str] = NOTHING) -> Scene:
    """The merged tree as the rules want it."""
    defaults = root.get("defaults")
    groups = {}
    node = root.get("groups")
    for entry in node.entries() if node is not None else ():
        whole = entry.node
        if defaults is not None and defaults.is_map and whole.is_map:
            whole = merge(defaults, whole, ("groups", entry.key), home="over")
        groups[entry.key] = Entry(entry.key, entry.key_span, whole)
    return Scene(root=root, groups=groups, folder=folder, by_cloud=_by_cloud(root), texts=texts)


def misspelt(node: Node, what: str | None, *names: str) -> bool:
    """A field nobody knows is surely meant as one of these, and is reported as such.

    `what` is the schema's name for the map, None for the manifest itself.
    """
    whole = schema.document()
    known = dict(schema.fields(whole["$defs"][what] if what else whole))
    absent = [name for name in known if node.entry(name) is None]
    return any(entry.key not in known and nearest(entry.key, absent) in names for entry in node.entries())


def _by_cloud(root: Node) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    node = root.get("connections")
    for entry in node.entries() if node is not None else ():
        cloud = entry.node.text("cloud")
        if cloud is not None:
            found.setdefault(cloud, []).append(entry.key)
    return {cloud: tuple(names) for cloud, names in found.items()}


def too_much(root: Node, limit: int = 500_000) -> Entry | None:
    """The defaults, when merging them into every group would be beyond any real manifest."""
    defaults, groups = root.entry("defaults"), root.get("groups")
    if defaults is None or groups is None:
        return None
    return defaults if _weight(defaults.node) * sum(1 for _ in groups.entries()) > limit else None


def _weight(node: Node) -> int:
    inside = (*node.items(), *(entry.node for entry in node.entries()))
    return 1 + sum(_weight(inner) for inner in inside)


def cloud_of(root: Node, connection: str) -> str | None:
    """The cloud of a connection: what it is declared with, else the one it is called like."""
    declared = root.entry("connections", connection)
    return connection if declared is None else declared.node.text("cloud")


def connection(scene: Scene, group: Entry) -> tuple[str, str] | None:
    """Connection and cloud of a group, where both are certain."""
    found = _connection(scene, group)
    known = schema.document()["$defs"]["cloud"]["enum"]
    return found if found is not None and found[1] in known else None


def _connection(scene: Scene, group: Entry) -> tuple[str, str] | None:
    name, cloud = group.node.text("placement", "connection"), group.node.text("placement", "cloud")
    if name is not None:
        cloud = scene.root.text("connections", name, "cloud")
        return (name, cloud) if cloud else None
    if cloud is None:
        return None
    known = scene.by_cloud.get(cloud, ())
    if cloud in known or not known:
        return cloud, cloud
    return (known[0], cloud) if len(known) == 1 else None


def network(scene: Scene, group: Entry) -> str | None:
    """The name of the group's network; None when it had to be said and was not."""
    own, known = group.node.text("network"), scene.names("networks")
    if own is not None:
        return own
    if len(known) == 1:
        return known[0]
    return MAIN_NETWORK if MAIN_NETWORK in known or not known else None


def firewalls(group: Entry) -> tuple[tuple[str, Span], ...]:
    """The firewalls a group names, each with its place."""
    node = group.node.get("firewall")
    if node is None:
        return ()
    named = node.items() if node.is_list else (node,)
    return tuple((item.value, item.span) for item in named if isinstance(item.value, str))
