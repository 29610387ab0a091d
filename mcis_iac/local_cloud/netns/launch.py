"""Our end of the spawner process: send the batch, hear what starts, let it run."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import mcis_iac
from mcis_iac.local_cloud.types import LocalCloudError

MODULE = "mcis_iac.local_cloud.netns.guest.spawner"
_FAILED = {
    "probe": "a trial failed",
    "spawn": "no machine can be started here",
    "volumes": "the machine's volumes could not be changed",
}
_ROOT = Path(mcis_iac.__file__).parents[1]


class Spawner:
    """One run of the spawner. Leaving the block without `release` ends everything it started."""

    def __init__(self, batch: Mapping[str, Any]) -> None:
        self._batch = batch
        self._rest = b""

    def __enter__(self) -> Self:
        # A clean environment: the machine's first process starts as a copy of this one, and its
        # memory must hold nothing of ours that a guest's root may not see. Own session: Ctrl-C is ours.
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-S", "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
        self._write(json.dumps(self._batch))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def release(self) -> None:
        """Let every machine of the batch that is still waiting run."""
        self._write("go")

    def _write(self, line: str) -> None:
        if self._process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):  # its death shows at reading
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def lines(self, timeout_s: float) -> Iterator[Mapping[str, Any]]:
        """Its answers until it and all it started closed their end, or the time is over."""
        if self._process.stdout is None:
            return
        handle = self._process.stdout.fileno()
        poll = select.poll()  # `select` cannot take handles above 1,023, which a busy caller has
        poll.register(handle, select.POLLIN)
        deadline = time.monotonic() + timeout_s
        while True:
            while b"\n" in self._rest:
                line, _, self._rest = self._rest.partition(b"\n")
                yield self._parse(line)
            ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            data = os.read(handle, 65536) if ready else b""
            if not data:
                return
            self._rest += data

    def _parse(self, line: bytes) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads(line)
        if found.get("error") and not found.get("id"):
            what = _FAILED[self._batch["action"]]
            raise LocalCloudError(code="host", message=f"{what}: {found['error']}")
        return found
