"""A graph as text: what would be registered, readable without an engine.

References are shown as `${key.path}`, secrets as `[secret]`. Nothing here is read back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mcis_iac.program.graph import Graph, Join, Options, Ref, Resource, Secret, Value

REDACTED = "[secret]"
_NO_OPTIONS = Options()


def plain(value: Value) -> Any:
    """A value in JSON terms."""
    if isinstance(value, Ref):
        return f"${{{value.key}.{value.path}}}" if value.path else f"${{{value.key}}}"
    if isinstance(value, Secret):
        return REDACTED
    if isinstance(value, Join):
        return "".join(str(plain(part)) for part in value.parts)
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def as_data(graph: Graph) -> dict[str, Any]:
    """The graph in JSON terms; empty parts are left out."""
    return {
        "project": graph.project,
        "stack": graph.stack,
        "resources": [_resource(resource) for resource in graph.resources],
        "outputs": plain(graph.outputs),
    }


def _resource(resource: Resource) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "key": resource.key,
        "token": resource.token,
        "version": resource.version,
        "provider": resource.provider,
        "inputs": plain(resource.inputs),
        "outputs": list(resource.outputs),
        "options": _options(resource.options),
        "env": dict(resource.env),
    }
    return {name: part for name, part in parts.items() if part}


def _options(options: Options) -> dict[str, Any]:
    if options == _NO_OPTIONS:
        return {}
    found = {name: getattr(options, name) for name in Options.__slots__}
    return {name: plain(value) for name, value in found.items() if value}


def as_json(graph: Graph) -> str:
    """One JSON document, keys in the order of declaration."""
    return json.dumps(as_data(graph), indent=2, ensure_ascii=False)


def as_yaml(graph: Graph) -> str:
    """The same as YAML."""
    import yaml

    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(as_data(graph), Dumper=dumper, sort_keys=False, allow_unicode=True, width=110))


def as_text(graph: Graph) -> str:
    """For people: a block per resource, a line per input."""
    lines = [f"{graph.project}/{graph.stack}: {len(graph.resources)} resources"]
    for resource in graph.resources:
        lines += ["", f"{resource.key}  {resource.token}"]
        lines += _lines(plain(resource.inputs), 1)
        options = _options(resource.options)
        if options:
            lines.append(f"  ({', '.join(_option(name, value) for name, value in options.items())})")
    lines += ["", "outputs"]
    lines += _lines(plain(graph.outputs), 1)
    return "\n".join(lines)


def _option(name: str, value: Any) -> str:
    words = name.replace("_", " ")
    if value is True:
        return words
    return f"{words}: {', '.join(value) if isinstance(value, list) else value}"


def _lines(values: Mapping[str, Any], depth: int) -> list[str]:
    found: list[str] = []
    for name, value in values.items():
        head = f"{'  ' * depth}{name}:"
        if isinstance(value, Mapping) and any(map(_is_long, value.values())):
            found += [head, *_lines(value, depth + 1)]
        elif isinstance(value, str) and "\n" in value:
            found += [f"{head} |", *("  " * (depth + 1) + line for line in value.splitlines())]
        else:
            found.append(f"{head} {_inline(value)}")
    return found


def _is_long(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, str) and "\n" in value)


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_inline(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(inner) for inner in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "-", True: "yes", False: "no"}[value]
    return str(value)
