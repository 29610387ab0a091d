"""How the language spells what the engine calls by the provider's names.

For packages with a typed Python package that package is asked; the others are written through the
helper module of the ejected project, whose classes take top-level properties in snake case.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from keyword import iskeyword
from typing import Any

from mcis_iac.model import NOTHING
from mcis_iac.program.graph import Resource
from mcis_iac.program.typed import shapes

LOCAL = "local_cloud"
# What the code of a module may call by name, beside its own variables.
RESERVED = frozenset(
    {"pulumi", "config", "connections", "inventory", "made", "members", "machines", "unique", "boot"}
    | {"encoded", "host_key", "provider", "aws", "azure_native", "gcp", "openstack", "local_cloud"}
)
# Variables of loops and of their tables.
LOOPS = frozenset({"n", "vm", "name", "key", "zone", "zones", "places", "each", "host_keys", "host_public"})
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class Spelling:
    """One token: the class to call, the import it needs, the class of its arguments (None = untyped)."""

    callee: str
    importing: str
    args: Any = None
    outputs: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    hidden: frozenset[str] = frozenset()  # outputs that the class makes secret by itself
    ambient: frozenset[str] = frozenset()  # inputs that the class takes from the environment when not given

    def input(self, name: str) -> tuple[str, Any]:
        """An input's name and its annotation."""
        if self.args is None:
            return snake(name), None
        known = inputs(self.args)
        return known.get(name, (name, None))

    def output(self, path: str) -> str:
        """The way to an output, as it is written after the variable; the empty path is the id."""
        if not path:
            return ".id"
        first, *steps = path.split(".")
        inside = (
            f"[{step}]" if step.isdigit() else f".{snake(step)}" if self.args else f'["{step}"]'
            for step in steps
        )
        return f".{self.outputs.get(first) or snake(first)}{''.join(inside)}"


@cache
def spelling(token: str, version: str, typed: bool) -> Spelling:  # noqa: FBT001 cached by position
    """How resources of that token are written."""
    package, kind = token.partition(":")[0], token.rpartition(":")[2]
    provides = token.startswith(shapes.PROVIDERS)
    if provides:
        package, kind = kind, "Provider"
    if not typed:
        return Spelling(f"{LOCAL}.{kind}", f"import {LOCAL}")
    from pulumi import _types

    shapes.require(package, version)
    shape = shapes.shape(token)
    assert shape is not None, token
    alias = package.replace("-", "_")
    module = f"pulumi_{alias}"
    home = "" if provides else f".{shape.args.__module__.split('.')[1]}"
    found = getattr(importlib.import_module(module + home), kind)
    return Spelling(
        callee=f"{alias}{home}.{kind}",
        importing=f"import {module} as {alias}",
        args=shape.args,
        outputs=_types.resource_pulumi_to_py_names(found),
        hidden=_hidden(found),
        ambient=_ambient(found, shape.args),
    )


def typed(resource: Resource, untyped: frozenset[str]) -> Spelling:
    """The spelling of a resource, unless its package is one without types."""
    return spelling(resource.token, resource.version, resource.package not in untyped)


def _hidden(found: type) -> frozenset[str]:
    source = inspect.getsource(found._internal_init)  # type: ignore[attr-defined]
    lists = re.findall(r"secret_outputs=\[([^\]]*)\]", source)
    return frozenset(name for each in lists for name in re.findall(r'"([^"]+)"', each))


def _ambient(found: type, args: Any) -> frozenset[str]:
    source = inspect.getsource(found._internal_init)  # type: ignore[attr-defined]
    ours = set(re.findall(r"(\w+) = _utilities\.get_env", source))
    return frozenset(name for name, (mine, _) in inputs(args).items() if mine in ours)


@cache
def inputs(args: Any) -> Mapping[str, tuple[str, Any]]:
    """The provider's name of each input -> ours and its annotation."""
    from pulumi import _types

    ours = {theirs: mine for mine, theirs in _types.input_type_py_to_pulumi_names(args).items()}
    return {name: (ours.get(name, name), annotation) for name, annotation in shapes.inputs(args).items()}


def within(annotation: Any, value: Mapping[str, Any]) -> Mapping[str, tuple[str, Any]] | None:
    """The names inside a nested value; None when its keys are the user's own words."""
    for choice in shapes.alternatives(annotation) if annotation is not None else ():
        if shapes.is_input(choice):
            known = inputs(choice)
            if all(name in known for name in value):
                return known
    return None


def element(annotation: Any) -> Any:
    """The annotation of what a list or map holds."""
    for choice in shapes.alternatives(annotation) if annotation is not None else ():
        parts = getattr(choice, "__args__", ())
        if parts:
            return parts[-1]
    return None


def snake(name: str) -> str:
    """`networkInterfaces` -> `network_interfaces`, as the typed packages do."""
    return _HUMP.sub("_", name).lower()


def variable(words: str) -> str:
    """A Python name of those words."""
    name = re.sub(r"\W+", "_", snake(words)).strip("_").lower() or "value"
    if name[0].isdigit():
        return f"n{name}"
    return f"{name}_" if iskeyword(name) or name in {"id", "type", "vm", "n"} else name
