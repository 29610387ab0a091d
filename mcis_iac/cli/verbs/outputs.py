"""`mcis outputs`: addresses, users and ids, for people and programs."""

from __future__ import annotations

from mcis_iac.cli.options import PATH, RUN, output
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb


@verb("outputs", PATH, output("table", "json", "yaml"), RUN)
def command(session: Session) -> None:
    """One line per value, with its path; -o json for programs."""
    from mcis_iac.engine.events import Event
    from mcis_iac.report.findings import outputs_screen
    from mcis_iac.report.values import plain

    values = session.stages.outputs(session.request())
    if session.flags.events:
        session.listen(Event(kind="outputs", fields={"outputs": plain(values)}))

    def view(*, color: bool, width: int | None) -> str:  # noqa: ARG001
        return outputs_screen(values, color=color)

    session.show(lambda: plain(values), view)
