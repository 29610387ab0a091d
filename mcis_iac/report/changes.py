"""One change of a stack diff in words: its sign, what differs, why. Shared by screen and PR comment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mcis_iac.model import Change, Op, PropertyChange
from mcis_iac.pipeline import Preview
from mcis_iac.report.text import clean, without_place

LONGEST = 60  # characters of one value; the whole value is in `-o json`
FEW = 4  # this many items or lines that differ are shown one by one
INK = {Op.CREATE: "green", Op.UPDATE: "yellow", Op.REPLACE: "magenta", Op.DELETE: "red", Op.SAME: ""}
_ORDER = (Op.DELETE, Op.REPLACE, Op.CREATE, Op.UPDATE)


def sign(change: Change) -> str:
    """`+ ~ -`, and for a replacement which of the two machines is there first."""
    if change.op is Op.REPLACE:
        return "∓" if change.old_first else "±"
    return {Op.CREATE: "+", Op.UPDATE: "~", Op.DELETE: "-"}.get(change.op, " ")


def sections(preview: Preview) -> list[tuple[str, list[Change]]]:
    """Changes under their headings: machines deleted, replaced, added; then everything else."""
    machines = [change for change in preview.diff.changes if change.is_vm]
    found = [(_heading(op, _of(machines, op)), _of(machines, op)) for op in _ORDER[:3]]
    rest = [change for change in preview.diff.changes if not (change.is_vm and change.op in _ORDER[:3])]
    found.append(("other", sorted(rest, key=lambda change: (_ORDER.index(change.op), change.key))))
    return [(title, changes) for title, changes in found if changes]


def _of(changes: Sequence[Change], op: Op) -> list[Change]:
    return sorted((change for change in changes if change.op is op), key=_by_group_and_ordinal)


def _by_group_and_ordinal(change: Change) -> tuple[str, int]:
    group, _, ordinal = (change.subject.vm or change.key).rpartition("-")
    return group, int(ordinal) if ordinal.isdigit() else 0


def _heading(op: Op, changes: Sequence[Change]) -> str:
    count = len(changes)
    vms = f"VM{'' if count == 1 else 's'}"
    words = {
        Op.DELETE: f"deletes {count} running {vms}",
        Op.REPLACE: f"replaces {count} running {vms}",
        Op.CREATE: f"adds {count} {vms}",
    }
    return words[op]


def name(change: Change) -> str:
    """The VM's name, or the resource's key without the place, which has a column of its own."""
    if change.is_vm and change.subject.vm:
        return change.subject.vm
    return without_place(change.key, change.subject.where)


def details(preview: Preview, change: Change) -> list[tuple[str, str]]:
    """What differs, as (property, difference); one pair at least. A new VM shows its type."""
    if change.op in (Op.UPDATE, Op.REPLACE) and change.properties:
        forcing = [item for item in change.properties if item.replaces]
        return [(item.path, difference(item)) for item in forcing or change.properties]
    if change.op is Op.CREATE and change.is_vm:
        group = preview.mcis.groups.get(change.subject.group or "")
        return [(group.placement.type or "" if group else "", "")]
    return [("", "")]


def reason(preview: Preview, change: Change) -> str:
    """Why: as the pipeline knows it, for a replacement at least what cannot change in place."""
    known = preview.reasons.get(change.key, "")
    if known or change.op is not Op.REPLACE or not change.replace_reasons:
        return known
    return f"{', '.join(change.replace_reasons)} cannot change in place"


def difference(item: PropertyChange, longest: int = LONGEST) -> str:
    """`old -> new`; of lists, and of the lines of a text, what came and went."""
    old, new = _parts(item.old), _parts(item.new)
    if old is not None and new is not None:
        came = [f"+{short(value, longest)}" for value in new if value not in old]
        went = [f"-{short(value, longest)}" for value in old if value not in new]
        if len(came) + len(went) > FEW and longest == LONGEST:
            return f"+{len(came)} -{len(went)} {'lines' if isinstance(item.new, str) else 'items'}"
        return " ".join(came + went) or "order"
    if item.old is None:
        return f"+{short(item.new, longest)}" if item.new is not None else ""
    return f"{short(item.old, longest)} -> {short(item.new, longest) if item.new is not None else 'none'}"


def _parts(value: Any) -> Sequence[Any] | None:
    if isinstance(value, str) and "\n" in value:
        return value.splitlines()
    return value if isinstance(value, list | tuple) else None


def short(value: Any, longest: int = LONGEST) -> str:
    """A value on one line, cut to a length that leaves the screen readable."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = clean(text)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def counts(preview: Preview) -> str:
    """`+2 ~1 ±1 -0`."""
    diff = preview.diff
    replaced = diff.count(Op.REPLACE)
    return f"+{diff.count(Op.CREATE)} ~{diff.count(Op.UPDATE)} ±{replaced} -{diff.count(Op.DELETE)}"


def machines(preview: Preview, op: Op) -> int:
    """How many VMs that happens to."""
    return sum(change.is_vm and change.op is op for change in preview.diff.changes)
