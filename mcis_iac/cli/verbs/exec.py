"""`mcis exec`: one command on many VMs."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcis_iac.cli.options import FILE, PARALLEL, RUN, SELECT, TIMEOUT, output
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb
from mcis_iac.errors import Cancelled, OperationError, UsageError

if TYPE_CHECKING:
    from mcis_iac.pipeline import HostResult


@verb("exec", FILE, SELECT, output("table", "json", "yaml"))
@click.argument("words", nargs=-1, metavar="-- COMMAND...")
@click.option("--fold", is_flag=True, help="Show equal output once, with its VMs.")
@click.option("--serial", type=click.IntRange(1), metavar="N", help="N VMs at a time; a failure stops it.")
@click.option("--sudo", is_flag=True, help="Run as root.")
@click.option(
    "--script", type=click.Path(), metavar="FILE", help="Run this local script; COMMAND is its arguments."
)
@click.option("--setenv", multiple=True, metavar="NAME=VALUE", help="Set a variable there (repeatable).")
@click.option("-n", "--no-stdin", is_flag=True, help="Do not pass standard input on.")
@click.option("--junit", metavar="FILE", help="Write a JUnit report.")
@TIMEOUT
@PARALLEL
@RUN
def command(
    session: Session,
    *,
    words: tuple[str, ...],
    fold: bool,
    serial: int | None,
    sudo: bool,
    script: str | None,
    setenv: tuple[str, ...],
    no_stdin: bool,
    junit: str | None,
) -> int:
    """Output is shown as it comes, with the VM's name before each line.

    Every VM gets what comes in on standard input, if that is no terminal. --timeout is per VM; it and
    Ctrl-C stop the command there. Exits 4 when the command failed anywhere, or a connection was lost.
    """
    if not words and script is None:
        message = "no command; for example: mcis exec -- uname -r"
        raise click.UsageError(message)
    stream = Stream(session, live=not fold and session.flags.output == "table")
    began = time.monotonic()
    results = session.stages.execute(
        session.request(timed=False),
        session.selection(),
        words,
        on_output=stream,
        timeout_s=session.flags.timeout,
        serial=serial,
        sudo=sudo,
        script=script,
        setenv=dict(map(_pair, setenv)),
        stdin=None if no_stdin or script is not None else _stdin(),
    )
    _finish(session, results, time.monotonic() - began, fold=fold)
    if junit is not None:
        _write_junit(junit, results, shlex.join(words) or str(script))
    if any(result.error.startswith("cancelled") for result in results):
        return Cancelled.exit_code
    return 0 if all(result.ok for result in results) else OperationError.exit_code


class Stream:
    """Takes lines from any thread as they come, and puts each on its stream with its VM's name."""

    def __init__(self, session: Session, *, live: bool) -> None:
        self._session = session
        self._live = live
        self._color = {"stdout": session.color(sys.stdout), "stderr": session.color(sys.stderr)}

    def __call__(self, vm: str, stream: str, line: str) -> None:
        """One line of one VM."""
        from mcis_iac.report.execution import output_line
        from mcis_iac.report.jsonl import output_event

        if self._session.flags.events:
            self._session.listen(output_event(vm, vm.rpartition("-")[0], stream, line))
        if self._live:
            text = output_line(vm, line, color=self._color[stream])
            (self._session.out if stream == "stdout" else self._session.err)(text)


def _stdin() -> int | None:
    """The descriptor of standard input; None when it is closed or somebody types there."""
    try:
        return None if sys.stdin is None or sys.stdin.isatty() else sys.stdin.fileno()
    except (OSError, ValueError):
        return None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        message = f"--setenv {text}: write it as NAME=VALUE"
        raise click.UsageError(message)
    return name, value


def _finish(session: Session, results: Sequence[HostResult], elapsed_s: float, *, fold: bool) -> None:
    """The folded screen or the data on stdout; on stderr who failed and why, and the sum."""
    from mcis_iac.report import execution
    from mcis_iac.report.jsonl import exec_end_event
    from mcis_iac.report.values import plain

    if session.flags.events:
        for result in results:
            session.listen(exec_end_event(result))
    ok = [result.vm for result in results if result.ok]
    session.result |= {"ok": ok, "failed": [result.vm for result in results if not result.ok]}

    def view(*, color: bool, width: int | None) -> str:  # noqa: ARG001
        return execution.fold_screen(results, color=color) if fold else ""

    session.show(lambda: plain([{**plain(result), "ok": result.ok} for result in results]), view)
    lines = [] if fold else execution.failures(results, color=session.color(sys.stderr))
    if session.flags.output == "table" and not session.flags.quiet:
        session.err("\n".join([*lines, execution.exec_summary(results, elapsed_s)]))


def _write_junit(path: str, results: Sequence[HostResult], words: str) -> None:
    from mcis_iac.report.execution import junit

    try:
        Path(path).write_text(junit(results, words), encoding="utf-8")
    except OSError as error:
        raise UsageError(summary="cannot write the JUnit report", detail=str(error)) from error
