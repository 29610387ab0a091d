"""`mcis terminate`: delete VMs, in the manifest and for real."""

from __future__ import annotations

from functools import partial

import click

from mcis_iac.cli.options import ASK, PARALLEL, PATH, RUN, SELECT, TIMEOUT, output
from mcis_iac.cli.questions import AskAboutChanges, ask_about_deletion
from mcis_iac.cli.session import Session
from mcis_iac.cli.showing import finish, show_applied
from mcis_iac.cli.verb import verb


@verb("terminate", PATH, SELECT, ASK, output("table", "json", "yaml"))
@click.option("--remove", is_flag=True, help="Forget the MCIS too: its stack and its VMs in the lock.")
@click.option("--force-protected", is_flag=True, help="Also delete VMs with `protect: true`.")
@TIMEOUT
@PARALLEL
@RUN
def command(session: Session, *, remove: bool, force_protected: bool) -> int:
    """Without -g and --vm it is `mcis down`: the manifest stays, the next `up` makes the same VMs again.

    With them those VMs leave for good: the counts in the manifest are lowered, their names are not
    given to others.
    """
    if not (session.flags.groups or session.flags.vms):
        return _everything(session, remove=remove, force_protected=force_protected)
    if remove:
        message = "--remove is for the whole MCIS; it excludes -g and --vm"
        raise click.UsageError(message)
    confirm = AskAboutChanges(session)
    applied = session.stages.terminate(
        session.request(), session.selection(), force_protected=force_protected, confirm=confirm
    )
    return show_applied(session, applied, confirm)


def _everything(session: Session, *, remove: bool, force_protected: bool) -> int:
    from mcis_iac.report.applied import down_screen

    applied = session.stages.down(
        session.request(),
        remove=remove,
        force_protected=force_protected,
        confirm=partial(ask_about_deletion, session),
    )
    return finish(session, applied, down_screen)
