"""Removing a whole site without trusting its database: found by its folder alone.

For a cloud that is damaged as for one that is well: every backend that can run here ends what it
finds below the folder and takes its network down, then the folder goes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mcis_iac.local_cloud import choose, lockfile
from mcis_iac.local_cloud.store import Store
from mcis_iac.local_cloud.types import Backend, LocalCloudError

PATIENCE_S = 15.0
LOCK_S = 60.0
TRIES = 3


def remove(directory: Path, factories: Mapping[str, choose.Factory]) -> None:
    """LocalCloudError("host") names what could not be removed."""
    if not directory.is_dir():
        return
    with lockfile.held(directory / "lock", timeout_s=LOCK_S):
        known = _remembered(directory)
        for name, factory in factories.items():
            if not choose.obstacle(name):
                _clear(factory(directory, known.get(name, {})))
        for _ in range(TRIES):  # the trash may still be being emptied behind our back
            shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        left = ", ".join(sorted(path.name for path in directory.iterdir())[:5]) or "the folder itself"
        raise LocalCloudError(code="host", message=f"could not remove all of {directory}: {left}")


def _remembered(directory: Path) -> Mapping[str, Mapping[str, Any]]:
    """The stored settings of the site's backend; nothing when the database cannot tell."""
    if not (directory / "cloud.db").exists():
        return {}
    try:
        store = Store(directory / "cloud.db")
    except LocalCloudError:
        return {}
    try:
        meta = store.meta()
        return {meta["backend"]: json.loads(meta["addressing"])} if "backend" in meta else {}
    except (LocalCloudError, ValueError, KeyError):
        return {}
    finally:
        store.close()


def _clear(backend: Backend) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while pids := backend.orphans(frozenset()):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            message = f"the kernel has not ended process {', '.join(map(str, pids))}"
            raise LocalCloudError(code="host", message=message)
        time.sleep(0.01)
    backend.teardown()
