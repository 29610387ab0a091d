"""`mcis scale`: other counts, in the manifest and for real."""

from __future__ import annotations

import click

from mcis_iac.cli.options import ASK, FILE, PARALLEL, RUN, TIMEOUT, output
from mcis_iac.cli.questions import AskAboutChanges
from mcis_iac.cli.session import Session
from mcis_iac.cli.showing import show_applied
from mcis_iac.cli.verb import verb


@verb("scale", FILE, ASK, output("table", "json", "yaml"))
@click.argument("wants", nargs=-1, metavar="[GROUP=N|GROUP+N]...")
@click.option("--remove", metavar="VM", multiple=True, help="Remove this VM, not the highest (repeatable).")
@click.option("--no-write", is_flag=True, help="Leave the manifest as it is.")
@click.option("--force-protected", is_flag=True, help="Also remove VMs with `protect: true`.")
@TIMEOUT
@PARALLEL
@RUN
def command(
    session: Session,
    *,
    wants: tuple[str, ...],
    remove: tuple[str, ...],
    no_write: bool,
    force_protected: bool,
) -> int:
    """`mcis scale web=5 db+2` edits the counts in the manifest and applies the difference.

    Fewer VMs: the highest go, or those named with --remove. --remove alone lowers the count by as many.
    """
    if not wants and not remove:
        message = "what should change? For example: mcis scale web=5"
        raise click.UsageError(message)
    confirm = AskAboutChanges(session)
    applied = session.stages.scale(
        session.request(),
        wants,
        remove=remove,
        write=not no_write,
        force_protected=force_protected,
        confirm=confirm,
    )
    return show_applied(session, applied, confirm)
