"""The flags that many verbs share, and how they become values. Every one also reads `MCIS_<FLAG>`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import click

Wrap = TypeVar("Wrap", bound=Callable[..., Any])
Part = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The common flags of one call; a verb without a flag has its default."""

    file: str = "."
    env: str | None = None
    sets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    vms: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    yes: bool = False
    no_input: bool = False
    output: str = "table"
    json: bool = False
    events: str | None = None
    progress: str = "auto"
    color: str = "auto"
    verbose: int = 0
    quiet: bool = False
    log_file: str | None = None
    timeout: float | None = None
    parallel: int = 64


SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


class Duration(click.ParamType[float]):
    """`90s`, `10m`, `1h`, `500ms`; a bare number is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds; refuses anything else, and zero."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)", str(value).strip())
        spent = float(found[1]) * SECONDS[found[2]] if found else 0.0
        if spent <= 0:
            self.fail(f"{value!r} is not a duration such as 90s, 10m or 1h", param, ctx)
        return spent


def option(*names: str, **settings: Any) -> Part:
    """A common option: it also reads `MCIS_<FLAG>`, named after its first long name."""
    long = next(name for name in names if name.startswith("--")).partition("/")[0]
    variable = "MCIS_" + long.removeprefix("--").upper().replace("-", "_")
    return click.option(*names, envvar=variable, **settings)


def together(*parts: Part) -> Part:
    """Several options as one decorator, shown in help in this order."""

    def wrap(command: Wrap) -> Wrap:
        for part in reversed(parts):
            command = part(command)
        return command

    return wrap


FILE = together(
    option("-f", "--file", metavar="PATH", help="The manifest, or its folder (default: this folder)."),
    option("-e", "--env", metavar="NAME", help="Merge the overlay NAME.yaml over the manifest."),
    option("--set", "sets", metavar="PATH=VALUE", multiple=True, help="Set one field, over all overlays."),
)
PATH = together(click.argument("path", required=False), FILE)
SELECT = together(
    option("-g", "--group", "groups", metavar="GROUP", multiple=True, help="Only this group (repeatable)."),
    option("--vm", "vms", metavar="VM", multiple=True, help="Only this VM (repeatable)."),
)
TARGET = option(
    "--target", "targets", metavar="GROUP|VM", multiple=True, help="Touch only this group or VM (repeatable)."
)
ASK = together(
    option("-y", "--yes", is_flag=True, help="Do not ask."),
    option("--no-input", is_flag=True, help="Never ask: fail where a question would be."),
)
LOOKS = together(
    option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="When to colour."),
    option("-v", "--verbose", count=True, help="Say more (twice: everything)."),
    option("-q", "--quiet", is_flag=True, help="Only errors on stderr."),
    option("--log-file", metavar="FILE", help="Write a log for bug reports."),
)
RUN = together(
    option("--events", metavar="FILE|-", help="Write every event as a JSON line."),
    option(
        "--progress",
        type=click.Choice(["auto", "tty", "plain", "json", "quiet"]),
        default="auto",
        help="How progress is shown on stderr.",
    ),
    LOOKS,
)
TIMEOUT = option("--timeout", type=Duration(), metavar="DURATION", help="Give up after this long, e.g. 10m.")
PARALLEL = option(
    "--parallel",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="N",
    help="Do so many things at once.",
)


def output(*forms: str) -> Part:
    """`-o` with these formats, the first being the default, and `--json`."""
    choice = click.Choice(forms)
    return together(
        option("-o", "--output", type=choice, default=forms[0], help="The format of what goes to stdout."),
        click.option("--json", is_flag=True, help="The same as -o json."),
    )


def split(given: dict[str, Any]) -> tuple[Flags, dict[str, Any]]:
    """The common flags, and what is left for the verb. A positional PATH is `--file`."""
    path, file = given.pop("path", None), given.get("file")
    if path is not None and file is not None and path != file:
        message = f"two manifests: {path} and --file {file}"
        raise click.UsageError(message)
    given["file"] = path or file or "."
    names = {field.name for field in fields(Flags)}
    common = {name: value for name, value in given.items() if name in names}
    own = {name: value for name, value in given.items() if name not in names}
    if common.get("json"):
        chosen = common.get("output", "table")
        source = click.get_current_context().get_parameter_source("output")
        if chosen != "json" and source is click.core.ParameterSource.COMMANDLINE:
            message = f"--json and -o {chosen} exclude each other"
            raise click.UsageError(message)
        common["output"] = "json"
    return Flags(**common), own
