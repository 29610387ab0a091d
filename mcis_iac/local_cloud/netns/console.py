"""A machine's console: what its sshd says, when it is ready, and the last words of one that failed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mcis_iac.local_cloud.netns import processes
from mcis_iac.local_cloud.netns.guest.namespaces import STARTING
from mcis_iac.local_cloud.types import Machine, Process

LISTENING = b"Server listening on "
TIMEOUT_S = 60.0
_POLL_S = 0.01
_LOOK_CLOSER_S = 1.0
_READ = 8192
_TAIL = 400


def failures(machines: Sequence[Machine], running: Mapping[str, Process]) -> Iterator[tuple[str, str]]:
    """Wait until the sshd of every machine listens; (id, reason) of those where it does not.

    From then on connections are answered. The console is asked, not the network: trying a
    connection costs a process in the machine each time, and the rules may not let us in.
    """
    waiting = list(machines)
    start = time.monotonic()
    closer = start + _LOOK_CLOSER_S
    while waiting:
        now = time.monotonic()
        exact = now > closer
        closer = now + _LOOK_CLOSER_S if exact else closer
        still = []
        for machine in waiting:
            process = running[machine.id]
            if says_listening(machine) or (exact and processes.is_listening(process.pid, machine.ssh_port)):
                continue
            if now - start > TIMEOUT_S or not processes.is_alive(process):
                what = "sshd did not listen in time" if processes.is_alive(process) else "it ended at once"
                yield machine.id, f"{what}: {last_words(machine)}"
            else:
                still.append(machine)
        waiting = still
        if waiting:
            time.sleep(_POLL_S)


def says_listening(machine: Machine) -> bool:
    """Whether sshd has reported since the last start."""
    before, marker, since = _end(machine.directory / "console.log").rpartition(STARTING)
    return LISTENING in (since if marker else before)


def last_words(machine: Machine) -> str:
    """The end of the console on one line."""
    text = _end(machine.directory / "console.log")[-_TAIL:].decode(errors="replace")
    return " / ".join(text.splitlines()[-3:]) or "no console output"


def _end(path: Path) -> bytes:
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _READ))
            return log.read()
    except OSError:
        return b""
