"""`mcis eject`: the way out, as an ordinary Pulumi program."""

from __future__ import annotations

from pathlib import Path

import click

from mcis_iac.cli.options import FILE, LOOKS
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb


@verb("eject", FILE)
@click.argument("directory")
@LOOKS
def command(session: Session, *, directory: str) -> None:
    """DIRECTORY must be new or empty. Works offline.

    The program is for the same stack: its first preview shows no change. Secrets are not written;
    its README says how to set them.
    """
    paths = session.stages.eject(session.request(), Path(directory))
    session.out("\n".join(str(path) for path in paths))
    session.err(f"next: read {Path(directory) / 'README.md'}")
