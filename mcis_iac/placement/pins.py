"""What a pinned placement may say: regions, zones, types and images checked against known facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Facts, RegionFact
from mcis_iac.model import Diagnostic, Group, Mcis, Severity

UNKNOWN = {"region": "MCIS240", "zone": "MCIS241", "type": "MCIS242"}
IMAGE_NOT_ON_CLOUD = "MCIS243"
NO_SPOT = "MCIS248"
SHOWN = 8


def facts_of(mcis: Mcis, group: Group) -> Facts:
    """The facts of the cloud a group is pinned to."""
    return registry.graph(mcis.connections[group.placement.connection].cloud).facts()


def check(mcis: Mcis) -> tuple[Diagnostic, ...]:
    """Every pin that cannot be met, and what each cloud in use cannot carry. Works offline."""
    found = [problem for group in mcis.groups.values() for problem in _group(mcis, group)]
    used = (mcis.connections[group.placement.connection] for group in mcis.groups.values())
    for cloud in dict.fromkeys(connection.cloud for connection in used):
        found.extend(registry.graph(cloud).check(mcis))
    return tuple(found)


def _group(mcis: Mcis, group: Group) -> Iterator[Diagnostic]:
    facts, pin = facts_of(mcis, group), group.placement
    region = facts.regions.get(pin.region)
    if region is None:
        if facts.regions and pin.region not in facts.other_regions:
            yield _unknown(mcis, group, "region", pin.region, (*facts.regions, *facts.other_regions))
    elif pin.zone is not None and pin.zone not in region.zones:
        yield _unknown(mcis, group, "zone", pin.zone, region.zones)
    if pin.type is not None and facts.types and pin.type not in facts.types:
        yield _unknown(mcis, group, "type", pin.type, facts.types, sure=facts.types_complete)
    cloud = mcis.connections[pin.connection].cloud
    if pin.spot and not facts.spot:
        yield _no_spot(mcis, group, cloud)
    declared = mcis.images.get(group.image)
    if declared is None and group.image not in facts.image_aliases:
        yield _no_image(mcis, group, cloud, f"no image `{group.image}` is known on {cloud}")
    elif declared is not None and cloud not in declared.by_cloud:
        yield _no_image(mcis, group, cloud, f"image `{group.image}` has no entry for {cloud}")


def _unknown(
    mcis: Mcis, group: Group, field: str, word: str, known: Iterable[str], *, sure: bool = True
) -> Diagnostic:
    """A name that the cloud does not have; not `sure` = as far as mcis knows."""
    names = sorted(known)
    nearest = guess(word, names)
    cloud = mcis.connections[group.placement.connection].cloud
    absent = f"{cloud} has no {field} of this name" if sure else f"mcis knows no {field} of this name"
    more = f", ... {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return Diagnostic(
        code=UNKNOWN[field],
        severity=Severity.ERROR if sure else Severity.WARNING,
        summary=f"unknown {field}",
        detail=f"did you mean `{nearest}`?" if nearest else absent,
        notes=(f"{field}s of {cloud}: {', '.join(_nearest_first(word, names)[:SHOWN])}{more}",),
        span=mcis.span(f"groups.{group.name}.placement.{field}"),
        group=group.name,
    )


def _no_spot(mcis: Mcis, group: Group, cloud: str) -> Diagnostic:
    return Diagnostic(
        code=NO_SPOT,
        severity=Severity.ERROR,
        summary="no spot VMs on this cloud",
        detail=f"{cloud} sells no capacity that it may take back",
        hint="leave `spot` out",
        span=mcis.span(f"groups.{group.name}.placement.spot"),
        group=group.name,
    )


def _no_image(mcis: Mcis, group: Group, cloud: str, detail: str) -> Diagnostic:
    return Diagnostic(
        code=IMAGE_NOT_ON_CLOUD,
        severity=Severity.ERROR,
        summary="image not available on this cloud",
        detail=detail,
        hint=f"add an entry for {cloud} under `images.{group.image}`, or choose another image",
        span=mcis.span(f"groups.{group.name}.image"),
        group=group.name,
    )


def zones_of(facts: Facts, region: str) -> tuple[str, ...]:
    """The zones of a region, "" alone where zones are not known."""
    return facts.regions.get(region, RegionFact(name=region, zones=())).zones or ("",)


def guess(word: str, known: Iterable[str]) -> str | None:
    """The one known name that was surely meant, or None."""
    near = [(distance(word, name), name) for name in known]
    allowed = 1 if len(word) < len("local") else 2
    best = sorted(pair for pair in near if pair[0] <= allowed)
    return best[0][1] if best and (len(best) == 1 or best[0][0] < best[1][0]) else None


def _nearest_first(word: str, names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: (distance(word, name), name)) if len(names) > SHOWN else names


def distance(left: str, right: str) -> int:
    """Edits between two words; two swapped neighbours count as one."""
    older: list[int] = []
    old = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        new = [row]
        for column, other in enumerate(right, 1):
            best = min(old[column] + 1, new[-1] + 1, old[column - 1] + (letter != other))
            swapped = row > 1 and column > 1 and left[row - 2] == other and letter == right[column - 2]
            new.append(min(best, older[column - 2] + 1) if swapped else best)
        older, old = old, new
    return old[-1]
