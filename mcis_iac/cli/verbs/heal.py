"""`mcis heal`: new VMs in the place of those that failed."""

from __future__ import annotations

import click

from mcis_iac.cli.options import ASK, PARALLEL, PATH, RUN, SELECT, TIMEOUT, output
from mcis_iac.cli.questions import AskAboutChanges
from mcis_iac.cli.session import Session
from mcis_iac.cli.showing import show_applied
from mcis_iac.cli.verb import verb


@verb("heal", PATH, SELECT, ASK, output("table", "json", "yaml"))
@click.option("--serial", type=click.IntRange(1), metavar="N", help="N VMs at a time; a failure stops it.")
@click.option("--force-protected", is_flag=True, help="Also touch VMs with `protect: true`.")
@TIMEOUT
@PARALLEL
@RUN
def command(session: Session, *, serial: int | None, force_protected: bool) -> int:
    """Asks the clouds, then makes anew what `mcis status` calls Failed, failed setups included.

    It is `mcis up --replace` of those, so whatever else differs from the manifest is shown and
    applied, too.
    """
    confirm = AskAboutChanges(session)
    applied = session.stages.heal(
        session.request(),
        session.selection(),
        serial=serial,
        force_protected=force_protected,
        confirm=confirm,
    )
    if applied is None:
        session.show(lambda: {"exit_code": 0, "vms": [], "next": ""}, _nothing)
        return 0
    return show_applied(session, applied, confirm)


def _nothing(*, color: bool, width: int | None) -> str:  # noqa: ARG001
    return "no VM has failed: nothing to heal\n"
