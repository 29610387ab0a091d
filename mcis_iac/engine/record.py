"""The record: one JSON line per thing done to a stack, on disk before the caller goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from mcis_iac.engine.events import now
from mcis_iac.engine.home import StackHome, explained


def append(home: StackHome, kind: str, fields: Mapping[str, Any]) -> None:
    """Add a line `{kind, ts, ...fields}`; values must be JSON and no secrets."""
    line = json.dumps({"kind": kind, "ts": now(), **fields}, ensure_ascii=False) + "\n"
    with explained(home.record):
        handle = os.open(home.record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode())
            os.fsync(handle)
        finally:
            os.close(handle)


def read(home: StackHome, *kinds: str) -> tuple[dict[str, Any], ...]:
    """All lines, or those of some kinds, oldest first; a line that a crash cut off is left out."""
    try:
        text = home.record.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ()
    heads = tuple(f'{{"kind": {json.dumps(kind)},' for kind in kinds)  # most lines need no parsing then
    lines = []
    for line in text.splitlines():
        if not line.startswith(heads or "{"):
            continue
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            lines.append(value)
    return tuple(lines)
