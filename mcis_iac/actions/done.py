"""What actions have done so far, read from the record: which of them are due now.

A VM is known by its cloud id: one that was made anew has done nothing, one whose group was renamed has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcis_iac.actions.steps import Step
from mcis_iac.model import Action, HostResult

BEGUN, ENDED = "action_begun", "action"  # the kinds of its lines
KINDS = (BEGUN, ENDED)


@dataclass(slots=True)
class Done:
    """Per action and VM id: whether it ever succeeded, and the digest of its end, if that was a success."""

    succeeded: set[tuple[str, str]] = field(default_factory=set)
    last: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[Mapping[str, Any]]) -> Done:
        """From the record's lines, oldest first; lines of other kinds are passed over."""
        found = cls()
        for line in lines:
            if line.get("kind") in KINDS:
                found._take(line)
        return found

    def due(self, action: Action, step: Step) -> bool:
        """Whether `up` has to run it there."""
        key = (step.action, step.vm.id)
        if action.when == "created":
            return key not in self.succeeded
        return action.when == "always" or self.last.get(key) != step.digest

    def _take(self, line: Mapping[str, Any]) -> None:
        """One that has begun may have changed anything, so that nothing is known until it ends well."""
        action = str(line.get("action"))
        if line["kind"] == BEGUN:
            for vm_id in line.get("ids") or ():
                self.last.pop((action, str(vm_id)), None)
            return
        key = (action, str(line.get("id")))
        self.last.pop(key, None)
        if line.get("ok") is True:
            self.succeeded.add(key)
            self.last[key] = str(line.get("digest"))


def begun(action: str, steps: Iterable[Step]) -> dict[str, Any]:
    """The fields of the line before an action is sent to those VMs."""
    return {"action": action, "ids": [step.vm.id for step in steps]}


def ended(step: Step, result: HostResult, *, by: str) -> dict[str, Any]:
    """The fields of the line after it ended on one; output is kept elsewhere, it may hold secrets."""
    return {
        "action": step.action,
        "vm": step.vm.name,
        "id": step.vm.id,
        "digest": step.digest,
        "ok": result.ok,
        "exit_status": result.exit_status,
        "error": result.error or ("connection lost" if result.lost else ""),
        "by": by,
        "elapsed_s": round(result.elapsed_s, 3),
    }
