"""The stack's outputs after an operation, as complete as what exists allows.

The engine leaves out every VM with a value it could not learn, also when that VM runs and only its
update failed. Such entries come from the state, and those of VMs that nobody touched from the
outputs before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mcis_iac.engine import checkpoint
from mcis_iac.engine.diff import UNKNOWN, plain
from mcis_iac.engine.entries import filled
from mcis_iac.program.graph import Graph, refs

INVENTORY = "inventory"


def after(
    outputs: Mapping[str, Any],
    before: Mapping[str, Any],
    *,
    gone: set[str],
    graph: Graph | None,
    deployment: Callable[[], Mapping[str, Any]],
) -> dict[str, Any]:
    """The outputs with an inventory entry for every VM that exists.

    `gone` are the keys deleted in this run; `deployment` reads the state after it, and is asked only
    when the outputs lack a VM that was there before or that the graph wants.
    """
    new, old = _entries(outputs.get(INVENTORY)), _entries(before.get(INVENTORY))
    wanted = _entries(graph.outputs.get(INVENTORY)) if graph else {}
    result = {name: plain(value) for name, value in outputs.items() if name != INVENTORY}
    entries = {name: entry for name, entry in new.items() if not _unknown(entry)}
    missing = {name for name in (*old, *wanted) if name not in entries and name not in gone}
    if missing:
        exists = checkpoint.made(deployment())
        kept = {name: old[name] for name in missing if name in old and name in exists}
        found = _completed(wanted, exists)
        entries = {**kept, **found, **entries}
    return {**result, INVENTORY: plain(entries)} if entries or INVENTORY in outputs else result


def _entries(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _completed(
    wanted: Mapping[str, Any], exists: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> dict[str, Any]:
    return {
        name: filled(entry, exists)
        for name, entry in wanted.items()
        if name in exists and all(ref.key in exists for ref in refs(entry))
    }


def _unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_unknown(part) for part in value.values())
    if isinstance(value, list):
        return any(_unknown(part) for part in value)
    return bool(value == UNKNOWN)
