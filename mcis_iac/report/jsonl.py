"""The event stream as JSON lines: the version first, the result last, whatever happens between."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mcis_iac import __version__
from mcis_iac.engine.events import Event
from mcis_iac.model import Change, Diagnostic, Op, PropertyChange, Subject
from mcis_iac.pipeline import Applied, HostResult, Preview
from mcis_iac.report.diagnostics import as_json
from mcis_iac.report.values import plain

EVENTS_VERSION = "1.0"


def event_line(event: Event) -> str:
    """One event on one line."""
    return json.dumps(plain(event.as_json()), ensure_ascii=False, separators=(",", ":"))


def version_event() -> Event:
    """The first line."""
    return Event(kind="version", fields={"events": EVENTS_VERSION, "tool": __version__})


def result_event(
    *,
    mcis: str,
    env: str | None,
    exit_code: int,
    ok: Sequence[str] = (),
    failed: Sequence[str] = (),
    next_command: str = "",
    output: Any = None,
) -> Event:
    """The last line; `output` is what `-o json` would have printed."""
    fields: dict[str, Any] = {
        "exit_code": exit_code,
        "ok": list(ok),
        "failed": list(failed),
        "next": next_command,
    }
    if output is not None:
        fields["output"] = output
    return Event(kind="result", mcis=mcis, env=env, fields=fields)


def diagnostic_event(problem: Diagnostic) -> Event:
    """A problem of the manifest, the lock or the placement."""
    return Event(kind="diagnostic", fields=as_json(problem))


def planned_events(preview: Preview) -> list[Event]:
    """A preview as events: every change, then the summary."""
    diff = preview.diff
    events = [_planned(preview, change) for change in diff.changes]
    counts = {op.value: diff.count(op) for op in (Op.CREATE, Op.UPDATE, Op.REPLACE, Op.DELETE)}
    fields = {**counts, "same": diff.same, "vms_before": diff.vms_before, "vms_after": diff.vms_after}
    return [
        *events,
        Event(kind="change_summary", mcis=preview.mcis.name, env=preview.mcis.env, fields=fields),
    ]


def _planned(preview: Preview, change: Change) -> Event:
    fields = {
        "op": change.op.value,
        "type": change.token,
        "name": change.key,
        "diff": [_difference(item) for item in change.properties],
        "replace_reasons": list(change.replace_reasons),
        "source": preview.sources.get(change.key),
    }
    about = preview.mcis
    return Event(kind="planned_change", mcis=about.name, env=about.env, subject=change.subject, fields=fields)


def _difference(item: PropertyChange) -> dict[str, Any]:
    return {"path": item.path, "old": plain(item.old), "new": plain(item.new), "replaces": item.replaces}


def output_event(vm: str, group: str | None, stream: str, text: str) -> Event:
    """One line a command wrote on a VM."""
    return Event(kind="exec_output", subject=_machine(vm, group), fields={"stream": stream, "text": text})


def _machine(vm: str, group: str | None) -> Subject:
    return Subject(group=group, vm=vm)


def exec_end_event(result: HostResult) -> Event:
    """The last event of a VM: how the command ended there."""
    ended: dict[str, Any] = {"lost": True} if result.lost else {"exit_status": result.exit_status}
    if result.error:
        ended["error"] = result.error
    fields = {"stream": "stdout", "text": "", "elapsed_s": result.elapsed_s, **ended}
    return Event(kind="exec_output", subject=_machine(result.vm, result.group), fields=fields)


def names_of(applied: Applied) -> tuple[list[str], list[str]]:
    """The VMs that are well and those that are not."""
    acted = [row.vm for row in applied.actions.rows if row.state in ("FAILED", "not run")]
    failed = list(dict.fromkeys([*(vm.name for vm in applied.vms if vm.failure), *filter(None, acted)]))
    return [vm.name for vm in applied.vms if vm.name not in failed], failed
