"""The report of a run of actions: everything it wrote on every VM, kept with the stack."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from mcis_iac.engine.events import now
from mcis_iac.engine.home import StackHome, explained
from mcis_iac.model import HostResult


class RunLog:
    """The run report: a line per VM and action with everything it wrote, beside the engine's logs."""

    def __init__(self, home: StackHome) -> None:
        stamp = now().replace(":", "").replace("-", "").replace(".", "")
        self._path = home.runs / f"{stamp}-{os.getpid()}-actions.jsonl"
        self._any = False

    @property
    def name(self) -> str:
        """The file, as short as it can be said; "" when nothing was sent."""
        if not self._any:
            return ""
        here = Path.cwd()
        return str(self._path.relative_to(here) if self._path.is_relative_to(here) else self._path)

    def add(self, action: str, result: HostResult) -> None:
        """Write the line down."""
        line = json.dumps({"action": action, "ts": now(), **asdict(result)}, ensure_ascii=False) + "\n"
        with explained(self._path):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8", errors="replace") as file:
                file.write(line)
        self._any = True
