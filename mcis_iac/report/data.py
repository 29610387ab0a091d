"""Values as the data `-o json` prints: what the screens show, under names programs may rely on."""

from __future__ import annotations

from typing import Any

from mcis_iac.model import Op
from mcis_iac.pipeline import ActionReport, Applied, Preview, StatusReport
from mcis_iac.report.changes import reason
from mcis_iac.report.values import plain


def preview_data(preview: Preview) -> dict[str, Any]:
    """A diff with its sources and reasons; `mcis` and `env` name it."""
    diff = preview.diff
    return {
        "mcis": preview.mcis.name,
        "env": preview.mcis.env,
        "changes": [
            {
                "op": change.op.value,
                "name": change.key,
                "type": change.token,
                "vm": change.subject.vm if change.is_vm else None,
                "subject": plain(change.subject),
                "properties": plain(change.properties),
                "replace_reasons": list(change.replace_reasons),
                "source": preview.sources.get(change.key),
                "reason": reason(preview, change),
            }
            for change in diff.changes
        ],
        "summary": {op.value: diff.count(op) for op in Op if op is not Op.SAME} | {"same": diff.same},
        "vms_before": diff.vms_before,
        "vms_after": diff.vms_after,
        "lock_changed": preview.lock_changed,
        "warnings": list(diff.warnings),
        "notices": list(preview.notices),
        "silent": plain(preview.silent),
        "power": plain(preview.power),
        "actions": list(preview.actions),
        "timings": {stage: round(spent, 3) for stage, spent in preview.timings.items()},
    }


def applied_data(applied: Applied) -> dict[str, Any]:
    """What an operation did. `steps` are the engine's, `vms` how each VM ended."""
    outcome = applied.outcome
    return {
        "exit_code": applied.exit_code,
        "vms": plain(applied.vms),
        "actions": action_data(applied.actions),
        "steps": plain(outcome.steps) if outcome else [],
        "same": outcome.same if outcome else (applied.preview.diff.same if applied.preview else 0),
        "cancelled": bool(outcome and outcome.cancelled),
        "message": outcome.message if outcome else "",
        "inventory": plain(applied.inventory),
        "next": applied.next,
        "notices": list(applied.notices),
        "duration_s": applied.duration_s,
    }


def action_data(report: ActionReport) -> list[dict[str, Any]]:
    """What came of every action on every VM; output and status are there when it was sent."""
    return [{**plain(row), "ok": row.state == "done"} for row in report.rows]


def status_data(report: StatusReport) -> dict[str, Any]:
    """The rows and the aggregate; programs read `summary.status`, not the display text."""
    return {
        "stack": report.stack,
        "summary": plain(report.summary),
        "groups": plain(report.groups),
        "clouds": plain(report.clouds),
        "vms": plain(report.rows),
        "silent": plain(report.silent),
        "orphans": plain(report.orphans),
        "left_out": report.left_out,
        "last": report.last,
        "lock": report.lock,
        "notices": list(report.notices),
    }
