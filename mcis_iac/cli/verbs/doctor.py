"""`mcis doctor`: is everything here that the other verbs need?"""

from __future__ import annotations

from functools import partial

import click

from mcis_iac.cli.options import RUN, output
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb


@verb("doctor", output("table", "json", "yaml"))
@click.option("--install", is_flag=True, help="Get the engine if it is missing or too old.")
@RUN
def command(session: Session, *, install: bool) -> int:
    """Says what was found, why it was chosen, and what to do. Exits 1 when something is missing."""
    from mcis_iac.report.findings import doctor_screen
    from mcis_iac.report.values import plain

    found = session.stages.doctor(install=install, listen=session.listen)
    session.show(lambda: plain(found), partial(doctor_screen, found))
    return 0 if all(finding.ok for finding in found) else 1
