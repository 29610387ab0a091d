"""`mcis completion`: the script that teaches a shell our verbs and flags."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from mcis_iac.cli.session import Session
from mcis_iac.cli.verb import verb

VARIABLE = "_MCIS_COMPLETE"  # click's name for a program called mcis


@verb("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(session: Session, *, shell: str) -> None:
    """For bash: eval "$(mcis completion bash)"; needs bash 4.4 or newer."""
    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(click.get_current_context().find_root().command, {}, "mcis", VARIABLE)
    session.out(script.source_template % script.source_vars())
