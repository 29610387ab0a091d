"""How a function becomes a verb: its flags, its help, and a Session as its first argument."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Any

import click

from mcis_iac.cli.options import Part, split, together
from mcis_iac.cli.reference import BY_NAME
from mcis_iac.cli.session import Session

Body = Callable[..., int | None]
HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def verb(name: str, *parts: Part, **settings: Any) -> Callable[[Body], click.Command]:
    """Make a command of a function `(session, **own flags) -> exit code`.

    The first line of help is the verb's summary in `reference.VERBS`, the rest the function's docstring.
    """

    def wrap(body: Body) -> click.Command:
        def run(**given: Any) -> int:
            session = click.get_current_context().find_object(Session)
            assert session is not None
            flags, own = split(given)
            session.begin(name, flags)
            return body(session, **own) or 0

        # click notes the options of the decorators below `@verb` on the function they stand on.
        run.__click_params__ = getattr(body, "__click_params__", [])  # type: ignore[attr-defined]
        text = "\n\n".join(filter(None, (BY_NAME[name].summary, cleandoc(body.__doc__ or ""))))
        command = click.command(
            name, help=text, short_help=BY_NAME[name].summary, context_settings=HELP | settings
        )
        return command(together(*parts)(run))

    return wrap
