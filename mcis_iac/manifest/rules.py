"""The rules of meaning (2xx) for groups: what they name must exist and fit.

Each rule is a function from a scene to diagnostics and knows nothing of the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from posixpath import normpath
from urllib.parse import urlsplit

from mcis_iac.manifest import rules_actions, rules_clouds, rules_formerly, rules_network, rules_via
from mcis_iac.manifest import scene as scenes
from mcis_iac.manifest.diagnostics import problem
from mcis_iac.manifest.guess import listed, nearest, short
from mcis_iac.manifest.keys import check_keys
from mcis_iac.manifest.nodes import Entry, Node
from mcis_iac.manifest.scene import BUILT_IN_IMAGES, GENERATED_KEY, MAIN_NETWORK, Scene, misspelt
from mcis_iac.model import Diagnostic, Related, Span

Rule = Callable[[Scene], Iterator[Diagnostic]]

VM_NAME = re.compile(r"(.+)-[1-9][0-9]*")


def check(scene: Scene) -> Iterator[Diagnostic]:
    """Everything all rules find."""
    for rule in RULES:
        yield from rule(scene)


def unknown(
    code: str, word: str, span: Span, known: Iterable[str], *, what: str, group: str | None = None
) -> Diagnostic:
    """A name nobody defined, with the nearest that somebody did."""
    names = tuple(known)
    guess = nearest(word, names)
    detail = f"did you mean `{guess}`?" if guess else f"no {what} is called `{short(word)}`"
    notes = (f"{what}s: {listed(names, word)}",) if names else (f"there are no {what}s",)
    return problem(code, span, detail, notes=notes, group=group)


# ---------------------------------------------------------------- placement


def placements(scene: Scene) -> Iterator[Diagnostic]:
    """Every group has a placement that leads to one connection and a region."""
    for group in scene.groups.values():
        if not group.node.is_map:
            continue
        entry = group.node.entry("placement")
        if entry is None:
            if not misspelt(group.node, "group", "placement") and not _null(scene, group.key, "placement"):
                detail = "`placement` is required in a group"
                hint = "for instance placement: {cloud: local, region: local-seoul}"
                yield problem("MCIS102", group.key_span, detail, hint=hint, group=group.key)
        elif entry.node.is_map:
            yield from _placement(scene, group.key, entry)


def _placement(scene: Scene, group: str, entry: Entry) -> Iterator[Diagnostic]:
    cloud, named = entry.node.entry("cloud"), entry.node.entry("connection")
    if cloud is not None and named is not None:
        yield problem("MCIS117", named.key_span, "not together with `cloud`", group=group)
    elif cloud is None and named is None:
        null = any(_null(scene, group, "placement", field) for field in ("cloud", "connection"))
        if not null and not misspelt(entry.node, "placement", "cloud", "connection"):
            detail = "`cloud` or `connection` is required in a placement"
            yield problem("MCIS102", entry.key_span, detail, group=group)
    elif named is not None:
        yield from _connection(scene, group, named)
    elif cloud is not None:
        yield from _cloud(scene, group, cloud)
    null = _null(scene, group, "placement", "region")
    if entry.node.entry("region") is None and not null and not misspelt(entry.node, "placement", "region"):
        yield problem("MCIS102", entry.key_span, "`region` is required in a placement", group=group)


def _null(scene: Scene, group: str, *field: str) -> bool:
    """It is written, but as nothing, which the schema refuses and no default replaces."""
    return scene.root.entry("groups", group, *field) is not None


def _connection(scene: Scene, group: str, named: Entry) -> Iterator[Diagnostic]:
    known = scene.names("connections")
    if not scene.lists("connections"):
        return
    if isinstance(named.node.value, str) and named.node.value not in known:
        yield unknown("MCIS206", named.node.value, named.span, known, what="connection", group=group)


def _cloud(scene: Scene, group: str, cloud: Entry) -> Iterator[Diagnostic]:
    name = cloud.node.value
    known = scene.by_cloud.get(name, ()) if isinstance(name, str) else ()
    if len(known) > 1 and name not in known:
        detail = f"{len(known)} connections of {name}, none called `{name}`"
        hint = f"write `connection:` and one of {listed(known)}"
        yield problem("MCIS207", cloud.span, detail, hint=hint, group=group)


# ---------------------------------------------------------------- what groups name


def images(scene: Scene) -> Iterator[Diagnostic]:
    """Every image is built in or defined, and has an entry for the clouds it is used in."""
    own = scene.names("images")
    for group in scene.groups.values():
        entry = group.node.entry("image")
        if entry is None or not isinstance(entry.node.value, str):
            continue
        name, place = entry.node.value, scenes.connection(scene, group)
        if name not in own:
            if name not in BUILT_IN_IMAGES and scene.lists("images"):
                yield unknown(
                    "MCIS205", name, entry.span, (*own, *BUILT_IN_IMAGES), what="image", group=group.key
                )
            continue
        definition = scene.root.entry("images", name)
        if place is not None and definition is not None and _lacks(definition.node, place[1]):
            related = (Related(span=definition.key_span, label="defined here"),)
            detail = f"image `{name}` has no entry `{place[1]}`"
            hint = f"add `{place[1]}:` to images.{name}, or choose another image"
            yield problem("MCIS210", entry.span, detail, hint=hint, related=related, group=group.key)


def _lacks(image: Node, cloud: str) -> bool:
    return image.is_map and image.entry(cloud) is None and not misspelt(image, "image", cloud)


def logins(scene: Scene) -> Iterator[Diagnostic]:
    """Every key a group names is defined."""
    known = (*scene.names("keys"), GENERATED_KEY)
    for group in scene.groups.values() if scene.lists("keys") else ():
        entry = group.node.entry("key")
        if entry is not None and isinstance(entry.node.value, str) and entry.node.value not in known:
            yield unknown(
                "MCIS204", entry.node.value, entry.span, dict.fromkeys(known), what="key", group=group.key
            )


def networks(scene: Scene) -> Iterator[Diagnostic]:
    """Every network a group names is defined, and it is clear which one is meant."""
    known = scene.names("networks") or (MAIN_NETWORK,)
    for group in scene.groups.values() if scene.lists("networks") else ():
        entry = group.node.entry("network")
        if entry is not None and isinstance(entry.node.value, str) and entry.node.value not in known:
            yield unknown("MCIS203", entry.node.value, entry.span, known, what="network", group=group.key)
        elif entry is None and group.node.is_map and scenes.network(scene, group) is None:
            detail = f"group `{group.key}` is in none of {len(known)} networks"
            hint = f"write `network:` and one of {listed(known)}"
            yield problem("MCIS221", group.key_span, detail, hint=hint, group=group.key)


def firewalls(scene: Scene) -> Iterator[Diagnostic]:
    """Every firewall a group names is defined."""
    known = scene.names("firewalls")
    for group in scene.groups.values():
        named = scenes.firewalls(group)
        first = dict(reversed(named))
        for name, span in named:
            if first[name] != span:
                yield problem("MCIS114", span, "the same item twice", group=group.key)
            elif name not in known and scene.lists("firewalls"):
                yield unknown("MCIS202", name, span, known, what="firewall", group=group.key)


# ---------------------------------------------------------------- names, labels, disks, backend


def names(scene: Scene) -> Iterator[Diagnostic]:
    """No group is called like something else."""
    for group in scene.groups.values():
        if group.key == "all":
            yield problem("MCIS209", group.key_span, "`all` means every VM", group=group.key)
        match = VM_NAME.fullmatch(group.key)
        other = scene.groups.get(match[1]) if match else None
        if other is not None:
            related = (Related(span=other.key_span, label="the group whose VM it would be"),)
            detail = f"a VM of group `{other.key}` is called like that"
            yield problem("MCIS209", group.key_span, detail, related=related, group=group.key)


def labels(scene: Scene) -> Iterator[Diagnostic]:
    """Nobody sets the labels by which mcis finds its resources."""
    for group, node in ((None, scene.root), *((g.key, g.node) for g in scene.groups.values())):
        found = node.get("labels")
        for entry in found.entries() if found is not None else ():
            if entry.key == "mcis" or entry.key.startswith("mcis-"):
                yield problem("MCIS222", entry.key_span, "mcis sets this one itself", group=group)


def disks(scene: Scene) -> Iterator[Diagnostic]:
    """Data disks have names and mount points of their own, and mount points are usable."""
    for group in scene.groups.values():
        node = group.node.get("disks")
        items = node.items() if node is not None else ()
        yield from _twice("MCIS218", group.key, [item.entry("name") for item in items])
        mounts = [item.entry("mount") for item in items]
        for mount in mounts:
            if mount is not None and isinstance(mount.node.value, str) and not _usable(mount.node.value):
                detail = "expected an absolute path below /"
                yield problem("MCIS217", mount.span, detail, group=group.key)
        yield from _twice("MCIS216", group.key, mounts)


def _usable(mount: str) -> bool:
    parts = mount.strip("/").split("/")
    safe = all(part not in {"", ".", ".."} and ":" not in part for part in parts)
    return mount.startswith("/") and not mount.startswith("//") and safe


def _twice(code: str, group: str, entries: Iterable[Entry | None]) -> Iterator[Diagnostic]:
    first: dict[str, Entry] = {}
    for entry in entries:
        if entry is None or not isinstance(entry.node.value, str):
            continue
        word = entry.node.value
        other = first.setdefault(normpath(word) if word.startswith("/") else word, entry)
        if other is not entry:
            related = (Related(span=other.span, label="first used here"),)
            yield problem(code, entry.span, "used again", related=related, group=group)


def backend(scene: Scene) -> Iterator[Diagnostic]:
    """The backend is a URL, without a password in it."""
    entry = scene.root.entry("backend")
    if entry is None or not isinstance(entry.node.value, str):
        return
    try:
        password = urlsplit(entry.node.value).password
    except ValueError:
        yield problem("MCIS113", entry.span, "expected a URL")
        return
    if password:
        hint = "put this URL into the environment variable MCIS_BACKEND"
        yield problem("MCIS232", entry.span, "a password that Git would keep", hint=hint)


RULES: tuple[Rule, ...] = (
    placements,
    images,
    logins,
    networks,
    firewalls,
    names,
    labels,
    disks,
    backend,
    check_keys,
    rules_clouds.variables,
    rules_clouds.accounts,
    rules_clouds.existing,
    rules_network.ranges,
    rules_network.room,
    rules_network.overlaps,
    rules_network.rules,
    rules_network.open_to_internet,
    rules_actions.check_actions,
    rules_via.jumps,
    rules_formerly.former_names,
)
