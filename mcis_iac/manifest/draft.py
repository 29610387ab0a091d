"""What is sound of a refused manifest, so that later stages find their problems in the same run.

Whatever an error points at is cut from the tree, then what only made sense beside it, until nothing
is refused. Groups that still lead to a cloud remain. Where a value is needed and was lost, another
one stands in, at a place by which `diagnostics.credible` knows it. A draft is for checks alone:
nothing may be planned or made from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import is_
from pathlib import Path
from types import MappingProxyType

from mcis_iac.manifest import build
from mcis_iac.manifest import scene as scenes
from mcis_iac.manifest.diagnostics import STAND_IN, failed
from mcis_iac.manifest.examine import examine
from mcis_iac.manifest.nodes import UNREADABLE, Entry, Node, variants
from mcis_iac.manifest.scene import BUILT_IN_IMAGES, GENERATED_KEY, MAIN_NETWORK, Scene, scene, too_much
from mcis_iac.model import Mcis, Span

NOTHING = Node(MappingProxyType({}), STAND_IN)

BAD_NAME, NOT_TOGETHER = "MCIS115", "MCIS117"
# Maps that stay when something is missing in them: what they still hold can be judged.
PILLARS = (
    ("groups",),
    ("groups", "*"),
    ("groups", "*", "placement"),
    ("defaults",),
    ("defaults", "placement"),
)
ROUNDS = 20  # each cuts what the one before made meaningless; real manifests need three


def drafts_of(root: Node | None, *, folder: Path, file: str, env: str | None) -> tuple[Mcis, ...]:
    """A draft per body of repeated keys; of a tree that cannot be read, one without groups."""
    trees = variants(root) if root is not None else (NOTHING,)
    return tuple(build.mcis(_draft(tree, folder), file=file, env=env) for tree in trees)


def _draft(root: Node, folder: Path) -> Scene:
    sound = _sound(root, folder)
    before, after = scene(root if root.is_map else NOTHING, folder), scene(sound, folder)
    return _filled(before, after)


# ---------------------------------------------------------------- cutting


@dataclass(frozen=True, slots=True)
class _Refused:
    """Places of errors. Of the fields at `rivals` only one is meant, so that neither counts."""

    places: frozenset[Span | None]
    rivals: frozenset[Span | None]

    def has(self, node: Node) -> bool:
        """An error points at the value, or it could not be read."""
        return node.span in self.places or node.value is UNREADABLE

    def names(self, entry: Entry) -> bool:
        """An error points at the key, which stands for anything larger than a scalar."""
        return entry.key_span in self.places or (entry.node.visible and self.has(entry.node))


def _sound(root: Node, folder: Path) -> Node:
    """The tree without what is refused; nothing when that does not come to an end."""
    if not root.is_map or too_much(root) is not None:
        return _named(NOTHING)
    tree = _named(root)
    for _ in range(ROUNDS):
        errors = [found for found in examine(tree, folder) if failed((found,)) and found.code != BAD_NAME]
        places = frozenset(found.span for found in errors) - {STAND_IN}
        rivals = frozenset(found.span for found in errors if found.code == NOT_TOGETHER)
        less = _cut(tree, _Refused(places=places, rivals=rivals), ())
        if less is tree:
            return tree
        tree = _named(less)
    return _named(NOTHING)


def _named(root: Node) -> Node:
    """With the head every manifest has; a missing one is reported at whatever comes first."""
    head = {"version": _value(1), "name": _value("draft"), "groups": NOTHING}
    return _with(root, head)


def _value(value: object) -> Node:
    return Node(value, STAND_IN)


def _with(node: Node, others: Mapping[str, Node]) -> Node:
    """The map with those fields where it has none of its own."""
    missing = {key: Entry(key, STAND_IN, inner) for key, inner in others.items() if key not in node.value}
    return replace(node, value=MappingProxyType({**node.value, **missing})) if missing else node


def _cut(node: Node, refused: _Refused, path: tuple[str, ...]) -> Node:
    """The same node when nothing below it is refused."""
    if node.is_list:
        items = [_cut(one, refused, (*path, "*")) for one in node.items() if not refused.has(one)]
        return node if _same(items, node.items()) else replace(node, value=tuple(items))
    if not node.is_map:
        return node
    if any(entry.key_span in refused.rivals for entry in node.entries()):
        return replace(node, value=MappingProxyType({}))
    kept = [_cut_below(entry, refused, (*path, entry.key)) for entry in node.entries()]
    entries = [entry for entry in kept if entry is not None]
    if _same(entries, tuple(node.entries())):
        return node
    return replace(node, value=MappingProxyType({entry.key: entry for entry in entries}))


def _cut_below(entry: Entry, refused: _Refused, path: tuple[str, ...]) -> Entry | None:
    if refused.names(entry) and not (entry.node.is_map and _is_pillar(path)):
        return None
    inner = _cut(entry.node, refused, path)
    return entry if inner is entry.node else replace(entry, node=inner)


def _same(some: Sequence[object], others: Sequence[object]) -> bool:
    return len(some) == len(others) and all(map(is_, some, others))


def _is_pillar(path: tuple[str, ...]) -> bool:
    return any(
        len(pillar) == len(path) and all(a in {"*", b} for a, b in zip(pillar, path, strict=True))
        for pillar in PILLARS
    )


# ---------------------------------------------------------------- standing in


def _filled(before: Scene, after: Scene) -> Scene:
    """The groups that lead to a cloud, with every field that a lost value could have decided."""
    shaken = any(before.names(section) != after.names(section) for section in ("keys", "networks"))
    groups = {}
    for name, group in after.groups.items():
        if scenes.connection(after, group) is not None:
            lost = shaken or group.node != before.groups[name].node
            groups[name] = replace(group, node=_group(after, group, lost=lost))
    whole = replace(after, groups=groups)
    return replace(whole, root=_roomy(whole.root)) if _somewhere(whole) else whole


def _group(scene: Scene, group: Entry, *, lost: bool) -> Node:
    placement = group.node.entry("placement")
    assert placement is not None
    place = replace(placement, node=_with(placement.node, {"region": _value("")}))
    node = replace(group.node, value=MappingProxyType({**group.node.value, "placement": place}))
    if scenes.network(scene, group) is None or lost:
        node = _with(node, {"network": _value(next(iter(scene.names("networks")), MAIN_NETWORK))})
    own = {"image": _value(BUILT_IN_IMAGES[0]), "key": _value(GENERATED_KEY)}
    return _with(node, own) if lost else node


def _somewhere(scene: Scene) -> bool:
    """Whether a group is in a region or network that stands in: then ranges cannot be judged."""
    fields = (("placement", "region"), ("network",))
    entries = (group.node.entry(*field) for group in scene.groups.values() for field in fields)
    return any(entry is not None and entry.span == STAND_IN for entry in entries)


def _roomy(root: Node) -> Node:
    """Networks without ranges, in which there is always room."""
    networks = root.entry("networks")
    if networks is None:
        return root
    bare = {entry.key: replace(entry, node=NOTHING) for entry in networks.node.entries()}
    node = replace(networks.node, value=MappingProxyType(bare))
    return replace(root, value=MappingProxyType({**root.value, "networks": replace(networks, node=node)}))
