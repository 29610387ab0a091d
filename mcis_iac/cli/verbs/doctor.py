"""`mcis doctor`: is everything here that the other verbs need?"""

from __future__ import annotations

from functools import partial

import click

from mcis_iac.cli.options import FILE, RUN, output
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb


@verb("doctor", FILE, output("table", "json", "yaml"))
@click.argument("target", metavar="[CLOUD|CONNECTION]", required=False)
@click.option("--install", is_flag=True, help="Get the engine and the plugins that are missing.")
@RUN
def command(session: Session, *, target: str | None, install: bool) -> int:
    """Says what was found, why it was chosen, and what to do. Exits 1 when something is missing.

    Clouds are asked who we are, what we may do and whether the manifest fits the quotas; nothing is
    changed there. Plugins come from MCIS_PLUGIN_SERVER or MCIS_PLUGIN_FOLDER if one of them is set.
    """
    from mcis_iac.report.findings import doctor_screen
    from mcis_iac.report.values import plain

    found = session.stages.doctor(session.request(), target=target, install=install)
    session.show(lambda: plain(found), partial(doctor_screen, found))
    return 0 if all(finding.ok for finding in found) else 1
