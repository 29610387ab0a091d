"""What a change of inputs means at the real provider: nothing, an update, another resource, a refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from mcis_iac.local_cloud.plugin.values import UNKNOWN

FILE = Path(__file__).with_name("replaces.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One place that differs. `path` is as the engine writes it, `plain` without list positions."""

    path: str
    plain: str
    how: str
    element: bool = False  # a whole list element, or all of the list, came or went
    replaces: bool = False
    refused: bool = False


@cache
def _rules() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))["resources"]
    return found


def known(token: str) -> bool:
    """Whether the file says something of that resource type."""
    return token in _rules()


def changes(token: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[Change]:
    """Every place where the inputs differ, and what that means."""
    rules = _rules().get(token, {})
    sets = frozenset(rules.get("sets", ()))
    found = []
    for change in _differences(olds, news, "", "", sets):
        replaces = any(_meets(rule, change) for rule in rules.get("replaces", ())) or any(
            _meets(rule, change) and news.get(flag) is True
            for rule, flag in rules.get("replacesWhen", {}).items()
        )
        if any(_meets(rule, change) for rule in rules.get("onlyWidens", ())):
            replaces = not _wider(olds.get(change.plain), news.get(change.plain))
        refused = not replaces and any(_meets(rule, change) for rule in rules.get("refuses", ()))
        found.append(
            Change(path=change.path, plain=change.plain, how=change.how, replaces=replaces, refused=refused)
        )
    return found


def _wider(old: Any, new: Any) -> bool:
    """Whether a range contains the one before; one that is not known yet may."""
    if not isinstance(old, str) or not isinstance(new, str):
        return new is UNKNOWN
    return IPv4Network(old).subnet_of(IPv4Network(new))


def _meets(rule: str, change: Change) -> bool:
    if rule.endswith("[]"):
        return change.element and change.plain == rule.removesuffix("[]")
    # A whole object that comes or goes changes everything in it.
    inside = change.how != "UPDATE" and rule.startswith(f"{change.plain}.")
    return change.plain == rule or change.plain.startswith(f"{rule}.") or inside


def _differences(old: Any, new: Any, path: str, plain: str, sets: frozenset[str]) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            below = (f"{path}.{_step(key)}" if path else _step(key)).replace(".[", "[")
            yield from _differences(
                old.get(key), new.get(key), below, f"{plain}.{key}" if plain else key, sets
            )
    elif isinstance(old, list) and isinstance(new, list):
        if plain in sets:
            old, new = _in_order(old), _in_order(new)
        for number in range(max(len(old), len(new))):
            below = f"{path}[{number}]"
            if number >= min(len(old), len(new)):
                how = "DELETE" if number >= len(new) else "ADD"
                yield Change(path=below, plain=plain, how=how, element=True)
            else:
                yield from _differences(old[number], new[number], below, plain, sets)
    elif new is UNKNOWN or old != new or isinstance(old, bool) != isinstance(new, bool):
        how = "ADD" if old is None else "DELETE" if new is None else "UPDATE"
        yield Change(path=path, plain=plain, how=how, element=how != "UPDATE")


def _step(key: str) -> str:
    """A map's key within a path; one with a dot or a dash must be quoted."""
    return key if key.replace("_", "a").isalnum() else f'["{key}"]'


def _in_order(values: list[Any]) -> list[Any]:
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True, default=str))
