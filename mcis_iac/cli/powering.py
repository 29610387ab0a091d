"""What `suspend`, `resume` and `reboot` share: their flags, and the way from a call to its exit code."""

from __future__ import annotations

from functools import partial as bound

import click

from mcis_iac.cli.options import together
from mcis_iac.cli.session import Session

FLAGS = together(
    click.option(
        "--serial", type=click.IntRange(1), metavar="N", help="N VMs at a time; a failure stops it."
    ),
    click.option("--force", is_flag=True, help="Also VMs that failed, or with which something was begun."),
    click.option("--partial", is_flag=True, help="Leave out VMs that refuse instead of refusing all."),
)


def control(session: Session, name: str, *, serial: int | None, force: bool, partial: bool) -> int:
    """Do it, show what became of every VM."""
    from mcis_iac.report.power import power_data, power_screen

    report = session.stages.power(
        session.request(), name, session.selection(), serial=serial, force=force, partial=partial
    )
    good = {"done", "unchanged", "skipped"}
    session.result |= {
        "ok": [each.name for each in report.rows if each.state in good],
        "failed": [each.name for each in report.rows if each.state not in good],
        "next_command": report.next,
    }
    session.show(lambda: power_data(report), bound(power_screen, report))
    return report.exit_code
