"""Smaller screens of plain facts: `doctor`, `outputs`, and `validate` when all is well."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mcis_iac.model import Mcis
from mcis_iac.report.tables import Cell, table
from mcis_iac.report.text import plural

if TYPE_CHECKING:
    from mcis_iac.pipeline import Finding


def doctor_screen(findings: Sequence[Finding], *, color: bool = False, width: int | None = None) -> str:
    """A row per topic; below what is not well, what to do about it."""
    rows = [
        (Cell("ok" if found.ok else "NOT OK", "green" if found.ok else "red"), found.topic, _found(found))
        for found in findings
    ]
    lines = table(rows, color=color, width=width)
    hint = [(found.topic, found.hint) for found in findings if found.hint]
    if hint:
        lines += ["", "to do:", *table(hint, indent="  ", color=color, width=width)]
    return "\n".join(lines) + "\n"


def _found(finding: Finding) -> str:
    return f"{finding.found} ({finding.why})" if finding.why else finding.found


def outputs_screen(outputs: Mapping[str, Any], *, color: bool = False) -> str:
    """One line per value, with its dotted path: made for grep."""
    rows = [(path, value) for path, value in _flat("", outputs)]
    return "\n".join(table(rows, color=color)) + "\n" if rows else ""


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), item)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def valid_sentence(mcis: Mcis) -> str:
    """`edge.prod: ok, 5 VMs in 3 groups`."""
    vms = sum(group.count for group in mcis.groups.values())
    return f"{mcis.stack}: ok, {plural(vms, 'VM')} in {plural(len(mcis.groups), 'group')}\n"
