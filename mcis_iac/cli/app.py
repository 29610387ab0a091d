"""The `mcis` program: finds the verb, runs it, and turns whatever happens into an exit code.

Nothing costly is imported before a verb is known: `mcis --help` reads `reference.VERBS` only.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

import click

from mcis_iac import __version__
from mcis_iac.cli.reference import ALIASES, BY_NAME, SECTIONS, VERBS
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import HELP
from mcis_iac.errors import Cancelled, McisError, UsageError

BROKEN_PIPE = 141
BUG = 255
GARBAGE = 20_000  # new objects before a look for garbage; Python's own is 700
CHANGING = (
    "up", "scale", "replace", "heal", "refresh", "down", "terminate", "suspend", "resume", "reboot"
)  # fmt: skip
EPILOG = (
    "plan, apply and destroy mean preview, up and down; stop and start mean suspend and resume. "
    "Every shared flag can also be set as MCIS_<FLAG>. "
    "`mcis VERB -h` (or --help) explains a verb."
)


class Verbs(click.Group):
    """Loads a verb's module when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All verbs, in the order of the help."""
        return list(BY_NAME)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The verb of that name or alias."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in BY_NAME:
            return None
        module = name.replace("-", "_")
        command: click.Command = import_module(f"mcis_iac.cli.verbs.{module}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but guesses among all verbs, not only those already loaded."""
        word = args[0]
        if word.startswith("-") or word in BY_NAME or word in ALIASES:
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches

        near = get_close_matches(word, [*BY_NAME, *ALIASES], n=1)
        guess = f" Did you mean `{near[0]}`?" if near else ""
        message = f"There is no verb `{word}`.{guess}"
        raise click.UsageError(message, ctx)

    def invoke(self, ctx: click.Context) -> Any:
        """As click's, but a reader that left is not an error of ours (click would exit 1)."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return _reader_gone()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The verbs by section, without loading them."""
        for section, title in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(verb.name, verb.summary) for verb in VERBS if verb.section == section])


@click.group(cls=Verbs, context_settings=HELP, epilog=EPILOG, no_args_is_help=True)
@click.version_option(__version__, "-V", "--version", message="mcis %(version)s")
def cli() -> None:
    """Declare, place and control groups of virtual machines over several clouds as one."""


def main() -> NoReturn:
    """The console script.

    Collecting garbage is a tenth of a short call: most objects of a start live to its end, and at
    the end the system takes everything back anyway.
    """
    gc.set_threshold(GARBAGE)
    code = run(sys.argv[1:])
    gc.freeze()
    sys.exit(code)


def run(arguments: Sequence[str], session: Session | None = None) -> int:
    """Run one command line and return its exit code; never raises for what a user can cause."""
    session = session or Session()
    code = BUG
    try:
        code = _run(arguments, session)
    except KeyboardInterrupt:
        code = Cancelled.exit_code  # while saying what went wrong
    finally:
        session.close(code)
    return code


def _run(arguments: Sequence[str], session: Session) -> int:
    try:
        code: int | None = cli.main(list(arguments), prog_name="mcis", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_gone()
    except SystemExit as end:
        # click leaves this way after answering a shell's completion.
        return end.code if isinstance(end.code, int) else 0
    except Exception as error:
        try:
            code = _explained(error, arguments, session)
        except BrokenPipeError:
            return _reader_gone()
        return 1 if _terraform_codes(arguments) else code
    return code or 0


def _explained(error: Exception, arguments: Sequence[str], session: Session) -> int:
    """Say on stderr what happened; the exit code of the table in `errors`."""
    from mcis_iac.cli.failures import report_bug, say

    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        session.err(error.format_message())
        return UsageError.exit_code
    known = _translated(error, arguments, session.verb)
    if known is None:
        session.err(report_bug(error, session.verb))
        return BUG
    say(known, session)
    return known.exit_code


def _translated(error: Exception, arguments: Sequence[str], verb: str) -> McisError | None:
    """Click's exceptions as ours; None for a bug."""
    if isinstance(error, McisError):
        return error
    if isinstance(error, click.ClickException):
        path = getattr(getattr(error, "ctx", None), "command_path", "mcis")
        return UsageError(summary=error.format_message().rstrip("."), hint=f"{path} --help")
    if isinstance(error, click.Abort):
        if verb not in CHANGING:
            return Cancelled(summary="stopped")
        hint = f"to continue: {_again(arguments)}"
        return Cancelled(summary="stopped", detail="What was done so far is kept.", hint=hint)
    return None


def _again(arguments: Sequence[str]) -> str:
    import shlex

    return f"mcis {shlex.join(arguments)}"


def _terraform_codes(arguments: Sequence[str]) -> bool:
    """With --detailed-exitcode every error is 1, those in the flags themselves included."""
    own = list(arguments)
    return "--detailed-exitcode" in (own[: own.index("--")] if "--" in own else own)


def _reader_gone() -> int:
    """Whoever read our output has left: be quiet, also when the interpreter flushes at its end."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    return BROKEN_PIPE
