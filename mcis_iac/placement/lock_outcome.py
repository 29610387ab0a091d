"""What an operation leaves behind in the lock: VMs that were given up, and what others were made with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from mcis_iac.placement.lock_data import GroupLock, Lock, Made, rows

T = TypeVar("T")


def drop(lock: Lock, reasons: Mapping[str, str]) -> Lock:
    """The lock after VMs (by name, with the reason) were given up; unknown names are ignored."""
    groups = {name: _dropping(name, group, reasons) for name, group in lock.groups.items()}
    return replace(lock, groups=groups)


def _dropping(name: str, group: GroupLock, reasons: Mapping[str, str]) -> GroupLock:
    offers = group.offers()
    gone = _by_ordinal(name, offers, reasons)
    if not gone:
        return group
    kept = {ordinal: offer for ordinal, offer in offers.items() if ordinal not in gone}
    return replace(group, members=rows(kept), dropped=dict(sorted({**group.dropped, **gone}.items())))


def remember(lock: Lock, made: Mapping[str, Made]) -> Lock:
    """The lock with what VMs (by name) were made with; unknown names are ignored."""
    groups = {name: _remembering(name, group, made) for name, group in lock.groups.items()}
    return replace(lock, groups=groups)


def _remembering(name: str, group: GroupLock, made: Mapping[str, Made]) -> GroupLock:
    offers = group.offers()
    fresh = _by_ordinal(name, offers, made)
    if all(offers[n].made == each for n, each in fresh.items()):
        return group
    known = {n: replace(offer, made=fresh.get(n, offer.made)) for n, offer in offers.items()}
    return replace(group, members=rows(known))


def forget(lock: Lock) -> Lock:
    """The lock after `down --remove`: members, ordinals, ranges, keys and addresses are given back."""
    return replace(lock, inputs="", groups={}, ranges={}, places={}, keys={}, me=None)


def _by_ordinal(group: str, offers: Iterable[int], said: Mapping[str, T]) -> dict[int, T]:
    """What is said of VMs by name, of those of one group by ordinal."""
    return {n: said[f"{group}-{n}"] for n in offers if f"{group}-{n}" in said}
