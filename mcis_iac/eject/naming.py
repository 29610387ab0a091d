"""Variables: called by what a resource is, and by as much of its key as tells it from its like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from mcis_iac.eject.spelling import LOOPS, RESERVED, snake, variable
from mcis_iac.model import NOTHING
from mcis_iac.program.graph import Resource


def kind(resource: Resource) -> str:
    """The type of a resource as a word; a provider is just that."""
    if resource.provider is None:
        return "provider"
    return snake(resource.token.rpartition(":")[2]).replace("public_ipaddress", "public_ip_address")


def variables(
    resources: Iterable[Resource],
    *,
    without: Iterable[str] = (),
    loops: Mapping[str, str] = NOTHING,
    others: Iterable[str] = (),
) -> dict[str, str]:
    """A variable for each, by key; the parts in `without` say nothing here, `others` are taken.

    `loops` has the resources that stand for several, with what their keys have in common.
    """
    alike: dict[str, list[Resource]] = {}
    for resource in resources:
        alike.setdefault(kind(resource), []).append(resource)
    found: dict[str, str] = {}
    taken = RESERVED | LOOPS | set(others)
    for word, same in alike.items():
        parts = {each.key: _parts(loops.get(each.key, each.key), frozenset(without)) for each in same}
        several = {each.key for each in same} & set(loops)
        for key, single in _distinct(word, parts).items():
            name = plural(word) + single.removeprefix(word) if key in several else single
            free, number = name, 2
            while free in taken and not (free == "provider" and word == "provider"):
                free, number = f"{name}_{number}", number + 1
            taken |= {free}
            found[key] = free
    return found


def plural(word: str) -> str:
    """The word for several."""
    if word.endswith(("s", "x")):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def _parts(key: str, without: frozenset[str]) -> tuple[str, ...]:
    plain = (part.replace("%2F", "/").replace("%25", "%") for part in key.split("/")[1:])
    return tuple(part for part in plain if part not in without)


def _distinct(word: str, parts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The word alone where there is one; else with the fewest parts of the keys that differ."""
    if len(parts) == 1:
        return dict.fromkeys(parts, word)
    width = max(len(each) for each in parts.values())
    padded = {key: (*each, *("",) * (width - len(each))) for key, each in parts.items()}
    chosen: list[int] = []
    for place in range(width):
        before = {tuple(each[n] for n in chosen) for each in padded.values()}
        after = {tuple(each[n] for n in (*chosen, place)) for each in padded.values()}
        if len(after) > len(before):
            chosen.append(place)
    return {
        key: re.sub("_+", "_", variable("_".join((word, *(each[n] for n in chosen if each[n])))))
        for key, each in padded.items()
    }
