"""Leaving out the connections that a cloud refuses: a preview of the others, and who was refused.

What a silent provider would make is taken out of the graph together with everything that refers to it
(a firewall rule of another cloud that lists addresses of its VMs). Nothing of that may look as if it
were to be deleted, so it is taken out of the state, too: of a copy that only the preview sees.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mcis_iac.engine.checkpoint import StateResource
from mcis_iac.engine.subjects import PROVIDER, Subjects, key_of
from mcis_iac.errors import CredentialsError
from mcis_iac.program.graph import Graph, Resource, Value, refs


class Refused(CredentialsError):
    """Clouds refused the credentials of providers; `said` has their words by the provider's key."""

    def __init__(self, said: Mapping[str, str]) -> None:
        detail = "\n".join(f"{key}: {words}" for key, words in said.items())
        super().__init__(summary="a cloud refused the credentials", detail=detail)
        self.said = dict(said)


def by_provider(said: Mapping[str, str], graph: Graph, state: Iterable[StateResource]) -> dict[str, str]:
    """What was said about resources, by the key of the provider each belongs to; first words win."""
    owner: dict[str, str | None] = {one.key: one.provider for one in state}
    for resource in graph.resources:
        owner[resource.key] = resource.key if resource.token.startswith(PROVIDER) else resource.provider
    found: dict[str, str] = {}
    for key, words in said.items():
        provider = owner.get(key)
        if provider is not None:
            found.setdefault(provider, words)
    return found


def retired(
    said: Iterable[str], graph: Graph, state: Iterable[StateResource], subjects: Subjects
) -> dict[str, str]:
    """By provider, what was said without naming a resource: providers no longer declared say it like that."""
    declared = {resource.key for resource in graph.resources}
    old = {one.provider: one.token for one in state if one.provider and one.provider not in declared}
    return {key: words for words in said for key, token in old.items() if subjects.refuses(token, words)}


def spared(graph: Graph, silent: Collection[str]) -> Graph:
    """The graph without what those providers make, and without whatever refers to that."""
    gone = set(silent)
    left: list[Resource] = []
    for resource in graph.resources:  # each after what it refers to
        if resource.key in gone or not gone.isdisjoint(_needs(resource)):
            gone.add(resource.key)
        else:
            left.append(resource)
    return replace(graph, resources=tuple(left), outputs=_without(graph.outputs, gone))


def _needs(resource: Resource) -> Iterator[str]:
    yield from (ref.key for ref in refs(resource.inputs))
    yield from resource.options.depends_on
    yield from (key for key in (resource.provider, resource.options.deleted_with) if key)


def _without(outputs: Mapping[str, Value], gone: Collection[str]) -> dict[str, Value]:
    """The outputs, of the maps among them only the entries that refer to nothing that is gone."""
    found: dict[str, Value] = {}
    for name, value in outputs.items():
        if isinstance(value, Mapping):
            found[name] = {key: each for key, each in value.items() if _whole(each, gone)}
        elif _whole(value, gone):
            found[name] = value
    return found


def _whole(value: object, gone: Collection[str]) -> bool:
    return all(ref.key not in gone for ref in refs(value))


def forgotten(
    deployment: Mapping[str, Any], whole: Graph, left: Graph, silent: Collection[str]
) -> Mapping[str, Any]:
    """The state as if nothing were there of what `left` has less than `whole`; the same where nothing is.

    What is no longer declared stays, so that its deletion is shown, unless a silent provider made it.
    """
    seen = {resource.key for resource in left.resources}
    unseen = [resource for resource in whole.resources if resource.key not in seen]
    hidden = {key for one in unseen for key in (one.key, *one.options.aliases)} | set(silent)
    there = deployment.get("resources") or ()
    gone = {raw["urn"] for raw in there if key_of(raw["urn"]) in hidden or _provider(raw) in silent}
    if not gone:
        return deployment
    pending = deployment.get("pending_operations") or ()
    return {
        **deployment,
        "resources": [_untied(raw, gone) for raw in there if raw["urn"] not in gone],
        "pending_operations": [each for each in pending if each["resource"]["urn"] not in gone],
    }


def _provider(raw: Mapping[str, Any]) -> str:
    """The key of a resource's provider, which is named `URN::id`."""
    return key_of(str(raw.get("provider") or "").rpartition("::")[0])


def _untied(raw: Mapping[str, Any], gone: Collection[str]) -> dict[str, Any]:
    """A resource of the state that depends on nothing that is gone."""
    left = {name: value for name, value in raw.items() if name != "deletedWith" or value not in gone}
    if "dependencies" in left:
        left["dependencies"] = [urn for urn in left["dependencies"] if urn not in gone]
    ties = left.get("propertyDependencies") or {}
    if ties:
        left["propertyDependencies"] = {
            name: [urn for urn in urns or () if urn not in gone] for name, urns in ties.items()
        }
    return left
