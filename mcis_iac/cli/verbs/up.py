"""`mcis up`: make what the manifest describes exist."""

from __future__ import annotations

import click

from mcis_iac.cli.options import ASK, PARALLEL, PATH, RUN, TARGET, TIMEOUT, output
from mcis_iac.cli.questions import AskAboutChanges
from mcis_iac.cli.session import Session
from mcis_iac.cli.showing import show_applied
from mcis_iac.cli.verb import verb


@verb("up", PATH, TARGET, ASK, output("table", "json", "yaml"))
@click.option("--replace", metavar="GROUP|VM", multiple=True, help="Make these VMs anew (repeatable).")
@click.option("--retry-dropped", is_flag=True, help="Try VMs again that were dropped after a failure.")
@click.option("--force-protected", is_flag=True, help="Also touch VMs with `protect: true`.")
@click.option("--locked", is_flag=True, help="Fail (exit 7) when the lock does not fit the manifest.")
@click.option("--expect-no-changes", is_flag=True, help="Fail (exit 7) instead of changing anything.")
@TIMEOUT
@PARALLEL
@RUN
def command(
    session: Session,
    *,
    replace: tuple[str, ...],
    retry_dropped: bool,
    force_protected: bool,
    locked: bool,
    expect_no_changes: bool,
) -> int:
    """Shows the preview, asks, applies it and waits until every VM can be logged in to.

    What fails does not hide the rest: what worked is kept, exit code 4 says that something failed,
    and the same command continues.
    """
    confirm = AskAboutChanges(session)
    applied = session.stages.up(
        session.request(),
        targets=session.flags.targets,
        replace=replace,
        locked=locked,
        retry_dropped=retry_dropped,
        force_protected=force_protected,
        expect_no_changes=expect_no_changes,
        confirm=confirm,
    )
    return show_applied(session, applied, confirm)
