"""The package's schema, for `pulumi package get-schema` and typed programs; read off the table."""

from __future__ import annotations

import json
from typing import Any

from mcis_iac.local_cloud.plugin.kinds import KINDS, PACKAGE, PROVIDER, Kind
from mcis_iac.local_cloud.plugin.shapes import Record


def schema(version: str) -> str:
    """JSON in Pulumi's package schema."""
    package = {
        "name": PACKAGE,
        "version": version,
        "description": "The embedded local cloud of mcis-iac",
        "config": {"variables": _inputs(PROVIDER)},
        "provider": {"type": "object", "inputProperties": _inputs(PROVIDER)},
        "resources": {kind.token: _resource(kind) for kind in KINDS.values()},
    }
    return json.dumps(package)


def _resource(kind: Kind) -> dict[str, Any]:
    fields = kind.inputs.fields
    return {
        "properties": {name: shape.schema() for name, shape in kind.outputs.items()},
        "required": [name for name in kind.outputs if (kind.name, name) != ("Instance", "publicIp")],
        "inputProperties": _inputs(kind.inputs),
        "requiredInputs": [name for name, wanted in fields.items() if wanted.required],
    }


def _inputs(record: Record) -> dict[str, Any]:
    return {
        name: {**wanted.shape.schema(), **({"willReplaceOnChanges": True} if wanted.replaces else {})}
        for name, wanted in record.fields.items()
    }
