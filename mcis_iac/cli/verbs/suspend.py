"""`mcis suspend`: stop the VMs, keep them."""

from __future__ import annotations

from mcis_iac.cli.options import PATH, RUN, SELECT, TIMEOUT, output
from mcis_iac.cli.powering import FLAGS, control
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb


@verb("suspend", PATH, SELECT, output("table", "json", "yaml"))
@FLAGS
@TIMEOUT
@RUN
def command(session: Session, *, serial: int | None, force: bool, partial: bool) -> int:
    """Processors are no longer paid for; addresses that are not static may be others afterwards.

    Decided for every VM first: when one cannot, none is touched, and exit code 4 says so with its name.
    """
    return control(session, "suspend", serial=serial, force=force, partial=partial)
