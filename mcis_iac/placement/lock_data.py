"""What a lock file holds, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from mcis_iac.model import ImageChoice

Purchase = Literal["ondemand", "spot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Where a price comes from: the date it was true (ISO) and the catalogue."""

    as_of: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a VM was given when it was made: image, login, digests of the rest."""

    image: str
    setup: str
    mounts: str
    user: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one VM got: where it is, what it is, what it boots. VMs with equal offers share a row.

    `made` is None for a VM that was never made, or by a version that did not write it down.
    """

    connection: str
    region: str
    zone: str
    type: str
    image: ImageChoice
    purchase: Purchase = "ondemand"
    hourly_usd: Decimal | None = None
    price: Price | None = None
    why: str = "pinned"
    made: Made | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One distinct offer and the ordinals that have it, ascending."""

    ordinals: tuple[int, ...]
    offer: Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLock:
    """The members of a group, by lowest ordinal; `highest` is the highest ordinal ever used.

    `dropped` are VMs that were given up, with the reason: they count, but are not planned. `formerly`
    has the names the group had before, oldest first.
    """

    highest: int = 0
    members: tuple[Row, ...] = ()
    dropped: Mapping[int, str] = field(default_factory=dict)
    formerly: tuple[str, ...] = ()

    def offers(self) -> dict[int, Offer]:
        """The offer of each member, by ordinal, ascending."""
        found = {ordinal: row.offer for row in self.members for ordinal in row.ordinals}
        return dict(sorted(found.items()))


def rows(offers: Mapping[int, Offer]) -> tuple[Row, ...]:
    """Members folded into one row per distinct offer, by lowest ordinal."""
    folded: dict[Offer, list[int]] = {}
    for ordinal in sorted(offers):
        folded.setdefault(offers[ordinal], []).append(ordinal)
    return tuple(Row(ordinals=tuple(ordinals), offer=offer) for offer, ordinals in folded.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A name the manifest has for what is there already, and the id its cloud told for it."""

    name: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A whole lock file. `inputs` is the digest it was made from, "" = never written.

    `places` has, per "connection/region", what a name of the manifest is for and the id behind it.
    """

    tool: str = ""
    inputs: str = ""
    plugins: Mapping[str, str] = field(default_factory=dict)
    me: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    places: Mapping[str, Mapping[str, Place]] = field(default_factory=dict)
    groups: Mapping[str, GroupLock] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)

    def members(self) -> Iterator[tuple[str, int, Offer]]:
        """Every member as (group, ordinal, offer), groups by name."""
        for group in sorted(self.groups):
            for ordinal, offer in self.groups[group].offers().items():
                yield group, ordinal, offer
