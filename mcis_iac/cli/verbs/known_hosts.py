"""`mcis known-hosts`: the host keys of all VMs, for ssh and for other checkouts."""

from __future__ import annotations

import click

from mcis_iac.cli.options import FILE, LOOKS
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb


@verb("known-hosts", FILE, LOOKS)
@click.option("--read", "source", metavar="FILE", help="Trust the keys in this file from now on.")
def command(session: Session, *, source: str | None) -> None:
    """Prints an OpenSSH known_hosts file, each VM under its address and its name. In another checkout:

    mcis known-hosts --read FILE
    """
    if source is None:
        session.out(session.stages.known_hosts(session.request()))
        return
    told = session.stages.read_known_hosts(session.request(), source)
    if not session.flags.quiet:
        session.err("\n".join(f"{name}: {what}" for name, what in told.items()))
