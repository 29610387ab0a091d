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
from typing import Any, Literal

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
    """One VM and where it goes. `why` says who decided, e.g. "pinned"."""

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
    to give to machines that do not tell theirs; nothing offline.
    """

    mcis: Mcis
    members: tuple[Member, ...]
    public_keys: Mapping[str, str]
    ranges: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: NOTHING)
    me: str | None = None
    host_keys: Mapping[str, HostKey] = field(default_factory=lambda: NOTHING)


# ---------------------------------------------------------------- the engine


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


class Op(StrEnum):
    """What happens to a resource. REPLACE covers all of the engine's replacement steps."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyChange:
    """One property that differs; `old`/`new` are plain values, None = absent, secrets redacted."""

    path: str
    old: Any = None
    new: Any = None
    replaces: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the engine would do to one resource (SAME is counted, not listed).

    `replace_reasons` are the properties that force a replacement. `is_vm` marks machines.
    `old_first` = the old one is deleted before the new one is made.
    """

    key: str
    token: str
    op: Op
    subject: Subject = field(default_factory=Subject)
    properties: tuple[PropertyChange, ...] = ()
    replace_reasons: tuple[str, ...] = ()
    is_vm: bool = False
    old_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """A previewed stack diff. `same` counts untouched resources."""

    changes: tuple[Change, ...]
    same: int
    vms_before: int
    vms_after: int
    warnings: tuple[str, ...] = ()
    duration_s: float = 0.0

    @property
    def empty(self) -> bool:
        """Nothing would change."""
        return not self.changes

    def count(self, op: Op) -> int:
        """How many resources that happens to."""
        return sum(change.op is op for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why one VM or resource failed: `code` is quota, capacity, credentials, image, timeout,
    cancelled or other; `stage` is create, update, delete, ready, setup or engine."""

    code: str
    stage: str
    message: str
    attempted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the engine did to one resource."""

    key: str
    token: str
    op: Op
    ok: bool
    subject: Subject = field(default_factory=Subject)
    id: str | None = None
    duration_s: float = 0.0
    failure: Failure | None = None
    is_vm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of an engine run. Partial failure is an outcome, not an exception.

    `steps` has no SAME. `cancelled` = it was stopped, `timed_out` = by our deadline. `message` is an
    error of the run itself.
    """

    steps: tuple[Step, ...]
    same: int = 0
    outputs: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    cancelled: bool = False
    timed_out: bool = False
    message: str = ""
    duration_s: float = 0.0

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps that did not succeed."""
        return tuple(step for step in self.steps if not step.ok)

    @property
    def ok(self) -> bool:
        """Everything asked for was done."""
        return not (self.failed or self.cancelled or self.message)


# ---------------------------------------------------------------- what exists


class Status(StrEnum):
    """Observed state of a VM; of an MCIS also EMPTY."""

    CREATING = "Creating"
    RUNNING = "Running"
    SUSPENDING = "Suspending"
    SUSPENDED = "Suspended"
    RESUMING = "Resuming"
    REBOOTING = "Rebooting"
    TERMINATING = "Terminating"
    TERMINATED = "Terminated"
    FAILED = "Failed"
    UNDEFINED = "Undefined"
    EMPTY = "Empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vm:
    """One existing VM, as the stack's `inventory` output has it."""

    name: str
    group: str
    ordinal: int
    connection: str
    cloud: str
    region: str
    zone: str
    type: str
    id: str
    private_ip: str
    public_ip: str | None
    user: str
    host_key: str | None
    ssh_port: int = 22
    created_at: str | None = None
    hourly_usd: Decimal | None = None

    @property
    def address(self) -> str:
        """Where to log in: the public address, else the private one."""
        return self.public_ip or self.private_ip


@dataclass(frozen=True, slots=True, kw_only=True)
class VmFailure:
    """A VM that failed in the last operation, kept so that `status` can show it."""

    name: str
    group: str
    connection: str
    cloud: str
    region: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The VMs that exist, sorted by group and ordinal, and those that failed to.

    `as_of` is RFC 3339 UTC; `operation` the verb that wrote it ("up", "down", ...).
    """

    vms: tuple[Vm, ...] = ()
    failed: tuple[VmFailure, ...] = ()
    as_of: str = ""
    operation: str = ""
    by: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResult:
    """What a command did on one VM. `lost` = the connection died, never a success.

    `error` is set when the command did not run to its end for another reason: unreachable, host
    key, login refused, timed out, "cancelled". A command ended by a signal has 128 + its number.
    """

    vm: str
    group: str
    exit_status: int | None
    stdout: str = ""
    stderr: str = ""
    lost: bool = False
    error: str = ""
    elapsed_s: float = 0.0

    @property
    def ok(self) -> bool:
        """The command ran to its end and succeeded."""
        return self.exit_status == 0 and not self.lost and not self.error
