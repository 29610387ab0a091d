"""A plain inline Pulumi program over the local cloud's provider, one operation per process.

`inline_stack.py FOLDER ENGINE VERB [JSON]` prints {"changes", "errors", "state"}. It is a process of its own,
because the SDK leaves threads and event loops behind when an operation fails. JSON: `machine` are inputs
of the two machines beside the usual ones, `data_gib` is the size of the volume of the first.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi import automation

from mcis_iac import __version__

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDYXQsUCtPabPXgOMuEiGbY0ZZwVBkFPXsgbG3eZoiLc"
TAGS = {"mcis": "hello", "mcis-namespace": "default"}
PROJECT = """name: demo
runtime: python
plugins:
  providers:
    - {{name: mcislocal, path: {path}}}
"""
OUTPUTS = dict.fromkeys(("privateIp", "publicIp", "hostKey", "sshPort"))


def program(machine: Mapping[str, Any], data_gib: int) -> None:
    at = pulumi.ResourceOptions(version=__version__)
    provider = pulumi.ProviderResource("mcislocal", "local", {"site": "default", "backend": "auto"}, at)

    def declare(kind: str, name: str, inputs: Mapping[str, Any]) -> pulumi.CustomResource:
        options = pulumi.ResourceOptions(provider=provider, version=__version__)
        return pulumi.CustomResource(f"mcislocal:index:{kind}", name, dict(inputs), options)

    key = declare("KeyPair", "key", {"name": "main", "publicKey": PUBLIC_KEY, "tags": TAGS})
    network = declare("Network", "net", {"name": "main", "region": "local-seoul", "tags": TAGS})
    subnet = declare("Subnet", "sub", {"network": network.id, "zone": "a"})
    rules = [{"protocol": "tcp", "portLow": 22, "portHigh": 22, "host": True}]
    wall = {"name": "web", "network": network.id, "rules": rules, "tags": TAGS}
    group = declare("SecurityGroup", "fw", wall)
    disk = declare("Volume", "data", {"name": "data", "zone": "local-seoul/a", "sizeGib": data_gib})
    usual = {
        "zone": "a",
        "subnet": subnet.id,
        "flavor": "micro",
        "image": "host",
        "keyPair": key.id,
        "user": "mcis",
        "securityGroups": [group.id],
    }
    for name in ("web-1", "web-2"):
        own = {"name": f"hello-{name}", "tags": {**TAGS, "mcis-group": "web", "mcis-vm": name}}
        volumes = {"volumes": [{"volume": disk.id, "mount": "/data"}]} if name == "web-1" else {}
        declare("Instance", name, {**usual, **own, **volumes, **machine, **OUTPUTS})


def workspace(folder: Path, engine: str) -> automation.LocalWorkspaceOptions:
    """Everything in one folder, and the provider found where this interpreter's scripts are."""
    for name in ("project", "state", "home", "engine/bin"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    if not (folder / "engine/bin/pulumi").exists():
        (folder / "engine/bin/pulumi").symlink_to(engine)
    (folder / "project/Pulumi.yaml").write_text(PROJECT.format(path=Path(sys.executable).parent))
    return automation.LocalWorkspaceOptions(
        work_dir=str(folder / "project"),
        pulumi_home=str(folder / "home"),
        pulumi_command=automation.PulumiCommand(root=str(folder / "engine")),
        env_vars={
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_PARALLEL_DIFF": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        },
    )


def main(folder: str, engine: str, verb: str, settings: str = "{}") -> None:
    more = {"machine": {}, "data_gib": 1, **json.loads(settings)}
    stack = automation.create_or_select_stack(
        "dev",
        project_name="demo",
        program=lambda: program(**more),
        opts=workspace(Path(folder), engine),
    )
    errors: list[str] = []

    def note(event: Any) -> None:
        said = event.diagnostic_event
        if said and said.severity == "error" and said.urn:
            errors.append(said.message.strip())

    changes: Mapping[Any, int] = {}
    try:
        result = getattr(stack, verb)(on_event=note, parallel=32)
        changes = result.change_summary if verb == "preview" else result.summary.resource_changes
    except automation.CommandError:
        errors.append("failed")
    counts = {str(getattr(op, "value", op)): count for op, count in changes.items()}
    print(json.dumps({"changes": counts, "errors": errors, "state": stack.export_stack().deployment}))


if __name__ == "__main__":
    main(*sys.argv[1:])
