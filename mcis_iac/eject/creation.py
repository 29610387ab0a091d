"""The call that makes a resource, or all resources of a loop: its key, its inputs, its options."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from mcis_iac.eject.alike import SELF, Alike, Home, NotAlike
from mcis_iac.eject.code import Expr, Raw, calling, listing, mapping, quoted
from mcis_iac.eject.spelling import Spelling
from mcis_iac.program.graph import Ref, Resource, Secret


def creation(home: Home, alike: Alike, rows: Sequence[Resource]) -> Expr:
    """The call that makes a resource, one for all rows."""
    first = rows[0]
    if any(set(each.inputs) != set(first.inputs) or each.token != first.token for each in rows):
        raise NotAlike
    spelled = home.spell(first.key)
    if spelled.ambient - set(first.inputs):
        return _plain_provider(alike, first, spelled)
    home.load(spelled.importing)
    key = alike.express([each.key for each in rows], None, "key")
    named: list[tuple[str, Expr]] = []
    for name in first.inputs:
        ours, annotation = spelled.input(name)
        named.append((ours, alike.express([each.inputs[name] for each in rows], annotation, name)))
    options = list(_options(alike, rows, spelled))
    if options:
        named.append(("opts", calling("pulumi.ResourceOptions", [], options)))
    return calling(spelled.callee, [("", key)], named)


def _plain_provider(alike: Alike, provider: Resource, spelled: Spelling) -> Expr:
    """A provider without its class, which would put into the state what the environment has."""
    texts = {
        name: value if isinstance(value, str | Secret) else json.dumps(value)
        for name, value in provider.inputs.items()
    }
    props = mapping((name, alike.express([value], None, name)) for name, value in texts.items())
    bare = replace(spelled, args=None, hidden=frozenset())
    options = [("version", Raw(quoted(provider.version))), *_options(alike, [provider], bare)]
    opts = calling("pulumi.ResourceOptions", [], options)
    words: list[Expr] = [Raw(quoted(provider.package)), Raw(quoted(provider.key)), props]
    return calling("pulumi.ProviderResource", [("", word) for word in words], [("opts", opts)])


def _options(alike: Alike, rows: Sequence[Resource], spelled: Spelling) -> Iterator[tuple[str, Expr]]:
    def given(name: str) -> Any:
        found = {getattr(each.options, name) for each in rows}
        if len(found) != 1:
            raise NotAlike
        return found.pop()

    named: dict[str, list[tuple[str, ...]]] = {
        "provider": [tuple(filter(None, [each.provider])) for each in rows],
        "depends_on": [each.options.depends_on for each in rows],
        "deleted_with": [(each.options.deleted_with,) if each.options.deleted_with else () for each in rows],
    }
    for name, keys in named.items():
        found = _others(alike, keys, name)
        if found:
            yield name, listing(found) if name == "depends_on" else found[0]
    for name in ("ignore_changes", "replace_on_changes", "additional_secret_outputs"):
        hidden = spelled.hidden if name == "additional_secret_outputs" else ()
        paths = [path for path in given(name) if path not in hidden]
        if paths:
            yield name, listing(Raw(quoted(_path(path, spelled, name))) for path in paths)
    for name in ("delete_before_replace", "retain_on_delete"):
        if given(name):
            yield name, Raw("True")
    if rows[0].env:
        yield "env_var_mappings", mapping((name, Raw(quoted(own))) for name, own in rows[0].env.items())


def _others(alike: Alike, keys: Sequence[Sequence[str]], hint: str) -> list[Expr]:
    """Other resources that an option names."""
    if len({len(each) for each in keys}) != 1:
        raise NotAlike
    values = [[Ref(key, SELF) for key in each] for each in keys]
    return [alike.express(list(each), None, hint) for each in zip(*values, strict=True)]


def _path(path: str, spelled: Spelling, option: str) -> str:
    """A property in an option: the language's spelling at the top, the provider's own inside."""
    if spelled.args is None or not path.isidentifier():
        return path
    if option.startswith("add"):
        return spelled.outputs.get(path, path)
    return spelled.input(path)[0]
