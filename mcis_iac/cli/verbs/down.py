"""`mcis down`: delete everything of an MCIS."""

from __future__ import annotations

from functools import partial

import click

from mcis_iac.cli.options import ASK, PARALLEL, PATH, RUN, TARGET, TIMEOUT, output
from mcis_iac.cli.questions import ask_about_deletion
from mcis_iac.cli.session import Session
from mcis_iac.cli.showing import finish
from mcis_iac.cli.verb import verb


@verb("down", PATH, TARGET, ASK, output("table", "json", "yaml"))
@click.option("--remove", is_flag=True, help="Forget the MCIS too: its stack and its VMs in the lock.")
@click.option("--force-protected", is_flag=True, help="Also delete VMs with `protect: true`.")
@TIMEOUT
@PARALLEL
@RUN
def command(session: Session, *, remove: bool, force_protected: bool) -> int:
    """Works without a valid manifest. VMs older than a day ask for the MCIS's name."""
    from mcis_iac.report.applied import down_screen

    applied = session.stages.down(
        session.request(),
        targets=session.flags.targets,
        remove=remove,
        force_protected=force_protected,
        confirm=partial(ask_about_deletion, session),
    )
    return finish(session, applied, down_screen)
