"""The end of the verbs that change something: the result on stdout, its exit code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcis_iac.cli.questions import AskAboutChanges
    from mcis_iac.cli.session import Session
    from mcis_iac.pipeline import Applied


def show_applied(session: Session, applied: Applied, confirm: AskAboutChanges) -> int:
    """The result of `up` and `scale`; when nothing was to change, the preview is all there is."""
    from mcis_iac.report.applied import notices_screen, up_screen

    preview = applied.preview
    if preview is not None and not confirm.shown:
        confirm.show(preview)
    if preview is not None:
        # What the preview has said is not said again.
        applied = replace(
            applied, notices=tuple(text for text in applied.notices if text not in preview.notices)
        )
    nothing = preview is not None and preview.diff.empty and not applied.exit_code
    return finish(session, applied, notices_screen if nothing else up_screen)


def finish(session: Session, applied: Applied, view: Callable[..., str]) -> int:
    """Print it, note who is well and who is not for the last event, and return the exit code."""
    from mcis_iac.report.data import applied_data
    from mcis_iac.report.jsonl import names_of

    ok, failed = names_of(applied)
    session.result |= {"ok": ok, "failed": failed, "next_command": applied.next}
    session.show(lambda: applied_data(applied), partial(view, applied))
    return applied.exit_code
