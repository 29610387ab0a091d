"""The one place that registers a graph with Pulumi, as raw resources.

Property names and values go to the engine exactly as the graph has them: no typed package, no
component parents, no default provider. One output is exported, made of one awaitable: thousands of
separate outputs would cost more than the resources themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
from pulumi.runtime import settings

from mcis_iac.program.awaiting import Parts, alone, parts
from mcis_iac.program.graph import Graph, Join, Options, Ref, Resource, Secret, Value
from mcis_iac.program.grounds import Grounds
from mcis_iac.program.sparing import Exists, Sparing

_PROVIDERS = "pulumi:providers:"


def program(
    graph: Graph, *, exists: Exists = frozenset, lost: dict[str, str] | None = None
) -> Callable[[], None]:
    """An inline program for the engine that registers the graph; run it inside `quiet`.

    While changes are applied, what needs a resource that failed is not registered; `lost` then has its
    URN with that of the resource it waits for. `exists` gives the URNs in state.
    """

    def run() -> None:
        made = _Made()
        if not pulumi.runtime.is_dry_run():
            settings.SETTINGS.monitor = Sparing(settings.get_monitor(), exists, {} if lost is None else lost)
        for resource in graph.resources:
            made.add(resource, _register(resource, made))
        for name, value in graph.outputs.items():
            pulumi.export(name, _whole(value, made))

    return run


class _Made(dict[str, Any]):
    """The registered resources by key, and the outputs shared by many that name no dependency."""

    def __init__(self) -> None:
        super().__init__()
        self.implied: dict[Ref, Any] = {}
        self.grounds = Grounds()

    def add(self, resource: Resource, registered: Any) -> None:
        """Keep what was registered."""
        self[resource.key] = registered
        self.grounds.add(resource, registered)

    def output(self, ref: Ref) -> Any:
        """What a reference stands for."""
        if not ref.implied:
            return _output(ref, self[ref.key])
        if ref not in self.implied:
            self.implied[ref] = alone(parts(_output(ref, self[ref.key])))
        return self.implied[ref]


def _output(ref: Ref, resource: Any) -> Any:
    if not ref.path:
        return resource.id
    name, *deeper = ref.path.split(".")
    output = resource.__dict__[name]
    return output.apply(lambda value: _walk(value, deeper)) if deeper else output


def _walk(value: Any, path: list[str]) -> Any:
    for step in path:
        if value is None:
            return None
        value = value[int(step)] if isinstance(value, list | tuple) else value.get(step)
    return value


def _register(resource: Resource, made: _Made) -> Any:
    options = _options(resource, made)
    if resource.token.startswith(_PROVIDERS):
        texts = {name: _text(value, made) for name, value in resource.inputs.items()}
        return pulumi.ProviderResource(resource.token.removeprefix(_PROVIDERS), resource.key, texts, options)
    # An output somebody reads is declared as a property without a value.
    props = dict.fromkeys(resource.outputs) | {n: _value(v, made) for n, v in resource.inputs.items()}
    return pulumi.CustomResource(resource.token, resource.key, props, options)


def _options(resource: Resource, made: _Made) -> Any:
    options: Options = resource.options
    return pulumi.ResourceOptions(
        provider=made[resource.provider] if resource.provider else None,
        version=resource.version or None,
        depends_on=[*(made[key] for key in options.depends_on), *made.grounds.before(resource)] or None,
        ignore_changes=list(options.ignore_changes) or None,
        replace_on_changes=list(options.replace_on_changes) or None,
        additional_secret_outputs=list(options.additional_secret_outputs) or None,
        delete_before_replace=options.delete_before_replace or None,
        deleted_with=made[options.deleted_with] if options.deleted_with else None,
        retain_on_delete=options.retain_on_delete or None,
        aliases=[pulumi.Alias(name=name) for name in options.aliases] or None,
        env_var_mappings=dict(resource.env) or None,
    )


def _value(value: Value, made: _Made) -> Any:
    if isinstance(value, Ref):
        return made.output(value)
    if isinstance(value, Secret):
        return pulumi.Output.secret(_value(value.value, made))
    if isinstance(value, Join):
        return pulumi.Output.concat(*(_value(part, made) for part in value.parts))
    if isinstance(value, Mapping):
        return {name: _value(inner, made) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_value(inner, made) for inner in value]
    return value


def _text(value: Value, made: _Made) -> Any:
    """A provider's input: text as it is, everything else as JSON in a string."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, Secret):
        return pulumi.Output.secret(_text(value.value, made))
    if isinstance(value, Ref | Join):
        return _value(value, made)
    return pulumi.Output.json_dumps(_value(value, made))


# ---------------------------------------------------------------- the one output


def _whole(value: Value, made: _Made) -> Any:
    """One output for a whole tree of values.

    While changes are applied, an entry with a value that never came (its resource failed, or was
    not a target) is left out and the others are kept; in a preview the whole is then unknown.
    """
    return alone(_gather(value, made))


async def _gather(value: Value, made: _Made) -> Parts:
    if not isinstance(value, Mapping):
        return await _settled(value, made)
    found: dict[str, Any] = {}
    known = secret = False
    complete = True
    for name, entry in value.items():
        content, known, hidden = await _settled(entry, made)
        secret = secret or hidden
        complete = complete and known
        if known:
            found[name] = content
    return found, complete or not pulumi.runtime.is_dry_run(), secret


async def _settled(value: Value, made: _Made) -> Parts:
    """The value once its resources exist, whether it is known, and whether it is secret."""
    if isinstance(value, Secret):
        hidden, known, _ = await _settled(value.value, made)
        return hidden, known, True
    if isinstance(value, Ref | Join):
        return await parts(_value(value, made))
    if isinstance(value, Mapping):
        inner = {name: await _settled(each, made) for name, each in value.items()}
        content: Any = {name: each[0] for name, each in inner.items()}
        return content, all(i[1] for i in inner.values()), any(i[2] for i in inner.values())
    if isinstance(value, list | tuple):
        items = [await _settled(each, made) for each in value]
        return [i[0] for i in items], all(i[1] for i in items), any(i[2] for i in items)
    return value, True, False
