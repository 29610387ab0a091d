"""Timing whole processes, and the table the figures go into."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process with all it waited for.

    Wall seconds, their CPU seconds together, the peak memory of the largest of them in MiB, output.
    """

    seconds: float
    cpu: float
    mib: float
    code: int
    output: str


def timed(arguments: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None) -> Run:
    """Run a command and wait for it."""
    with Path(cwd, "bench.out").open("w+b") as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in arguments],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except KeyboardInterrupt:  # it would go on making things after we have tidied up
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode(errors="replace")
    cpu = usage.ru_utime + usage.ru_stime
    return Run(seconds, cpu, usage.ru_maxrss / 1024, process.returncode, text)


def best(arguments: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str], times: int = 5) -> Run:
    """The fastest of several runs: what the program costs when nothing disturbs it."""
    return min((timed(arguments, cwd=cwd, env=env) for _ in range(times)), key=lambda run: run.seconds)


class Table:
    """Rows printed as they come, so that a long run shows where it is."""

    def __init__(self, titles: Sequence[str]) -> None:
        self.slow: list[str] = []
        self._line(titles)

    @staticmethod
    def _line(cells: Sequence[str]) -> None:
        what, *rest = cells
        print(f"{what:44}" + "".join(f"{cell:>11}" for cell in rest), flush=True)

    def add(
        self, what: str, size: int | None, run: Run, at_most: float | None = None, mib: float | None = None
    ) -> Run:
        """One figure; a process that failed shows its exit code and the end of its output.

        `at_most` is the aim in seconds, `mib` the one for memory.
        """
        self._line(
            (
                what,
                "" if size is None else str(size),
                f"{run.seconds:.2f}" if run.code == 0 else f"exit {run.code}",
                "" if at_most is None else f"{at_most:g}",
                f"{run.cpu:.2f}",
                f"{run.mib:.0f}",
            )
        )
        if run.code:
            print("   " + "\n   ".join(run.output.splitlines()[-5:]), flush=True)
        elif at_most is not None and run.seconds > at_most:
            self.slow.append(f"{what} {size or ''}: {run.seconds:.2f} s, aim {at_most:g} s")
        if run.code == 0 and mib is not None and run.mib > mib:
            self.slow.append(f"{what} {size or ''}: {run.mib:.0f} MiB, aim {mib:g} MiB")
        return run

    @staticmethod
    def note(text: str) -> None:
        """What a row's figures are made of."""
        print(f"   {text}", flush=True)

    def done(self) -> None:
        """Say what missed its aim, and how busy the machine was beside this."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"\nCPU of all processes: {used.ru_utime + used.ru_stime:.0f} s on {os.cpu_count()} cores")
        print(
            f"load at the end: {os.getloadavg()[0]:.1f} (with other work beside it, compare CPU, not seconds)"
        )
        print("all within their aims" if not self.slow else "beyond their aims:\n  " + "\n  ".join(self.slow))
