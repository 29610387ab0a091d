"""`mcis replace`: new VMs in the place of some, with the same names."""

from __future__ import annotations

import click

from mcis_iac.cli.options import ASK, FILE, PARALLEL, RUN, TIMEOUT, output
from mcis_iac.cli.questions import AskAboutChanges
from mcis_iac.cli.session import Session
from mcis_iac.cli.showing import show_applied
from mcis_iac.cli.verb import verb


@verb("replace", FILE, ASK, output("table", "json", "yaml"))
@click.argument("names", nargs=-1, required=True, metavar="GROUP|VM...")
@click.option("--force-protected", is_flag=True, help="Also touch VMs with `protect: true`.")
@TIMEOUT
@PARALLEL
@RUN
def command(session: Session, *, names: tuple[str, ...], force_protected: bool) -> int:
    """`mcis replace web` makes the VMs of web anew: today's image and setup, the same names.

    It is `mcis up --replace`, so whatever else differs from the manifest is shown and applied, too.
    Data disks and static addresses stay.
    """
    confirm = AskAboutChanges(session)
    applied = session.stages.up(
        session.request(), replace=names, force_protected=force_protected, confirm=confirm
    )
    return show_applied(session, applied, confirm)
