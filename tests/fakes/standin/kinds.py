"""How the clouds of the stand-in make things: ids, outputs, ties to other things, refusals."""

from __future__ import annotations

import ipaddress
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fakes.standin.store import HOLDS, Store, Thing, at

from mcis_iac.local_cloud.plugin.values import UNKNOWN, knows

# Addresses that are reserved for measuring networks; each package has a quarter of them.
PUBLIC = {
    "aws": "198.18.0.0",
    "gcp": "198.18.128.0",
    "azure-native": "198.19.0.0",
    "openstack": "198.19.128.0",
}


class Refused(Exception):
    """The cloud says no; `code` is gRPC's name of the status."""

    def __init__(self, *, said: str, code: str = "UNKNOWN") -> None:
        super().__init__(said)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose the things are: AWS's account number, a project, a subscription, a region's tenant."""

    package: str
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    region: str = ""


@dataclass
class Maker:
    """One thing in the making. In a preview, and for what is not decided yet, values are UNKNOWN."""

    account: Account
    store: Store
    token: str
    inputs: Mapping[str, Any]
    olds: Mapping[str, Any] = field(default_factory=dict)
    preview: bool = False
    scope: str = ""
    id: Any = None

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """An output that is decided when the thing is made and then stays."""
        old = self.olds.get(key)
        if old is not None and old is not UNKNOWN:
            return old
        return UNKNOWN if self.preview else make()

    def text(self, *parts: Any) -> Any:
        """Text put together, UNKNOWN if a part is."""
        return "".join(map(str, parts)) if all(part is not UNKNOWN for part in parts) else UNKNOWN

    def hex(self, prefix: str, length: int = 17) -> Any:
        """A new id such as `i-0f3…`."""
        return UNKNOWN if self.preview else prefix + secrets.token_hex(length)[:length]

    def uuid(self) -> Any:
        """A new UUID."""
        return UNKNOWN if self.preview else str(uuid.uuid4())

    def number(self) -> Any:
        """A new 19-digit number, as text."""
        return UNKNOWN if self.preview else str(10**18 + secrets.randbelow(8 * 10**18))

    def public_ip(self) -> str:
        """A new public address."""
        base = ipaddress.IPv4Address(PUBLIC[self.account.package])
        return str(base + self.store.count("public address") % 32000)

    def private_ip(self, cidr: str) -> str:
        """The next address of a subnet; the first few are the cloud's own."""
        net = ipaddress.IPv4Network(cidr, strict=False)
        number = self.store.count(f"address {self.scope} {cidr}") + 3
        if number >= net.num_addresses - 1:
            raise Refused(said=f"There are no free addresses left in {cidr} (InsufficientFreeAddresses)")
        return str(net[number])

    def find(self, token: str, handle: Any) -> Thing | None:
        """A thing of this account by any of its names."""
        return self.store.find(self.scope, token, handle) if isinstance(handle, str) else None


Words = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """A reference: the values at `path` must name things of that type.

    `how` is what the reference means when the used thing is to be deleted: it HOLDS it back, it is
    OWNED and goes with it, or LOOSE. `handle` makes the thing's name from the value.
    """

    path: str
    token: str
    how: str = HOLDS
    handle: Callable[[Maker, Any], Any] = lambda _, value: value
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A resource type. `handles` are outputs by which others may refer to the thing, `must` inputs that
    the schema does not require but nobody should leave out."""

    id: Callable[[Maker], Any]
    outputs: Callable[[Maker], Words] = lambda _: {}
    ties: Sequence[Tie] = ()
    handles: Sequence[str] = ()
    must: Sequence[str] = ()
    claims: Callable[[Maker], Iterable[str]] = lambda _: ()
    refuse: Callable[[Maker], None] = lambda _: None
    made: Callable[[Maker], None] = lambda _: None
    gone: Callable[[Store, Thing], None] = lambda _store, _thing: None


def tied(kind: Kind, maker: Maker) -> list[tuple[str, str, str]]:
    """(token, id, how) of everything a thing refers to; Refused when one of them does not exist."""
    found = []
    for tie in kind.ties:
        for value in at(maker.inputs, tie.path):
            handle = tie.handle(maker, value)
            if handle is None or not knows(handle):
                continue
            thing = maker.find(tie.token, handle)
            if thing is None:
                what = tie.token.rpartition(":")[2]
                said = tie.missing.format(value) if tie.missing else f"{what} '{handle}' was not found"
                raise Refused(said=said)
            found.append((thing.token, thing.id, tie.how))
    return found


def inside(maker: Maker, parents: Iterable[str], cidr: Any, *, parent: str, path: str) -> None:
    """Refuse a subnet that lies outside of its network's ranges or overlaps a sibling."""
    net = ipaddress.IPv4Network(cidr)
    ranges = [ipaddress.IPv4Network(each) for each in parents]
    if ranges and not any(net.subnet_of(each) for each in ranges):
        raise Refused(said=f"The CIDR '{cidr}' is invalid: it is not within {', '.join(map(str, ranges))}")
    (mine,) = at(maker.inputs, parent)
    for other in maker.store.things(maker.token):
        if other.scope != maker.scope or other.id == maker.id or mine not in at(other.inputs, parent):
            continue
        for taken in at(other.inputs, path):
            if net.overlaps(ipaddress.IPv4Network(taken)):
                raise Refused(said=f"The CIDR '{cidr}' conflicts with another subnet, {taken}")
