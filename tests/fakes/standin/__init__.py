"""A stand-in for the plugins of AWS, Google Cloud, Azure and OpenStack, loaded by the real engine.

It knows no network: its clouds are files. What it takes and refuses follows the typed packages and,
for the resource types in use, the real plugins' rules; see `kinds` and `replaces.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSIONS: Mapping[str, str] = {
    "aws": "7.51.1",
    "gcp": "10.2.0",
    "azure-native": "3.29.0",
    "openstack": "5.5.3",
}
TESTS = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Standin:
    """The clouds of one test: `folder` is where they live, `shapes` where plugins keep what they read."""

    folder: Path
    shapes: Path

    def launchers(self, folder: Path) -> dict[str, Path]:
        """Write `pulumi-resource-<package>` for every package; package -> folder, as sessions want it."""
        for package in VERSIONS:
            self._launcher(folder, package)
        return dict.fromkeys(VERSIONS, folder)

    def install(self, data_dir: Path) -> None:
        """Put the plugins where the engine of that data directory keeps those it has downloaded."""
        for package, version in VERSIONS.items():
            self._launcher(data_dir / "pulumi-home" / "plugins" / f"resource-{package}-v{version}", package)

    def _launcher(self, folder: Path, package: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        words = (sys.executable, "-m", "fakes.standin.process", package, VERSIONS[package])
        command = " ".join(f'"{word}"' for word in (*words, self.folder, self.shapes))
        script = folder / f"pulumi-resource-{package}"
        script.write_text(f'#!/bin/sh\nPYTHONPATH="{TESTS}" exec {command} "$@"\n', encoding="utf-8")
        script.chmod(0o755)

    def faults(self, *faults: Mapping[str, Any]) -> None:
        """From now on, this trouble (see `faults`); none = all is well again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / "control.draft"
        draft.write_text(json.dumps({"faults": faults}), encoding="utf-8")
        draft.replace(self.folder / "control.json")

    def things(self, package: str, token: str = "%") -> list[Any]:
        """What exists in a cloud; `token` is an SQL pattern."""
        return self._asked(package, lambda store: store.things(token))

    def every(self) -> list[Any]:
        """What exists in all the clouds."""
        return [thing for package in VERSIONS for thing in self.things(package)]

    def calls(self, package: str) -> list[tuple[str, str, str]]:
        """(verb, token, logical name) of the calls that reached a cloud."""
        return self._asked(package, lambda store: store.calls())

    def forget(self, package: str, thing: Any) -> None:
        """Somebody deletes a thing behind our back."""
        self._asked(package, lambda store: store.remove(thing.scope, thing.token, thing.id))

    def used(self) -> list[Mapping[str, Any]]:
        """Package, CPU seconds and MiB of every plugin process that has ended as it should."""
        path = self.folder / "usage.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _asked(self, package: str, question: Any) -> Any:
        from fakes.standin.store import Store

        store = Store(self.folder, package)
        try:
            return question(store)
        finally:
            store.close()
