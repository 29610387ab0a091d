"""`mcis validate`: every problem of a manifest, at its place."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from mcis_iac.cli.options import LOOKS, PATH, option
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb
from mcis_iac.errors import CredentialsError, ManifestError, McisError, NoPlacement, PolicyError

if TYPE_CHECKING:
    from mcis_iac.model import Diagnostic
    from mcis_iac.pipeline import Checked

FORMATS = ("full", "concise", "json", "github", "gitlab", "sarif")
BY_HUNDRED: dict[str, type[McisError]] = {"3": NoPlacement, "4": CredentialsError, "5": PolicyError}
FIRST = (ManifestError, PolicyError, NoPlacement, CredentialsError)


@verb("validate", PATH)
@click.option("--strict", is_flag=True, help="Warnings are errors.")
@click.option("--types", is_flag=True, help="Check every resource against the clouds' typed packages, too.")
@option("--output-format", type=click.Choice(FORMATS), default="full", help="How problems are written.")
@click.option("--json", "as_json", is_flag=True, help="The same as --output-format json.")
@click.option("--events", metavar="FILE|-", help="Write every event as a JSON line.")
@LOOKS
def command(session: Session, *, strict: bool, types: bool, output_format: str, as_json: bool) -> int:
    """Works offline. Exits 2 when something is wrong with the manifest."""
    checked = session.stages.check(session.request(), types=types)
    problems = _hardened(checked.diagnostics) if strict else checked.diagnostics
    _stream(session, problems)
    form = "json" if as_json else output_format
    session.out(_text(session, checked, problems, form))
    return exit_code(problems)


def _hardened(problems: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    from mcis_iac.model import Severity

    return tuple(
        replace(one, severity=Severity.ERROR) if one.severity is Severity.WARNING else one for one in problems
    )


def _text(session: Session, checked: Checked, problems: Sequence[Diagnostic], form: str) -> str:
    flags = session.flags
    text = ""
    if problems or form in ("json", "gitlab", "sarif"):
        from mcis_iac.report.diagnostics import place_of, render

        name = flags.env or place_of(problems) or flags.file
        text = render(problems, checked.texts, format=form, color=session.color(sys.stdout), name=name)
    if form == "full" and checked.mcis is not None and not exit_code(problems):
        from mcis_iac.report.findings import valid_sentence

        text = f"{text.rstrip()}\n{valid_sentence(checked.mcis)}".lstrip()
    return text


def _stream(session: Session, problems: Sequence[Diagnostic]) -> None:
    if session.flags.events:
        from mcis_iac.report.jsonl import diagnostic_event

        for problem in problems:
            session.listen(diagnostic_event(problem))


def exit_code(problems: Sequence[Diagnostic]) -> int:
    """0 without errors, else that of the gravest kind; the hundreds of a code tell its kind."""
    hundreds = {one.code.removeprefix("MCIS")[:1] for one in problems if one.severity.value == "error"}
    kinds = {BY_HUNDRED.get(hundred, ManifestError) for hundred in hundreds}
    return next((kind.exit_code for kind in FIRST if kind in kinds), 0)
