"""The domain: what a manifest declares, what a plan decides, what exists.

Only these values cross the border between stages. They are frozen and plain: no Pulumi object, no
SDK client, no open file. Unknown is None, never 0 or "".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from mcis_iac.results import (
        Change,
        CopyResult,
        Diff,
        Failure,
        HostResult,
        Inventory,
        Op,
        Outcome,
        PropertyChange,
        Status,
        Step,
        Vm,
        VmFailure,
    )

__all__ = [
    "Action",
    "ActionFile",
    "Change",
    "Connection",
    "CopyResult",
    "Diagnostic",
    "Diff",
    "Disk",
    "Failure",
    "Firewall",
    "FirewallRule",
    "Group",
    "HostKey",
    "HostResult",
    "Image",
    "ImageChoice",
    "Inventory",
    "Key",
    "Mcis",
    "Member",
    "NOTHING",
    "Network",
    "OnFailure",
    "Op",
    "Outcome",
    "Pin",
    "Plan",
    "Power",
    "PropertyChange",
    "Protocol",
    "PublicIp",
    "Related",
    "Setup",
    "SetupFile",
    "Severity",
    "Span",
    "Status",
    "Step",
    "Subject",
    "Vm",
    "VmFailure",
]

NOTHING: Mapping[str, Any] = MappingProxyType({})


# ---------------------------------------------------------------- positions and problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a source file; lines and columns count from 1, indexes are characters from 0.

    `file` is the path as the user would type it (relative to the working directory when below it).
    """

    file: str
    line: int
    column: int
    index: int = 0
    end_line: int = 0
    end_column: int = 0
    end_index: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How bad a diagnostic is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A second place a diagnostic speaks of, with what is there."""

    span: Span
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One problem with its place.

    `summary` is constant text for the code; `detail` stands beside the caret and names the user's
    own words; `notes` are facts; `hint` says what to do. `group` is the group it lies in, if any.
    """

    code: str
    severity: Severity
    summary: str
    detail: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()
    span: Span | None = None
    related: tuple[Related, ...] = ()
    group: str | None = None


# ---------------------------------------------------------------- the manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where the credentials of one cloud come from; `settings` are that cloud's own fields."""

    name: str
    cloud: str
    settings: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A login key. `public_key` is None while its file is not on this machine (the lock has it)."""

    name: str
    public_key: str | None = None
    private_key_file: Path | None = None
    agent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A named image: per cloud, that cloud's own way to name one."""

    name: str
    by_cloud: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network in every region used; `cidr` None lets the cloud or the plan choose.

    `existing` maps connection -> region -> that cloud's own words for a network that is there already.
    """

    name: str
    cidr: str | None = None
    existing: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=lambda: NOTHING)


Protocol = Literal["tcp", "udp", "icmp", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallRule:
    """What may come in. `ports` are inclusive ranges, empty = all ports of the protocol.

    A source is "anywhere", "me", "mcis", "group:<name>" or a CIDR.
    """

    sources: tuple[str, ...]
    protocol: Protocol = "tcp"
    ports: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """A named list of rules, cloud-neutral."""

    name: str
    rules: tuple[FirewallRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk; `size_gib` None = what the image asks for. A data disk has a name and a mount point."""

    size_gib: int | None = None
    type: Literal["cheap", "balanced", "fast"] = "balanced"
    name: str = ""
    mount: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupFile:
    """A file written at first boot; `mode` is octal text such as "0644"."""

    path: str
    content: str
    mode: str = "0644"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a VM does at its first boot, in this order: packages, files, run."""

    packages: tuple[str, ...] = ()
    files: tuple[SetupFile, ...] = ()
    run: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A pinned placement. `connection` is resolved; zone None = round robin, type None = default."""

    connection: str
    region: str
    zone: str | None = None
    type: str | None = None
    spot: bool = False


PublicIp = Literal["ephemeral", "static", "none"]
Power = Literal["running", "suspended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """VMs with one role and one definition; defaults are already merged."""

    name: str
    count: int
    placement: Pin
    image: str = "ubuntu-24.04"
    user: str = "mcis"
    key: str = "generated"
    network: str = "main"
    firewalls: tuple[str, ...] = ()
    public_ip: PublicIp = "ephemeral"
    disk: Disk = field(default_factory=Disk)
    disks: tuple[Disk, ...] = ()
    setup: Setup = field(default_factory=Setup)
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    protect: bool = False
    formerly: str | None = None
    via: str | None = None
    power: Power | None = None  # None = as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFile:
    """A file an action writes. `text` is a template; `source` is the file it was read from, "" = none.

    `owner` is what chown takes, None = who the action runs as.
    """

    path: str
    text: str
    source: str = ""
    mode: str = "0644"
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Files and commands for VMs that are there; the texts are templates.

    `on` names groups and VMs, `labels` what their groups must carry; all VMs when both are empty.
    `serial` None = all at once.
    """

    name: str
    on: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    files: tuple[ActionFile, ...] = ()
    run: tuple[str, ...] = ()
    when: Literal["created", "changed", "always"] = "changed"
    only: Literal["first", "each"] = "each"
    serial: int | None = None
    continue_on_error: bool = False
    timeout_s: float = 600.0
    sudo: bool = True


OnFailure = Literal["keep", "rollback", "drop-failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mcis:
    """A whole manifest, overlays and defaults merged.

    `file` is the base manifest as the user named it and `folder` its directory (absolute).
    `spans` maps dotted paths (`groups.web.count`) to where the winning value was written.
    `connections` holds every connection in use: a cloud without an entry has one of its own name.
    `keys` lacks "generated" when it is not declared; `networks` has at least one entry.
    """

    name: str
    file: str
    folder: Path
    groups: Mapping[str, Group]
    namespace: str = "default"
    env: str | None = None
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    backend: str | None = None
    connections: Mapping[str, Connection] = field(default_factory=lambda: NOTHING)
    keys: Mapping[str, Key] = field(default_factory=lambda: NOTHING)
    images: Mapping[str, Image] = field(default_factory=lambda: NOTHING)
    networks: Mapping[str, Network] = field(default_factory=lambda: NOTHING)
    firewalls: Mapping[str, Firewall] = field(default_factory=lambda: NOTHING)
    actions: tuple[Action, ...] = ()
    on_failure: OnFailure = "keep"
    spans: Mapping[str, Span] = field(default_factory=lambda: NOTHING)

    @property
    def stack(self) -> str:
        """The stack's name: `<name>` or `<name>.<env>`."""
        return f"{self.name}.{self.env}" if self.env else self.name

    def span(self, path: str) -> Span | None:
        """Where `path` was written, or the nearest parent that was."""
        while path:
            if path in self.spans:
                return self.spans[path]
            path = path.rpartition(".")[0]
        return self.spans.get("")


# ---------------------------------------------------------------- the plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChoice:
    """An image as the lock pins it; `id` None = not resolved yet (shown as its alias)."""

    alias: str
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One VM and where it goes. `why` says who decided, e.g. "pinned".

    `user` is the login of a machine that exists, None where it is that of the group.
    """

    group: str
    ordinal: int
    connection: str
    cloud: str
    region: str
    zone: str
    type: str
    image: ImageChoice
    spot: bool = False
    hourly_usd: Decimal | None = None
    why: str = "pinned"
    user: str | None = None

    @property
    def name(self) -> str:
        """The VM's name, `<group>-<ordinal>`."""
        return f"{self.group}-{self.ordinal}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """An SSH host key in OpenSSH's text forms; `private` is a secret."""

    public: str
    private: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything needed to declare resources, nothing else.

    `members` are sorted by group (manifest order) and ordinal. `public_keys` has the text of every
    key a group uses. `ranges` maps network -> "connection/region" -> CIDR, where we manage them, and
    beside it "connection/region/zone" -> the zone's part of it. `host_keys` has, per VM name, the key
    to give to machines that do not tell theirs; nothing offline. `places` has, per
    "connection/region", the ids behind names of the manifest, as far as the lock or the cloud told them.
    `formerly` has the names that renamed groups had, oldest first.
    """

    mcis: Mcis
    members: tuple[Member, ...]
    public_keys: Mapping[str, str]
    ranges: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: NOTHING)
    me: str | None = None
    host_keys: Mapping[str, HostKey] = field(default_factory=lambda: NOTHING)
    places: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: NOTHING)
    formerly: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NOTHING)


# ---------------------------------------------------------------- what the engine does, what exists


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a resource serves: what the screens and events call it by."""

    group: str | None = None
    vm: str | None = None
    connection: str | None = None
    cloud: str | None = None
    region: str | None = None

    @property
    def where(self) -> str:
        """`connection/region`, as far as known."""
        return "/".join(part for part in (self.connection, self.region) if part)


def __getattr__(name: str) -> Any:
    """The names of `results`, loaded on first use: `validate` asks for none of them."""
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from mcis_iac import results

    return getattr(results, name)
