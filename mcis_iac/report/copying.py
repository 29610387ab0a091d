"""What was copied where: a line per VM that failed or left something out, and the sum."""

from __future__ import annotations

from collections.abc import Sequence

from mcis_iac.pipeline import CopyResult
from mcis_iac.report.text import clean, paint, plural, seconds

STEP = 1000.0


def size(count: float) -> str:
    """`812 B`, `1.5 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < STEP:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= STEP
    return f"{count:.1f} TB"


def left_out(results: Sequence[CopyResult], *, color: bool = False) -> list[str]:
    """What stayed behind: once when it is the same for all, else per VM."""
    alike = len({result.skipped for result in results if result.ok}) <= 1
    told = [result for result in results if result.ok][:1] if alike else results
    prefix = "" if alike else "{vm}: "
    return [
        paint(f"{prefix.format(vm=result.vm)}left out: {clean(name)}", "yellow", color=color)
        for result in told
        for name in result.skipped
    ]


def failures(results: Sequence[CopyResult], *, color: bool = False) -> list[str]:
    """Who failed and why, one line each."""
    return [
        f"{result.vm}: {paint(clean(result.error), 'red', color=color)}"
        for result in results
        if not result.ok
    ]


def summary(results: Sequence[CopyResult], elapsed_s: float) -> str:
    """`3 VMs: 2 ok, 1 failed   4 files, 2.0 MB   1.2s`."""
    ok = [result for result in results if result.ok]
    counts = [(len(ok), "ok"), (len(results) - len(ok), "failed")]
    parts = ", ".join(f"{count} {word}" for count, word in counts if count)
    moved = f"{plural(sum(r.files for r in ok), 'file')}, {size(sum(r.bytes for r in ok))}"
    return f"{plural(len(results), 'VM')}: {parts or 'none'}   {moved}   {seconds(elapsed_s)}"
