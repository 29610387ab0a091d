"""The event stream: one value per thing that happened, the same for every reader.

The terminal, CI and files read these objects (`schemas/v1/events.schema.json`). This module knows
nothing of Pulumi, so that `report` can import it without paying for the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from mcis_iac.model import NOTHING, Subject


def now() -> str:
    """This moment as RFC 3339 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. `fields` are the extra fields of its kind, plain JSON values.

    Kinds: version, diagnostic, planned_change, change_summary, op_start, op_progress, op_complete,
    op_failed, vm_ready, exec_output, outputs, result.
    """

    kind: str
    ts: str = field(default_factory=now)
    mcis: str = ""
    env: str | None = None
    subject: Subject = field(default_factory=Subject)
    urn: str | None = None
    fields: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    def as_json(self) -> dict[str, Any]:
        """The line of the stream; subject parts that are unknown are left out."""
        head: dict[str, Any] = {"kind": self.kind, "ts": self.ts, "mcis": self.mcis, "env": self.env}
        parts = {name: getattr(self.subject, name) for name in ("group", "vm", "cloud", "region")}
        head |= {name: value for name, value in parts.items() if value is not None}
        if self.urn is not None:
            head["urn"] = self.urn
        return head | dict(self.fields)


Listener: TypeAlias = Callable[[Event], None]
