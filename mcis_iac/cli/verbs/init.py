"""`mcis init`: write a first manifest."""

from __future__ import annotations

from pathlib import Path

import click

from mcis_iac.cli.options import LOOKS
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb


@verb("init", LOOKS)
@click.argument("directory", required=False, default=".")
@click.option("--template", default="local", show_default=True, metavar="NAME", help="What to start from.")
def command(session: Session, *, directory: str, template: str) -> None:
    """Nothing that exists is overwritten. DIRECTORY is this folder unless named."""
    paths = session.stages.scaffold(Path(directory), template)
    session.out("\n".join(str(path) for path in paths))
    where = "" if directory == "." else f" {directory}"
    session.err(f"next: mcis preview{where}")
