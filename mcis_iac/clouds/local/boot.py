"""First-boot instructions as cloud-config text, the same for every VM of a group."""

from __future__ import annotations

from typing import Any

from mcis_iac.model import Setup

OTHER_BREAKS = frozenset("\x85\u2028\u2029\ufeff")


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

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, _: Any) -> bool:
            return True

    def as_written(dumper: Any, text: str) -> Any:
        # A script should look on the machine as it does in the manifest.
        style = "|" if "\n" in text else None
        if not OTHER_BREAKS.isdisjoint(text):
            style = '"'  # YAML takes them for the ends of lines unless they are escaped
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, as_written)
    body = yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1 << 20)
    return f"#cloud-config\n{body}"
