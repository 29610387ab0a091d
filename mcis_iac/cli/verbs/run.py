"""`mcis run`: the manifest's actions, now."""

from __future__ import annotations

import sys

import click

from mcis_iac.cli.options import FILE, PARALLEL, RUN, SELECT, TIMEOUT, output
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb
from mcis_iac.cli.verbs.exec import Stream


@verb("run", FILE, SELECT, output("table", "json", "yaml"))
@click.argument("names", nargs=-1, metavar="[ACTION...]")
@click.option("--serial", type=click.IntRange(1), metavar="N", help="N VMs at a time; a failure stops it.")
@TIMEOUT
@PARALLEL
@RUN
def command(session: Session, *, names: tuple[str, ...], serial: int | None) -> int:
    """Runs the named actions, or all of them, in the order of the manifest, whether due or not.

    Output is shown as it comes, with the VM's name before each line. --timeout is per VM. Exits 4 when
    an action failed anywhere; what comes after it has not run then.
    """
    report = session.stages.run(
        session.request(timed=False),
        names,
        session.selection(),
        on_output=Stream(session, live=session.flags.output == "table"),
        timeout_s=session.flags.timeout,
        serial=serial,
    )
    from mcis_iac.report.actions import run_screen
    from mcis_iac.report.data import action_data
    from mcis_iac.report.jsonl import exec_end_event

    rows = report.rows
    for row in rows if session.flags.events else ():
        if row.result is not None:
            session.listen(exec_end_event(row.result))
    bad = list(dict.fromkeys(row.vm for row in rows if row.state in ("FAILED", "not run")))
    good = [vm for vm in dict.fromkeys(row.vm for row in rows) if vm not in bad]
    session.result |= {"ok": good, "failed": bad, "next_command": report.next}
    session.show(lambda: action_data(report), lambda **_: "")
    if session.flags.output == "table" and not session.flags.quiet:
        session.err(run_screen(report, color=session.color(sys.stderr), width=session.width(sys.stderr)))
    return report.exit_code
