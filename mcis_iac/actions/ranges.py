"""Short text for many VM names: `web[1-2,4-5], db-1`."""

from __future__ import annotations

from collections.abc import Iterable


def fold_names(names: Iterable[str]) -> str:
    """The names with their ordinals folded, in the order the groups first appear.

    One VM of a group stays as it is (`web-3`), several become `web[1-2,4]`; a name without an
    ordinal is repeated unchanged.
    """
    groups: dict[str, list[int]] = {}
    for name in names:
        group, dash, ordinal = name.rpartition("-")
        if dash and ordinal.isdecimal():
            groups.setdefault(group, []).append(int(ordinal))
        else:
            groups.setdefault(name, [])
    return ", ".join(_group(name, sorted(set(ordinals))) for name, ordinals in groups.items())


def _group(name: str, ordinals: list[int]) -> str:
    if not ordinals:
        return name
    if len(ordinals) == 1:
        return f"{name}-{ordinals[0]}"
    return f"{name}[{','.join(_runs(ordinals))}]"


def _runs(ordinals: list[int]) -> Iterable[str]:
    start = last = ordinals[0]
    for ordinal in [*ordinals[1:], None]:
        if ordinal is not None and ordinal == last + 1:
            last = ordinal
            continue
        yield str(start) if start == last else f"{start}-{last}"
        if ordinal is not None:
            start = last = ordinal
