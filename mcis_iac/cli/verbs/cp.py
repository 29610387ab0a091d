"""`mcis cp`: files to VMs and from them."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from mcis_iac.cli.options import FILE, PARALLEL, RUN, TIMEOUT, output
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb
from mcis_iac.errors import Cancelled, OperationError

if TYPE_CHECKING:
    from mcis_iac.pipeline import CopyResult

LIVE_S, LOG_S = 0.2, 10.0  # between two words about one VM


@verb("cp", FILE, output("table", "json", "yaml"))
@click.argument("source", metavar="SRC")
@click.argument("target", metavar="DST")
@click.option("-r", "--recursive", is_flag=True, help="Copy a folder with all that is in it.")
@click.option("--sudo", is_flag=True, help="Read or write as root there.")
@TIMEOUT
@PARALLEL
@RUN
def command(session: Session, *, source: str, target: str, recursive: bool, sudo: bool) -> int:
    """One side is VM:PATH, GROUP:PATH or all:PATH, the other a path here.

    What comes from a group goes into a folder per VM below DST. As with cp, a DST that is a folder, or
    ends with /, takes SRC under its own name. Contents are compared by checksum, and files that were
    there are replaced at once, or not at all. --timeout is per VM. Exits 4 when a VM failed.
    """
    began = time.monotonic()
    results = session.stages.copy(
        session.request(timed=False),
        source,
        target,
        recursive=recursive,
        sudo=sudo,
        timeout_s=session.flags.timeout,
        tell_every_s=LIVE_S if sys.stderr.isatty() else LOG_S,
    )
    _finish(session, results, time.monotonic() - began)
    if any(result.error.startswith("cancelled") for result in results):
        return Cancelled.exit_code
    return 0 if all(result.ok for result in results) else OperationError.exit_code


def _finish(session: Session, results: Sequence[CopyResult], elapsed_s: float) -> None:
    from mcis_iac.report import copying
    from mcis_iac.report.values import plain

    ok = [result.vm for result in results if result.ok]
    session.result |= {"ok": ok, "failed": [result.vm for result in results if not result.ok]}
    session.show(
        lambda: [{**plain(result), "ok": result.ok} for result in results],
        lambda **_: "",
    )
    if session.flags.output == "table" and not session.flags.quiet:
        color = session.color(sys.stderr)
        told = [*copying.left_out(results, color=color), *copying.failures(results, color=color)]
        session.err("\n".join([*told, copying.summary(results, elapsed_s)]))
