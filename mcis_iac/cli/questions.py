"""Asking before something changes. A question is asked only where somebody can answer it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mcis_iac.errors import Cancelled, UsageError

if TYPE_CHECKING:
    from mcis_iac.cli.session import Session
    from mcis_iac.pipeline import DownQuestion, Preview


class AskAboutChanges:
    """The `confirm` of `up` and `scale`: shows the preview, then asks unless --yes was given."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.shown = False

    def __call__(self, preview: Preview) -> None:
        """Show and ask; raises Cancelled for no, UsageError where nobody can answer."""
        from mcis_iac.report.preview import question

        self.show(preview)
        if not preview.nothing:
            ask(self._session, question(preview))

    def show(self, preview: Preview) -> None:
        """The preview's screen, once. With -o json it belongs to stderr: stdout is data."""
        from mcis_iac.report.jsonl import planned_events
        from mcis_iac.report.preview import preview_screen

        session = self._session
        self.shown = True
        if session.flags.events and not session.sinks.saw("change_summary"):
            for event in planned_events(preview):
                session.listen(event)
        table = session.flags.output == "table" and session.flags.events != "-"
        stream = sys.stdout if table else sys.stderr
        every = session.flags.verbose > 0
        color, width = session.color(stream), session.width(stream)
        going_on = not preview.nothing
        screen = preview_screen(preview, color=color, width=width, every=every, after=going_on)
        if table:
            session.sinks.pause()
            session.out(f"{screen}\n" if going_on else screen)
        elif not self._reserved():
            session.err(screen)

    def _reserved(self) -> bool:
        """Whether stderr is for errors or events only; who is to answer has to see what was asked."""
        flags = self._session.flags
        return flags.quiet or (flags.yes and flags.progress in ("quiet", "json"))


def ask_about_deletion(session: Session, asked: DownQuestion) -> None:
    """The `confirm` of `down`: old or protected machines need the MCIS's name typed."""
    from mcis_iac.report.preview import down_question, mcis_name

    expected = mcis_name(asked) if asked.type_name else None
    ask(session, down_question(asked), expected=expected)


def ask(session: Session, question: str, *, expected: str | None = None) -> None:
    """Return when the answer is yes (or the expected word); raise otherwise."""
    flags = session.flags
    if flags.yes:
        return
    if flags.no_input or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            summary="confirmation is missing",
            detail=f"Nobody is here to answer: {question} Nothing was changed.",
            hint="add --yes to go on without asking",
        )
    session.sinks.pause()
    sys.stderr.write(f"{question} " if expected else f"{question} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline().strip()
    if answer == expected or (expected is None and answer.lower() in ("y", "yes")):
        return
    raise Cancelled(summary="not confirmed", detail="Nothing was changed.")
