"""Progress as plain lines, one per event: for CI logs and for ears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcis_iac.engine.events import Event
from mcis_iac.report.text import clean, seconds, without_place


def plain_line(event: Event) -> str | None:
    """`14:03:41 web-3 gcp/asia-northeast3 create FAILED 19.0s: reason` (UTC); None = not for a log."""
    parts = _words(event)
    if parts is None:
        return None
    head = [event.ts[11:19], thing(event), event.subject.where]
    return " ".join(part for part in (*head, *parts) if part)


def _words(event: Event) -> tuple[str, ...] | None:
    fields = event.fields
    op = str(fields.get("op", ""))
    if event.kind == "op_start":
        return (op,)
    if event.kind == "op_progress":
        return (op, message(event))
    if event.kind == "vm_ready":
        return ("ready", _elapsed(event), str(fields.get("ip") or ""))
    if event.kind == "op_complete":
        return (op, "done", _elapsed(event))
    if event.kind == "op_failed":
        reason = failure_text(event)
        return (op, "FAILED", _elapsed(event) + (f": {reason}" if reason else ""))
    said = message(event) if event.kind == "exec_output" and "action" in fields else remark(event)
    return (said,) if said else None


def thing(event: Event) -> str:
    """What the event is about: the resource's key, else its VM; empty = the whole operation."""
    name = str(event.fields.get("name") or event.subject.vm or "")
    return clean(without_place(name, event.subject.where))


def message(event: Event) -> str:
    """What an `op_progress` says, or an action on a VM writes."""
    if event.kind == "exec_output":
        return clean(f"{event.fields.get('action')}{_said(event.fields)}")
    return clean(str(event.fields.get("message", "")))


def _said(fields: Mapping[str, Any]) -> str:
    """A line an action wrote, or how it ended."""
    if "exit_status" not in fields and "lost" not in fields:
        return f": {fields.get('text')}"
    if fields.get("exit_status") == 0 and not fields.get("error"):
        return f" done {seconds(float(fields.get('elapsed_s', 0)))}"
    lost = "connection lost" if fields.get("lost") else f"exit {fields.get('exit_status')}"
    return f" FAILED: {fields.get('error') or lost}"


def remark(event: Event) -> str:
    """What is to be read on the way, also above a live display: warnings, and what actions write.

    Problems of the manifest have codes and a better place.
    """
    if event.kind == "exec_output" and "action" in event.fields:
        return f"{event.subject.vm} {message(event)}"
    if event.kind != "diagnostic" or event.fields.get("code"):
        return ""
    return clean(f"{event.fields.get('severity', 'note')}: {event.fields.get('summary', '')}")


def failure_text(event: Event) -> str:
    """The reason an `op_failed` carries: the detail of its diagnostic, else its summary."""
    error = event.fields.get("error") or {}
    if isinstance(error, str):
        return clean(error)
    return clean(str(error.get("detail") or error.get("message") or error.get("summary") or ""))


def _elapsed(event: Event) -> str:
    spent = event.fields.get("elapsed_s")
    return "" if spent is None else seconds(float(spent))
