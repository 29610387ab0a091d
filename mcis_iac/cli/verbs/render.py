"""`mcis render`: the resource graph, without an engine."""

from __future__ import annotations

import click

from mcis_iac.cli.options import LOOKS, PATH, output
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb


@verb("render", PATH, output("table", "json", "yaml"))
@click.option("--locked", is_flag=True, help="Fail (exit 7) when the lock does not fit the manifest.")
@LOOKS
def command(session: Session, *, locked: bool) -> None:
    """Works offline. Secrets are shown as such, never their value."""
    stages = session.stages
    graph = stages.render(session.request(), locked=locked)
    session.out(stages.graph_text(graph, session.flags.output))
