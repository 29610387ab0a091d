"""`mcis-local`: looking into the local cloud, and cleaning it up whatever happened to it.

For the service of the cloud itself; VMs of an MCIS are managed with `mcis`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from mcis_iac.local_cloud import choose, faults, places, removal
from mcis_iac.local_cloud.cloud import LocalCloud
from mcis_iac.local_cloud.types import Instance, LocalCloudError

EXIT_CODES = {"invalid": 2, "not_found": 6}
OTHER_EXIT_CODE = 4
COLUMNS = ("ID", "NAME", "STATE", "REGION", "ZONE", "FLAVOR", "PRIVATE", "PUBLIC", "PORT")
FAULT_COLUMNS = ("#", "NAME", "ON", "ERROR", "DELAY", "TIMES")
Command = TypeVar("Command", bound=Callable[..., Any])


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point: 0, 2 wrong usage, 4 the cloud or its host refused, 6 no such thing, 130 interrupted."""
    try:
        cli.main(args=arguments, prog_name="mcis-local", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("aborted", err=True)
        return 130
    except LocalCloudError as error:
        click.echo(f"error: {error.message}", err=True)
        return EXIT_CODES.get(error.code, OTHER_EXIT_CODE)
    return 0


def site_option(command: Command) -> Command:
    return click.option("--site", default="default", show_default=True, help="Which local cloud.")(command)


def all_option(command: Command) -> Command:
    return click.option("--all", "all_", is_flag=True, help="All local clouds of this folder.")(command)


yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
ids_argument = click.argument("ids", metavar="ID...", nargs=-1, required=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Look into the local cloud of this machine, repair it, remove it.

    The clouds live in MCIS_LOCAL_DIR, else in the system's (root) or your own state folder.
    An ID may also be the name of an instance.
    """


@contextmanager
def opened(site: str) -> Iterator[LocalCloud]:
    """An existing cloud; looking never makes one."""
    if not (places.site_directory(site) / "cloud.db").exists():
        message = f"there is no local cloud {site!r} in {places.base_directory()}"
        raise LocalCloudError(code="not_found", message=message)
    with LocalCloud.open(site, choose.KEEP) as cloud:
        yield cloud


def chosen(site: str, *, all_: bool) -> tuple[str, ...]:
    return places.sites() if all_ else (site,)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Aligned columns, two spaces between them."""
    lines = [columns, *(["-" if cell is None else str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    shown = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in shown)


def resolved(cloud: LocalCloud, ids: Sequence[str]) -> list[str]:
    """Ids for ids or names."""
    known = cloud.instances()
    by_name = {each.spec.name: each.id for each in known}
    by_name |= {name: each.id for each in known if (name := each.spec.tags.get("mcis-vm"))}
    return [by_name.get(id, id) for id in ids]


def row(each: Instance) -> tuple[object, ...]:
    spec = each.spec
    place = (each.region, spec.zone, spec.flavor)
    return (each.id, spec.name, each.state, *place, each.private_ip, each.public_ip, each.ssh_port)


@cli.command()
@site_option
@all_option
def ls(*, site: str, all_: bool) -> None:
    """List instances, with the backend and why it was chosen."""
    for name in chosen(site, all_=all_):
        with opened(name) as cloud:
            click.echo(f"{name}: {cloud.backend} ({cloud.reason}) in {cloud.directory}")
            found = cloud.instances()
            click.echo(table(COLUMNS, map(row, found)) if found else "no instances")


@cli.command()
@click.argument("id", metavar="ID")
@site_option
def console(id: str, site: str) -> None:
    """Print what an instance wrote to its console."""
    with opened(site) as cloud:
        click.echo(cloud.console(resolved(cloud, [id])[0]), nl=False)


@cli.command()
@ids_argument
@site_option
def start(ids: Sequence[str], site: str) -> None:
    """Start stopped instances."""
    with opened(site) as cloud:
        cloud.start(resolved(cloud, ids))


@cli.command()
@ids_argument
@site_option
def stop(ids: Sequence[str], site: str) -> None:
    """Stop instances; their disks and addresses stay."""
    with opened(site) as cloud:
        cloud.stop(resolved(cloud, ids))


@cli.command()
@ids_argument
@site_option
def reboot(ids: Sequence[str], site: str) -> None:
    """Stop and start instances."""
    with opened(site) as cloud:
        cloud.reboot(resolved(cloud, ids))


@cli.command()
@site_option
@all_option
def gc(*, site: str, all_: bool) -> None:
    """Remove what killed processes left half made."""
    for name in chosen(site, all_=all_):
        with opened(name) as cloud:
            for sentence in cloud.collect() or ["nothing to do"]:
                click.echo(f"{name}: {sentence}")


@cli.command()
@site_option
@all_option
@yes_option
def reset(*, site: str, all_: bool, yes: bool) -> None:
    """Remove a local cloud with everything in it, even a damaged one."""
    names = [name for name in chosen(site, all_=all_) if places.site_directory(name).is_dir()]
    if not names:
        click.echo("nothing to remove", err=True)
        return
    folders = ", ".join(str(places.site_directory(name)) for name in names)
    if not yes:
        if not sys.stdin.isatty():
            message = f"this removes {folders}: confirm with --yes"
            raise click.UsageError(message)
        click.confirm(f"Remove all machines, disks and volumes in {folders}?", abort=True)
    for name in names:
        removal.remove(places.site_directory(name), choose.FACTORIES)
        click.echo(f"removed {name}")


@cli.group()
def fault() -> None:
    """Tell the cloud to misbehave, to rehearse what real clouds do."""


@fault.command("add")
@click.option("--name", "pattern", required=True, help="Pattern of instance names, such as 'web-2*'.")
@click.option("--on", "action", type=click.Choice(faults.ACTIONS), default="create", show_default=True)
@click.option("--error", "code", type=click.Choice(faults.CODES), help="Refuse with this error.")
@click.option("--delay", "delay_s", type=click.FloatRange(min=0), default=0.0, help="Seconds to wait first.")
@click.option("--times", type=click.IntRange(min=1), help="How often; without it always.")
@site_option
def fault_add(
    *, pattern: str, action: str, code: str | None, delay_s: float, times: int | None, site: str
) -> None:
    """Order a fault; makes the cloud if there is none yet."""
    ordered = faults.Fault(pattern=pattern, action=action, code=code, delay_s=delay_s, times=times)
    with LocalCloud.open(site, choose.KEEP) as cloud:
        click.echo(f"fault {faults.add(cloud.store, ordered).id}")


@fault.command("ls")
@site_option
def fault_ls(site: str) -> None:
    """List the faults that are still ordered."""
    with opened(site) as cloud:
        found = faults.listed(cloud.store)
    rows = ((each.id, each.pattern, each.action, each.code, each.delay_s, each.times) for each in found)
    click.echo(table(FAULT_COLUMNS, rows) if found else "no faults")


@fault.command("clear")
@site_option
def fault_clear(site: str) -> None:
    """Forget all faults."""
    with opened(site) as cloud:
        click.echo(f"cleared {faults.clear(cloud.store)}")


if __name__ == "__main__":
    sys.exit(main())
