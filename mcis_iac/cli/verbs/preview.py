"""`mcis preview`: what `up` would change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from mcis_iac.cli.options import PARALLEL, PATH, RUN, TARGET, TIMEOUT, output
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb
from mcis_iac.errors import UnexpectedChange

if TYPE_CHECKING:
    from mcis_iac.pipeline import Preview

COMMIT_VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA")
CHANGES = 2  # of --detailed-exitcode


@verb("preview", PATH, TARGET, output("table", "json", "yaml", "markdown"))
@click.option("--expect-no-changes", is_flag=True, help="Fail (exit 7) when something would change.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 0 = no changes, 2 = changes, 1 = any error.")
@click.option("--locked", is_flag=True, help="Fail (exit 7) when the lock does not fit the manifest.")
@TIMEOUT
@PARALLEL
@RUN
def command(session: Session, *, expect_no_changes: bool, detailed_exitcode: bool, locked: bool) -> int:
    """-o markdown is a comment for a pull request.

    A cloud that refuses the credentials or does not answer hides nothing of the others: exit code 3 or 4
    says that one is missing, and the last lines why.
    """
    preview = session.stages.preview(session.request(), targets=session.flags.targets, locked=locked)
    _stream(session, preview)
    _show(session, preview)
    if preview.refusal is not None:
        raise preview.refusal
    changes = not preview.diff.empty or bool(preview.power)
    if expect_no_changes and changes:
        raise UnexpectedChange(
            summary="there are changes",
            detail=f"{_count(preview)} of {preview.mcis.stack} would change.",
            hint=f"mcis up {preview.words}".rstrip(),
        )
    return CHANGES if detailed_exitcode and changes else 0


def _count(preview: Preview) -> str:
    """What would change; power only counts where nothing else does."""
    if not preview.diff.empty:
        return f"{len(preview.diff.changes)} resources"
    return f"the power of {sum(map(len, preview.power.values()))} VMs"


def _show(session: Session, preview: Preview) -> None:
    from mcis_iac.report.preview import preview_screen
    from mcis_iac.report.values import plain

    def view(*, color: bool, width: int | None) -> str:
        if session.flags.output == "markdown":
            from mcis_iac.report.markdown import preview_comment

            commit = next((os.environ[name] for name in COMMIT_VARIABLES if os.environ.get(name)), "")
            return preview_comment(preview, commit=commit)
        return preview_screen(preview, color=color, width=width, every=session.flags.verbose > 0)

    def value() -> object:
        from mcis_iac.report.data import preview_data

        return plain(preview_data(preview))

    session.show(value, view)


def _stream(session: Session, preview: Preview) -> None:
    if session.flags.events and not session.sinks.saw("change_summary"):
        from mcis_iac.report.jsonl import planned_events

        for event in planned_events(preview):
            session.listen(event)
