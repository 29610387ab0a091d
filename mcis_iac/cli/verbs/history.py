"""`mcis history`: what was done to an MCIS, by whom and with which result."""

from __future__ import annotations

import click

from mcis_iac.cli.options import FILE, LOOKS, output
from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb

SHOWN = 30


@verb("history", FILE, output("table", "json", "yaml"))
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=SHOWN,
    show_default=True,
    metavar="N",
    help="Only the newest N, 0 for all.",
)
@click.argument("words", nargs=-1, metavar="[show N]")
@LOOKS
def command(session: Session, *, limit: int, words: tuple[str, ...]) -> None:
    """From this checkout's record and the stack's own history, which also has what was done from other
    checkouts. `show N` tells the VMs, failures and logs of one operation."""
    number = _number(words)
    found = session.stages.history(session.request(), limit=limit or None, show=number)

    def view(*, color: bool, width: int | None) -> str:
        from mcis_iac.report.history import history_screen, operation_screen

        if number is not None:
            return operation_screen(found, color=color)
        return history_screen(found, color=color, width=width)

    session.show(lambda: found, view)


def _number(words: tuple[str, ...]) -> int | None:
    """The N of `show N`; None without words."""
    if not words:
        return None
    expected = 2
    if words[0] != "show" or len(words) != expected or not words[1].isdigit():
        message = f"expected nothing or `show N`, not `{' '.join(words)}`"
        raise click.UsageError(message)
    return int(words[1])
