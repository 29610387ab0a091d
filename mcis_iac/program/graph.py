"""A stack as pure data: resources, references between them, secrets.

Nothing here knows Pulumi. The interpreter registers a Graph, `render` prints it, tests compare it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from mcis_iac.model import Subject

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Ref:
    """An output of another resource: `Ref("net/main/local/local-seoul")` is its id.

    `path` is an output property and the way into it, dotted; list positions are numbers
    (`networkInterfaces.0.networkIp`). The empty path is the provider-assigned id.

    `implied` leaves the dependency out of the stack's state, where it would be written once more
    for every VM: the resource must depend on the other one through something else, too.
    """

    key: str
    path: str = ""
    implied: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must be encrypted in state and never be printed."""

    value: Scalar | Join


@dataclass(frozen=True, slots=True)
class Join:
    """Text put together from texts and references: `Join((Ref("ip/web-1", "publicIp"), "/32"))`.

    With a secret among its parts the whole is one.
    """

    parts: tuple[str | Ref | Secret, ...]


Value: TypeAlias = "Scalar | Ref | Secret | Join | tuple[Value, ...] | list[Value] | Mapping[str, Value]"
Inputs: TypeAlias = "dict[str, Value]"


def refs(value: Any) -> Iterator[Ref]:
    """Every reference inside a value."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Join):
        yield from refs(value.parts)
    elif isinstance(value, Secret):
        yield from refs(value.value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from refs(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from refs(inner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the engine must know beside the inputs; names are Pulumi's own, in snake case.

    `aliases` are keys the resource had before.
    """

    depends_on: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    delete_before_replace: bool = False
    deleted_with: str | None = None
    retain_on_delete: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of the stack.

    `key` is the Pulumi logical name and must be stable: it is derived from names and ordinals,
    never from list positions. `token` is `pkg:module:Type`, or `pulumi:providers:pkg` for a
    provider. `provider` is the key of the provider resource (None for providers themselves).
    `outputs` are the output properties somebody refers to, beside the id. `env` (providers only)
    maps the variable we export to the one the provider reads, so that no credential is an input.
    """

    key: str
    token: str
    inputs: Mapping[str, Value]
    version: str = ""
    provider: str | None = None
    outputs: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    subject: Subject = field(default_factory=Subject)

    @property
    def package(self) -> str:
        """The Pulumi package that owns the resource, for providers the one they provide."""
        head, _, rest = self.token.partition(":")
        return rest.rpartition(":")[2] if head == "pulumi" else head


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A whole stack: resources in an order where every reference points backwards, and outputs.

    `project` is the namespace and `stack` is `<name>[.<env>]`. The only output the tool itself
    exports is `inventory` (architecture: "Pulumi mapping").
    """

    project: str
    stack: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Value]

    def __getitem__(self, key: str) -> Resource:
        """The resource with that key; KeyError if there is none."""
        for resource in self.resources:
            if resource.key == key:
                return resource
        raise KeyError(key)
