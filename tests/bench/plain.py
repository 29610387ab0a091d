"""A plain inline Pulumi program over a rendered graph, with the Automation API's stock settings.

What somebody would write without this tool: `python plain.py preview|up|destroy graph.json`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pulumi
from pulumi import automation

from mcis_iac.engine import bootstrap

REFERENCE = re.compile(r"\$\{(.+)\.([A-Za-z]+)\}|\$\{(.+)\}")


def program(graph: dict[str, Any]) -> None:
    """Register every resource; references become outputs."""
    made: dict[str, Any] = {}

    def real(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: real(part) for name, part in value.items()}
        if isinstance(value, list):
            return [real(part) for part in value]
        found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            return value
        if found[3] in made or f"{found[1]}.{found[2]}" in made:
            return made[found[3] or f"{found[1]}.{found[2]}"].id
        return getattr(made[found[1]], found[2]) if found[2] != "id" else made[found[1]].id

    for one in graph["resources"]:
        inputs = real(one["inputs"])
        if one["token"].startswith("pulumi:providers:"):
            package = one["token"].rpartition(":")[2]
            made[one["key"]] = pulumi.ProviderResource(
                package, one["key"], inputs, pulumi.ResourceOptions(version=one.get("version"))
            )
            continue
        options = pulumi.ResourceOptions(provider=made[one["provider"]], version=one.get("version"))
        outputs = dict.fromkeys(name for name in one.get("outputs", ()) if name not in inputs)
        made[one["key"]] = pulumi.CustomResource(one["token"], one["key"], {**inputs, **outputs}, options)


def main() -> int:
    verb, file = sys.argv[1:]
    folder = Path(file).parent
    found = bootstrap.find()
    assert found is not None
    (folder / "state").mkdir(exist_ok=True)
    scripts = Path(sys.executable).parent
    (folder / "Pulumi.yaml").write_text(
        f"name: plain\nruntime: python\nplugins:\n  providers:\n    - {{name: mcislocal, path: {scripts}}}\n"
    )
    graph = json.loads(Path(file).read_text(encoding="utf-8"))
    stack = automation.create_or_select_stack(
        "plain",
        project_name="plain",
        program=lambda: program(graph),
        opts=automation.LocalWorkspaceOptions(
            work_dir=str(folder),
            pulumi_command=automation.PulumiCommand(root=str(found.path.parent.parent)),
            env_vars={
                "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
                "PULUMI_CONFIG_PASSPHRASE": "",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "MCIS_LOCAL_DIR": os.environ["MCIS_LOCAL_DIR"],
            },
        ),
    )
    getattr(stack, verb)()
    return 0


if __name__ == "__main__":
    sys.exit(main())
