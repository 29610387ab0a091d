"""`mcis resume`: start suspended VMs."""

from __future__ import annotations

from mcis_iac.cli.options import PATH, RUN, SELECT, TIMEOUT, output
from mcis_iac.cli.powering import FLAGS, control
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb


@verb("resume", PATH, SELECT, output("table", "json", "yaml"))
@FLAGS
@TIMEOUT
@RUN
def command(session: Session, *, serial: int | None, force: bool, partial: bool) -> int:
    """Addresses are read again afterwards: those that are not static may be others.

    Decided for every VM first: when one cannot, none is touched, and exit code 4 says so with its name.
    """
    return control(session, "resume", serial=serial, force=force, partial=partial)
