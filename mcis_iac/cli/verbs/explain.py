"""`mcis explain`: the long story of a code, or the reference of a field."""

from __future__ import annotations

import click

from mcis_iac.cli.options import LOOKS
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb


@verb("explain", LOOKS)
@click.argument("topic", metavar="CODE|FIELD")
def command(session: Session, *, topic: str) -> None:
    """For example `mcis explain MCIS104` or `mcis explain groups.web.disk`."""
    session.out(session.stages.explain(topic))
