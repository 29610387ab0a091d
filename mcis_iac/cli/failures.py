"""How an error is said: diagnostics with their excerpts, other errors in three lines, a bug in one."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mcis_iac import __version__
from mcis_iac.errors import McisError

if TYPE_CHECKING:
    from mcis_iac.cli.session import Session


def say(error: McisError, session: Session) -> None:
    """Print the error on stderr and put its diagnostics into the event stream."""
    from mcis_iac.report.diagnostics import error_text, place_of, render

    color = session.color(sys.stderr)
    if error.diagnostics:
        _stream(error, session)
        texts = error.texts or _texts(error)
        name = session.flags.env or place_of(error.diagnostics) or session.flags.file
        session.err(render(error.diagnostics, texts, format="full", color=color, name=name))
    else:
        session.err(error_text(error, color=color))


def _stream(error: McisError, session: Session) -> None:
    from mcis_iac.report.jsonl import diagnostic_event

    if session.flags.events:
        for problem in error.diagnostics:
            session.listen(diagnostic_event(problem))


def _texts(error: McisError) -> Mapping[str, str]:
    """The files the diagnostics point into, as far as they can be read."""
    spans = [problem.span for problem in error.diagnostics if problem.span]
    spans += [other.span for problem in error.diagnostics for other in problem.related]
    found: dict[str, str] = {}
    for name in {span.file for span in spans}:
        try:
            found[name] = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
    return found


def report_bug(error: Exception, verb: str) -> str:
    """Write what is needed to find a bug into a file; the line that says where.

    The command line is left out: `--set` and `--setenv` may carry secrets.
    """
    versions = f"mcis {__version__}, Python {platform.python_version()}, {sys.platform}"
    path = _written(f"{versions}, verb {verb or '-'}\n\n" + "".join(traceback.format_exception(error)))
    where = f"a report is in {path}" if path else "no report could be written"
    first = str(error).partition("\n")[0]
    return f"this is a bug in mcis: {type(error).__name__}: {first}; {where}"


def _written(text: str) -> str | None:
    for folder in (_own_folder(), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix="mcis-bug-", suffix=".txt", dir=folder)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            continue
        return name
    return None


def _own_folder() -> Path:
    chosen = os.environ.get("MCIS_DATA_DIR")
    if chosen:
        return Path(chosen) / "reports"
    import platformdirs

    return Path(platformdirs.user_state_dir("mcis-iac")) / "reports"
