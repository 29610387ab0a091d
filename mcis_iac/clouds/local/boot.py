"""First-boot instructions as cloud-config text, the same for every VM of a group.

Login, host name, host keys and disks are the cloud's own work here; packages, files and commands are
said in cloud-config's own words, which it reads.
"""

from __future__ import annotations

from typing import Any

from mcis_iac.clouds.boot import as_cloud_config
from mcis_iac.model import Setup


def user_data(setup: Setup) -> str:
    """`#cloud-config` text, `{}` when there is nothing to do. Equal setups give equal bytes."""
    document: dict[str, Any] = {}
    if setup.files:
        document["write_files"] = [
            {"path": file.path, "content": file.content, "permissions": file.mode} for file in setup.files
        ]
    if setup.packages:
        document["packages"] = list(setup.packages)
    if setup.run:
        document["runcmd"] = list(setup.run)
    return as_cloud_config(document)
