"""`mcis status`: every VM and how it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mcis_iac.cli.options import PATH, RUN, SELECT, TIMEOUT, output
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb

if TYPE_CHECKING:
    from mcis_iac.pipeline import StatusReport
    from mcis_iac.report.tables import Row

PAUSE_S = 2.0
CLEAR = "\x1b[H\x1b[2J"
DRAWN = ("table", "wide", "cells")


class _StatusName(click.ParamType[Any]):
    """`running`, `Failed`: the name of a status, however it is written."""

    name = "status"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The status; refuses other words with all there are."""
        from mcis_iac.model import Status

        known = {each.lower(): each for each in Status if each is not Status.EMPTY}
        if str(value).lower() not in known:
            self.fail(f"{value!r} is no status; there are {', '.join(known.values())}", param, ctx)
        return known[str(value).lower()]


@verb("status", PATH, SELECT, output("table", "wide", "cells", "json", "yaml", "markdown"), TIMEOUT)
@click.option("--cloud", "clouds", metavar="NAME", multiple=True, help="Only this connection, or cloud.")
@click.option(
    "--status", "statuses", type=_StatusName(), metavar="STATUS", multiple=True, help="Only VMs that are so."
)
@click.option("--orphans", is_flag=True, help="Also machines with our tags that are in no state.")
@click.option("-w", "--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@RUN
def command(session: Session, *, watch: bool, **sight: Any) -> int:
    """Asks all clouds at once. Many VMs on a terminal are shown as cells, a letter each. What a cloud
    that does not answer has is shown as it was up to five minutes ago, then as Undefined. Without a
    terminal, --watch prints the rows that changed."""
    if watch:
        _watch(session, sight)
        return 0
    report = _look(session, sight)
    _show(session, report)
    _tell(session, report)
    return report.exit_code


def _tell(session: Session, report: StatusReport) -> None:
    """The clouds that did not answer, with what to do."""
    from mcis_iac.report.text import clean

    for silent in report.silent:
        first, *more = map(clean, silent.lines)
        session.err("\n".join([f"unknown: {first}", *more]))


def _look(session: Session, sight: dict[str, Any]) -> StatusReport:
    return session.stages.status(session.request(), session.selection(), **sight)


def _show(session: Session, report: StatusReport) -> None:
    from mcis_iac.report.data import status_data
    from mcis_iac.report.status import status_markdown, status_screen

    form = _form(session, report)

    def view(*, color: bool, width: int | None) -> str:
        if form == "markdown":
            return status_markdown(report, now=session.now())
        if form == "cells":
            from mcis_iac.report.cells import cells_screen

            return cells_screen(report, color=color, width=width)
        return status_screen(report, now=session.now(), wide=form == "wide", color=color, width=width)

    session.show(lambda: status_data(report), view)


def _form(session: Session, report: StatusReport) -> str:
    """The chosen format; without a choice cells, where somebody looks at more rows than a screen has."""
    from mcis_iac.report.cells import MANY

    source = click.get_current_context().get_parameter_source("output")
    chosen = source not in (None, click.core.ParameterSource.DEFAULT)
    form = session.flags.output
    many = form == "table" and not chosen and len(report.rows) > MANY and sys.stdout.isatty()
    return "cells" if many else form


def _watch(session: Session, sight: dict[str, Any]) -> None:
    before: dict[str, Row] = {}
    redraws = sys.stdout.isatty() and session.flags.output in DRAWN
    try:
        while True:
            report = _look(session, sight)
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
