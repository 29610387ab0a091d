"""`mcis refresh`: what really exists, into the state."""

from __future__ import annotations

from mcis_iac.cli.options import PARALLEL, PATH, RUN, TIMEOUT, output
from mcis_iac.cli.session import Session
from mcis_iac.cli.showing import finish
from mcis_iac.cli.verb import verb


@verb("refresh", PATH, output("table", "json", "yaml"), TIMEOUT, PARALLEL, RUN)
def command(session: Session) -> int:
    """The only verb that writes what it observes. Nothing in any cloud is changed."""
    from mcis_iac.report.applied import refresh_screen

    return finish(session, session.stages.refresh(session.request()), refresh_screen)
