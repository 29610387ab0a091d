"""What a cloud must offer: small protocols that modules fulfil.

A cloud is a package with modules `graph`, `lookup`, `lifecycle`; the registry loads them by name
on first use. Nothing outside `clouds/<name>` may ask which cloud it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from mcis_iac.model import Connection, Diagnostic, Mcis, Member, Plan
from mcis_iac.program.graph import Resource, Value

if TYPE_CHECKING:
    from mcis_iac.model import Failure, Status, Vm


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFact:
    """A region with its zones, as the cloud names them."""

    name: str
    zones: tuple[str, ...]
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a cloud without asking it. Empty `types` = not checked offline.

    Without `types_complete` a type that is not among them may well exist. Without `spot` there are no
    spot VMs, and `placement.pins` refuses them. `other_regions` exist as well, but neither their zones
    nor their places are known.
    """

    regions: Mapping[str, RegionFact]
    types: Mapping[str, Mapping[str, float]]
    default_type: str
    image_aliases: tuple[str, ...]
    types_complete: bool = True
    spot: bool = True
    other_regions: tuple[str, ...] = ()


Arch = Literal["amd64", "arm64"]


class GraphModule(Protocol):
    """`clouds/<name>/graph.py`: pure data in, pure data out."""

    PACKAGE: str  # the Pulumi package, e.g. "mcislocal"
    VERSION: str  # the version of its plugin, which the lock pins
    VM_TOKENS: frozenset[str]  # the tokens that are machines
    SHIPS_PLUGIN: bool  # whether the provider program comes with this package
    VARIABLES: tuple[str, ...]  # environment variables the provider may see, `*` allowed
    REMOTE: bool  # whether it is reached over the internet, so that somebody's address is a public one
    # What the provider says when the cloud does not accept the credentials, or there are none (patterns).
    CREDENTIAL_ERRORS: tuple[str, ...]
    SIGN_IN: str  # what to do about that; "" where there is nobody to sign in with
    INJECTS_HOST_KEYS: bool  # whether machines get the host key `plan.host_keys` has for them

    def facts(self) -> Facts:
        """Regions, zones, instance types and image aliases."""

    def check(self, mcis: Mcis) -> Iterable[Diagnostic]:
        """What this cloud cannot carry of a manifest (with spans); nothing = fine."""

    def notices(self, mcis: Mcis) -> Sequence[str]:
        """What is different on this cloud for that manifest, one sentence each, said once per `up`."""

    def declare(self, plan: Plan, connection: Connection) -> Iterator[Resource]:
        """All resources of the connection, its provider first, each after what it refers to."""

    def links(self, plan: Plan, connection: Connection) -> Iterator[Resource]:
        """What refers to VMs of other connections (addresses in firewall rules), declared after all VMs."""

    def arch(self, type: str) -> Arch:
        """The processor architecture of an instance type, known or not."""

    def inventory(self, plan: Plan, member: Member) -> Mapping[str, Value]:
        """The member's entry of the `inventory` output (fields of model.Vm, references inside)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something in a cloud that carries our tags; `kind` is the cloud's word, but "instance" for machines."""

    kind: str
    id: str
    name: str
    tags: Mapping[str, str]


class LookupModule(Protocol):
    """`clouds/<name>/lookup.py`: finds what carries our tags, whether in state or not."""

    CREATE_ADOPTS: bool  # whether repeating a create finds what an interrupted one had made

    def find(self, connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
        """Everything of the connection that carries all those tags.

        With `mcis` but without `mcis-env` among them, what belongs to an env is left out.
        """

    def sweep(self, connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
        """Delete all of that, machines first; returns what was deleted."""


@runtime_checkable
class CanRelease(Protocol):
    """A `lookup` module of a cloud that keeps something beside a machine which must go before it."""

    BY_HAND: str  # the sentence that says so to who deletes machines without mcis

    def holds(self, inputs: Mapping[str, Any]) -> bool:
        """Whether a machine with those inputs has it; loads no SDK."""

    def release(self, connection: Connection, machines: Mapping[str, Mapping[str, Any]]) -> None:
        """Give it up for machines about to be deleted, inputs by id; they go on, and repeating is fine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a cloud says of one VM; `native` is its own word for the status, times are RFC 3339.

    `booted_at` is for clouds whose machines cannot tell a reboot by a boot id of their own.
    """

    status: Status
    native: str
    public_ip: str | None = None
    created_at: str | None = None
    detail: str = ""
    booted_at: str | None = None


class LifecycleModule(Protocol):
    """`clouds/<name>/lifecycle.py`: the state of existing VMs and their power, in bulk.

    `stop`, `start` and `reboot` return once the cloud has accepted, before it is done, and give per VM
    name what was refused; nothing = all accepted. Throttling and faults of the cloud are tried again
    with jitter inside. Doing again what is done already is no failure. CredentialsError when nobody may
    ask, OperationError when nobody could be asked and nothing was done; both for all the VMs together.
    """

    def observe(self, connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Observed]:
        """Per VM name; a VM the cloud does not know is TERMINATED."""

    def stop(self, connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
        """Suspend them, so that their processors are no longer paid for; disks stay."""

    def start(self, connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
        """Resume suspended ones."""

    def reboot(self, connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
        """Restart running ones in place."""

    def console(self, connection: Connection, vm: Vm) -> str:
        """What the machine wrote to its console, oldest first; "" where the cloud has nothing."""

    def notices(self, connection: Connection) -> Sequence[str]:
        """What a user should know about the connection, one sentence each (may be empty)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageQuery:
    """An image somebody wants in a region: a built-in alias, or the manifest's own entry for the cloud."""

    region: str
    alias: str
    arch: Arch
    entry: tuple[tuple[str, str], ...] = ()


class ImagesModule(Protocol):
    """`clouds/<name>/images.py`: from what people call an image to the id the lock pins."""

    def resolve(self, connection: Connection, queries: Sequence[ImageQuery]) -> Mapping[ImageQuery, str]:
        """The id of each through the cloud's API; one that does not exist there is left out.

        CredentialsError when nobody may ask, OperationError when the cloud does not answer.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceQuery:
    """A name the manifest has for what is there already: `what` it is, in which region."""

    region: str
    what: str
    name: str


@runtime_checkable
class CanName(Protocol):
    """A `graph` module whose resources want ids where manifests have names (of a network, say)."""

    def names(self, connection: Connection, region: str) -> Mapping[str, str]:
        """The names that must become ids before they are used there, by what they are; works offline."""


@runtime_checkable
class CanPlace(Protocol):
    """The `images` module beside a `graph` that is CanName: what it tells gets into `Plan.places`."""

    def places(self, connection: Connection, queries: Sequence[PlaceQuery]) -> Mapping[PlaceQuery, str]:
        """The id of each through the cloud's API, which the lock pins.

        OperationError when something that the manifest names is not there.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """What of a demand is for VMs the cloud may take back; `types` are those only these have."""

    vcpus: float = 0
    by_type: tuple[tuple[str, float], ...] = ()
    types: tuple[str, ...] = ()
    uncounted: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a manifest wants of one region; `types` are the instance types, `disk_gib` all data disks.

    `static_ips` are those of the public addresses that stay when a VM stops, `gateways` the networks
    whose VMs without an address need a way out. `by_type` has the processors of each type that are in
    `vcpus`. Those of `uncounted` (types nothing is known of, with the number of VMs) are not: the cloud
    has to be asked. `spot` is a part of these figures. `walls` are the places of groups that need a
    security group, `rules` the sources that are let in to each port range of them; a member outside the
    network counts as one.
    """

    region: str
    vms: int
    vcpus: float
    public_ips: int
    networks: int
    types: tuple[str, ...] = ()
    disks: int = 0
    disk_gib: int = 0
    static_ips: int = 0
    gateways: int = 0
    by_type: tuple[tuple[str, float], ...] = ()
    uncounted: tuple[tuple[str, int], ...] = ()
    spot: Spot = Spot()
    walls: int = 0
    rules: int = 0

    def told(self, processors: Mapping[str, float]) -> Demand:
        """The same with what the cloud told of the `uncounted` types; one it does not know counts none."""

        def more(types: Iterable[tuple[str, int]]) -> tuple[tuple[str, float], ...]:
            return tuple((name, processors[name] * count) for name, count in types if name in processors)

        def total(types: Iterable[tuple[str, float]]) -> float:
            return sum(count for _, count in types)

        found, back = more(self.uncounted), more(self.spot.uncounted)
        spot = replace(self.spot, vcpus=self.spot.vcpus + total(back), by_type=(*self.spot.by_type, *back))
        return replace(self, vcpus=self.vcpus + total(found), by_type=(*self.by_type, *found), spot=spot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing the doctor looked at: what was found and, when it is not fine, what to do.

    The topic does not name the connection: whoever shows it does (`lab: vCPUs in RegionOne`).
    """

    topic: str
    ok: bool
    found: str
    why: str = ""
    hint: str = ""


class DoctorModule(Protocol):
    """`clouds/<name>/doctor.py`: whether the cloud can be used, found out without changing anything."""

    def check(self, connection: Connection, demands: Sequence[Demand]) -> Iterator[Check]:
        """Credentials first; permissions and quotas only when those work. Raises nothing."""
