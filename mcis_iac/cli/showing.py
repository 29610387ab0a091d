"""The end of the verbs that change something: the result on stdout, its exit code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcis_iac.cli.questions import AskAboutChanges
    from mcis_iac.cli.session import Session
    from mcis_iac.pipeline import Applied


def show_applied(session: Session, applied: Applied, confirm: AskAboutChanges) -> int:
    """The result of `up` and `scale`; when nothing was to change, the preview is all there is."""
    from mcis_iac.report.applied import up_screen

    if applied.preview is not None and not confirm.shown:
        confirm.show(applied.preview)
    changed = applied.outcome is not None
    return finish(session, applied, up_screen if changed else _notices)


def _notices(applied: Applied, *, color: bool, width: int | None) -> str:  # noqa: ARG001
    return "".join(f"note: {text}\n" for text in applied.notices)


def finish(session: Session, applied: Applied, view: Callable[..., str]) -> int:
    """Print it, note who is well and who is not for the last event, and return the exit code."""
    from mcis_iac.report.data import applied_data
    from mcis_iac.report.jsonl import names_of

    ok, failed = names_of(applied)
    session.result |= {"ok": ok, "failed": failed, "next_command": applied.next}
    session.show(lambda: applied_data(applied), partial(view, applied))
    return applied.exit_code
