"""Trouble on demand: a control file beside the cloud, read before every call to the cloud.

    {"faults": [{"do": "quota", "name": "web-*", "package": "aws", "verb": "create", "times": 2}]}

`do` is slow (`seconds`), throttle, quota, refuse (the credentials), late (`seconds` until the thing can
be found), die, or die-late (after the thing was made). `name` is a pattern over logical names, `token`
one over types. `verb` is create, update, delete, read, or what providers do first: check (their own
settings) and configure. With `loud`, the values of those variables are repeated in what is said.
`after` calls pass before the first one is hit; `times` limits how many are (None = all).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

CONTROL = "control.json"


class Faults:
    """The faults of one cloud folder; `count(key)` numbers the calls of all processes from 1."""

    def __init__(self, folder: Path, package: str, count: Callable[[str], int]) -> None:
        self._path, self._package, self._count = folder / CONTROL, package, count
        self._seen: tuple[int, list[Mapping[str, Any]]] = (0, [])

    def meeting(self, verb: str, token: str, name: str) -> Iterator[Mapping[str, Any]]:
        """The faults that this call meets."""
        for fault in self._faults():
            asked = (("package", self._package), ("verb", verb), ("token", token), ("name", name))
            if not all(fnmatchcase(value, str(fault.get(key) or "*")) for key, value in asked):
                continue
            after, times = int(fault.get("after") or 0), fault.get("times")
            if after or times is not None:
                number = self._count(f"fault {json.dumps(fault, sort_keys=True)}")
                if number <= after or (times is not None and number > after + int(times)):
                    continue
            yield fault

    def _faults(self) -> list[Mapping[str, Any]]:
        try:
            stamp = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        if stamp != self._seen[0]:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            self._seen = (stamp, [{"verb": "create", **fault} for fault in found["faults"]])
        return self._seen[1]
