"""What Nova's words for the state of a server mean."""

from __future__ import annotations

from mcis_iac.clouds.openstack import datafiles
from mcis_iac.model import Status


def status_of(status: str, task: str | None) -> Status:
    """What it is doing while it is doing something, else what it is."""
    words = datafiles.read("status")
    return Status(words["task"].get(task or "") or words["status"].get(status) or Status.UNDEFINED)
