"""Facts about OpenStack as files."""

from __future__ import annotations

from typing import Any

from mcis_iac.clouds.common import tables


def read(name: str) -> dict[str, Any]:
    """The content of `data/<name>.json`."""
    return tables.read("openstack", name)
