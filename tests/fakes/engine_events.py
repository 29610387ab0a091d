"""Engine events as the CLI sends them, in few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.automation.events import EngineEvent

MACHINE = "fake:index:Instance"


def urn(key: str, token: str = MACHINE) -> str:
    return f"urn:pulumi:front::shop::{token}::{key}"


def step(
    when: str,
    op: str,
    key: str,
    *,
    token: str = MACHINE,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    id: str = "",
    outputs: Mapping[str, Any] | None = None,
    old_outputs: Mapping[str, Any] | None = None,
    keys: list[str] | None = None,
    diffs: list[str] | None = None,
    detailed: Mapping[str, str] | None = None,
) -> EngineEvent:
    """`when` is begin, done or failed; `old` and `new` are inputs (None = there is none)."""
    field = {"begin": "resourcePreEvent", "done": "resOutputsEvent", "failed": "resOpFailedEvent"}[when]
    common = {"type": token, "urn": urn(key, token), "id": id, "parent": "", "provider": ""}
    metadata: dict[str, Any] = {"op": op, "urn": urn(key, token), "type": token, "provider": ""}
    if old is not None:
        metadata["old"] = {**common, "inputs": dict(old), "outputs": dict(old_outputs or old)}
    if new is not None:
        metadata["new"] = {**common, "inputs": dict(new), "outputs": dict(outputs or new)}
    metadata |= {"keys": keys, "diffs": diffs}
    metadata["detailedDiff"] = {path: {"diffKind": kind} for path, kind in (detailed or {}).items()}
    return EngineEvent.from_json({field: {"metadata": metadata}})


def says(severity: str, message: str, key: str | None = None) -> EngineEvent:
    """A diagnostic, about a machine or about everything."""
    about = {"urn": urn(key)} if key else {}
    return EngineEvent.from_json(
        {"diagnosticEvent": {"severity": severity, "message": message, "color": "never", **about}}
    )


def ended() -> EngineEvent:
    """The last event."""
    event = EngineEvent.from_json({})
    event.cancel_event = object()
    return event
