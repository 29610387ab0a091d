"""`mcis ssh`: the system's ssh, with the right key, host key and user."""

from __future__ import annotations

import click

from mcis_iac.cli.options import FILE, LOOKS
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb
from mcis_iac.errors import OperationError


@verb("ssh", FILE, LOOKS)
@click.argument("vm")
@click.argument("words", nargs=-1, metavar="[-- COMMAND...]")
def command(session: Session, *, vm: str, words: tuple[str, ...]) -> None:
    """`mcis ssh web-1` logs in; `mcis ssh web-1 -- uptime` runs one command. The exit code is ssh's."""
    arguments = session.stages.ssh_command(session.request(), vm, words)
    try:
        session.replace(arguments)
    except OSError as error:
        raise OperationError(
            summary="ssh cannot be started",
            detail=f"{arguments[0]}: {error.strerror}",
            hint="install the OpenSSH client",
        ) from error
