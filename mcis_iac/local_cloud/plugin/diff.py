"""What a change of inputs means: nothing, an update in place, or a new resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mcis_iac.local_cloud.plugin.shapes import Field, Record, normal
from mcis_iac.local_cloud.plugin.values import Plain, Properties, knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One property that differs. `how` names an entry of the protocol's PropertyDiff.Kind."""

    key: str
    how: Literal["ADD", "DELETE", "UPDATE"]
    replaces: bool


def changes(fields: Record, olds: Properties, outputs: Properties, news: Properties) -> Iterator[Change]:
    """Every property whose meaning changes, in the order of the table.

    `outputs` are the present ones: where the cloud chose a value, asking for just that one is no
    change, and no longer asking for it is none either. UNKNOWN always counts as a change.
    """
    for key, wanted in fields.fields.items():
        old, new = olds.get(key), news.get(key)
        if wanted.chosen:
            if new is None:
                continue
            old = outputs.get(key, old)
        if same(wanted, old, new):
            continue
        how: Literal["ADD", "DELETE", "UPDATE"] = "UPDATE"
        if old is None or new is None:
            how = "ADD" if old is None else "DELETE"
        yield Change(key=key, how=how, replaces=wanted.replaces)


def same(wanted: Field, old: Plain, new: Plain) -> bool:
    """Whether two values of a property mean the same."""
    return knows(new) and bool(normal(wanted, old) == normal(wanted, new))


def observed(fields: Record, olds: Properties, found: Properties) -> Properties:
    """The inputs after a look at the real thing: as they were written where they still hold.

    Keeping the user's own wording (order of lists, defaults left out) means that a refresh shows
    real drift only. `found` has every input of the resource; without `olds`, as when a resource is
    imported, all of it is taken but what the cloud would choose or has by default.
    """
    inputs: Properties = {}
    for key, wanted in fields.fields.items():
        old, new = olds.get(key), found.get(key)
        if old is not None and same(wanted, old, new):
            inputs[key] = old
        elif not same(wanted, None, new) and not (wanted.chosen and old is None):
            inputs[key] = new
    return inputs
