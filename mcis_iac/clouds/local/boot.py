"""First-boot instructions as cloud-config text, the same for every VM of a group."""

from __future__ import annotations

from typing import Any

from mcis_iac.model import Setup


def user_data(setup: Setup) -> str:
    """`#cloud-config` text, `{}` when there is nothing to do. Equal setups give equal bytes."""
    import yaml

    document: dict[str, Any] = {}
    if setup.files:
        document["write_files"] = [
            {"path": file.path, "content": file.content, "permissions": file.mode} for file in setup.files
        ]
    if setup.packages:
        document["packages"] = list(setup.packages)
    if setup.run:
        document["runcmd"] = list(setup.run)
    # Never folded: a script must look in the stack's state as it does in the manifest.
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1 << 20)
    return f"#cloud-config\n{text}"
