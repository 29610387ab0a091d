"""Shared resources that are alike (a subnet per zone, a rule per source), to be written as one loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcis_iac.eject.alike import Alike, Row
from mcis_iac.eject.creation import creation
from mcis_iac.eject.layout import needs
from mcis_iac.eject.spelling import variable
from mcis_iac.program.graph import Resource

if TYPE_CHECKING:
    from mcis_iac.eject.module import Writer

MOST_COLUMNS = 3


@dataclass(slots=True)
class Family:
    """Resources of one type in a row of the program; alone, or alike but for `label` and a few values."""

    rows: list[Resource] = field(default_factory=list)

    @property
    def first(self) -> Resource:
        """The one that gives its name."""
        return self.rows[0]

    @property
    def loops(self) -> bool:
        """Whether there is more than one."""
        return len(self.rows) > 1

    @property
    def labels(self) -> dict[str, str]:
        """What tells the keys apart, by key."""
        found = labels([each.key for each in self.rows])
        return dict(zip((each.key for each in self.rows), found or (), strict=False))

    @property
    def common(self) -> str:
        """The key without what tells it from the others."""
        parts = [each.key.split("/") for each in self.rows]
        return "/".join(part[0] for part in zip(*parts, strict=True) if len(set(part)) == 1)

    @property
    def label(self) -> str:
        """The loop's variable: called like the input that has the same values."""
        wanted = list(self.labels.values())
        for name in self.first.inputs:
            if [each.inputs.get(name) for each in self.rows] == wanted:
                return variable(name)
        return "name"

    def alike(self, home: Writer) -> Alike:
        """What writes all of them as one."""
        rows = [Row(words={self.label: label}, own={key: "made"}) for key, label in self.labels.items()]
        return Alike(home, rows)


def labels(keys: Sequence[str]) -> list[str] | None:
    """The one part in which the keys differ; None when they differ otherwise."""
    split = [key.split("/") for key in keys]
    if len({len(parts) for parts in split}) != 1:
        return None
    differing = [place for place, parts in enumerate(zip(*split, strict=True)) if len(set(parts)) > 1]
    if not differing:
        return None
    first, last = differing[0], differing[-1]
    found = ["/".join(parts[first : last + 1]) for parts in split]
    # Two parts side by side can still be read as one: `tcp-443/10.0.0.0`.
    return found if len(set(found)) == len(keys) and last - first <= 1 else None


def families(resources: Sequence[Resource], home: Writer) -> None:
    """Put all of a module's shared resources into `home.families`; references point backwards."""
    found: list[Family] = home.families
    where: dict[str, int] = {}
    for resource in resources:
        place = next((n for n, each in enumerate(found) if _joins(each, resource, where, n, home)), None)
        if place is None:
            found.append(Family())
            place = len(found) - 1
        found[place].rows.append(resource)
        where[resource.key] = place
    home.families[:] = _by_section(found, where)


def _by_section(found: Sequence[Family], where: dict[str, int]) -> list[Family]:
    """First what all groups share, then group by group, as far as references allow."""
    groups = list(dict.fromkeys([None, *(each.first.subject.group for each in found)]))
    left = {number: groups.index(each.first.subject.group) for number, each in enumerate(found)}
    ordered: list[Family] = []
    while left:
        ready = (n for n in left if not _waits(found[n], n, left, where))
        chosen = min(ready, key=lambda number: (left[number], number))
        del left[chosen]
        ordered.append(found[chosen])
    return ordered


def _waits(family: Family, place: int, left: Mapping[int, int], where: Mapping[str, int]) -> bool:
    needed = (where.get(key, place) for each in family.rows for key in needs(each))
    return any(number != place and number in left for number in needed)


def _kind(resource: Resource) -> tuple[str | None, ...]:
    subject = resource.subject
    return resource.token, resource.provider, subject.group, subject.region


def _joins(family: Family, resource: Resource, where: dict[str, int], place: int, home: Writer) -> bool:
    first = family.first
    if resource.provider is None or _kind(first) != _kind(resource):
        return False
    if any(where.get(key, -1) >= place for key in needs(resource)):
        return False
    tried = Family([*family.rows, resource])
    if labels([each.key for each in tried.rows]) is None:
        return False
    alike = tried.alike(home)
    return home.tried(lambda: creation(home, alike, tried.rows)) and len(alike.columns) <= MOST_COLUMNS
