"""`mcis status`: every VM and how it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mcis_iac.cli.options import PATH, RUN, SELECT, output
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb

if TYPE_CHECKING:
    from mcis_iac.pipeline import StatusReport
    from mcis_iac.report.tables import Row

PAUSE_S = 2.0
CLEAR = "\x1b[H\x1b[2J"


@verb("status", PATH, SELECT, output("table", "wide", "json", "yaml", "markdown"))
@click.option("-w", "--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@RUN
def command(session: Session, *, watch: bool) -> None:
    """Asks the clouds. Without a terminal, --watch prints the rows that changed."""
    if watch:
        _watch(session)
    else:
        _show(session, _look(session))


def _look(session: Session) -> StatusReport:
    return session.stages.status(session.request(), session.selection())


def _show(session: Session, report: StatusReport) -> None:
    from mcis_iac.report.data import status_data
    from mcis_iac.report.status import status_markdown, status_screen

    form = session.flags.output

    def view(*, color: bool, width: int | None) -> str:
        if form == "markdown":
            return status_markdown(report, now=session.now())
        return status_screen(report, now=session.now(), wide=form == "wide", color=color, width=width)

    session.show(lambda: status_data(report), view)


def _watch(session: Session) -> None:
    before: dict[str, Row] = {}
    redraws = sys.stdout.isatty() and session.flags.output in ("table", "wide")
    try:
        while True:
            report = _look(session)
            if redraws:
                session.out(CLEAR.removesuffix("\n"))
                _show(session, report)
            else:
                before = _changed(session, report, before)
            session.sleep(PAUSE_S)
    except KeyboardInterrupt:
        return  # the way to end it


def _changed(session: Session, report: StatusReport, before: dict[str, Row]) -> dict[str, Row]:
    """Print what differs from the last look; what to compare with next time."""
    from mcis_iac.report.status import changed_rows, compared
    from mcis_iac.report.tables import table

    changed = changed_rows(report, before)
    if changed and session.flags.output in ("json", "yaml"):
        _show(session, report)
    elif changed:
        session.out("\n".join(table(list(changed.values()), color=session.color(sys.stdout))))
    return compared(report)
