"""The merged tree as values of the domain. Runs only on a manifest without errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcis_iac.manifest import scene as scenes
from mcis_iac.manifest.keys import key
from mcis_iac.manifest.nodes import Entry, Node, plain
from mcis_iac.manifest.rules_actions import actions
from mcis_iac.manifest.rules_network import port_range
from mcis_iac.manifest.scene import GENERATED_KEY, MAIN_NETWORK, Scene
from mcis_iac.model import (
    NOTHING,
    Connection,
    Disk,
    Firewall,
    FirewallRule,
    Group,
    Image,
    Mcis,
    Network,
    Pin,
    PublicIp,
    Setup,
    SetupFile,
    Span,
)

GIB = {"GiB": 1, "TiB": 1024}
PUBLIC_IP: Mapping[object, PublicIp] = {True: "ephemeral", False: "none", "static": "static"}


def mcis(scene: Scene, *, file: str, env: str | None) -> Mcis:
    """The whole manifest, defaults merged."""
    values: dict[str, Any] = plain(scene.root)
    groups = {entry.key: _group(scene, entry) for entry in scene.groups.values()}
    return Mcis(
        name=values["name"],
        file=file,
        folder=scene.folder,
        groups=groups,
        namespace=values.get("namespace", "default"),
        env=env,
        description=values.get("description", ""),
        labels=values.get("labels", {}),
        backend=values.get("backend"),
        connections=_connections(scene),
        keys={entry.key: key(entry, scene.folder) for entry in scene.entries("keys")},
        images={
            name: Image(name=name, by_cloud=_without_x(image))
            for name, image in values.get("images", {}).items()
        },
        networks=_networks(scene),
        firewalls={name: _firewall(name, rules) for name, rules in values.get("firewalls", {}).items()},
        actions=actions(scene),
        on_failure=values.get("on_failure", "keep"),
        spans=spans(scene),
    )


def _without_x(value: Any) -> Any:
    """What the user keeps for himself (`x-...`) is no business of the stages after this one."""
    if isinstance(value, dict):
        return {name: _without_x(inner) for name, inner in value.items() if not name.startswith("x-")}
    return value


def _connections(scene: Scene) -> dict[str, Connection]:
    """Those declared, and one of its own name for every other cloud in use."""
    found = {}
    for entry in scene.entries("connections"):
        settings = _without_x(plain(entry.node))
        cloud = settings.pop("cloud")
        found[entry.key] = Connection(name=entry.key, cloud=cloud, settings=settings)
    for group in scene.groups.values():
        place = scenes.connection(scene, group)
        if place is not None:
            found.setdefault(place[0], Connection(name=place[0], cloud=place[1]))
    return found


def _networks(scene: Scene) -> dict[str, Network]:
    found = {
        entry.key: Network(
            name=entry.key, cidr=entry.node.text("cidr"), existing=_existing(entry.node.get("existing"))
        )
        for entry in scene.entries("networks")
    }
    return found or {MAIN_NETWORK: Network(name=MAIN_NETWORK)}


def _existing(node: Node | None) -> Mapping[str, Any]:
    """Connection -> region -> the cloud's own words."""
    return _without_x(plain(node)) if node is not None else NOTHING


def _firewall(name: str, rules: list[dict[str, Any]]) -> Firewall:
    return Firewall(
        name=name,
        rules=tuple(
            FirewallRule(
                sources=tuple(rule["from"]),
                protocol=rule.get("protocol", "tcp"),
                ports=tuple(
                    found for port in rule.get("ports", ()) if (found := port_range(port)) is not None
                ),
            )
            for rule in rules
        ),
    )


def _group(scene: Scene, entry: Entry) -> Group:
    values: dict[str, Any] = plain(entry.node)
    place, pin = scenes.connection(scene, entry), values["placement"]
    keys = scene.names("keys")
    return Group(
        name=entry.key,
        count=values.get("count", 1),
        placement=Pin(
            connection=place[0] if place else "",
            region=pin["region"],
            zone=pin.get("zone"),
            type=pin.get("type"),
            spot=pin.get("spot", False),
        ),
        image=values.get("image", "ubuntu-24.04"),
        user=values.get("user", "mcis"),
        key=values.get("key", keys[0] if len(keys) == 1 else GENERATED_KEY),
        network=scenes.network(scene, entry) or MAIN_NETWORK,
        firewalls=tuple(name for name, _ in scenes.firewalls(entry)),
        public_ip=PUBLIC_IP[values.get("public_ip", True)],
        disk=_disk(values.get("disk", {})),
        disks=tuple(_disk(disk) for disk in values.get("disks", ())),
        setup=_setup(values.get("setup", {})),
        labels=values.get("labels", {}),
        protect=values.get("protect", False),
        formerly=values.get("formerly"),
        via=via if (via := values.get("via")) != entry.key else None,
        power=values.get("power"),
    )


def size_gib(text: str) -> int:
    """`30GiB` -> 30, `2TiB` -> 2048."""
    return int(text[:-3]) * GIB[text[-3:]]


def _disk(values: Mapping[str, Any]) -> Disk:
    return Disk(
        size_gib=size_gib(values["size"]) if "size" in values else None,
        type=values.get("type", "balanced"),
        name=values.get("name", ""),
        mount=values.get("mount", ""),
    )


def _setup(values: Mapping[str, Any]) -> Setup:
    return Setup(
        packages=tuple(values.get("packages", ())),
        files=tuple(
            SetupFile(path=file["path"], content=file["content"], mode=file.get("mode", "0644"))
            for file in values.get("files", ())
        ),
        run=tuple(values.get("run", ())),
    )


def spans(scene: Scene) -> dict[str, Span]:
    """Where everything was written, by dotted path; list items by number, the whole as ""."""
    found = {"": scene.root.span}

    def visit(path: str, node: Node) -> None:
        for entry in node.entries():
            below = f"{path}.{entry.key}" if path else entry.key
            if not entry.key.startswith("x-"):
                found[below] = entry.span
                visit(below, entry.node)
        for index, item in enumerate(node.items()):
            found[f"{path}.{index}"] = item.span
            visit(f"{path}.{index}", item)

    visit("", scene.root)
    for name, group in scene.groups.items():
        visit(f"groups.{name}", group.node)
    return found
