"""Whom a resource serves: the names by which screens and events speak of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mcis_iac.model import NOTHING, Subject
from mcis_iac.program import naming
from mcis_iac.program.graph import Graph

STACK = "pulumi:pulumi:Stack"
PROVIDER = "pulumi:providers:"
TYPE = 2  # the place of the type in a URN


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """Names for the resources of one stack.

    `by_key` has what the graph says; of resources known from state only, the key itself tells.
    `vm_tokens` are the tokens that are machines; `clouds` maps connections to clouds; `refusals` has,
    per package, the patterns of what its plugin says when the cloud refuses the credentials.
    """

    mcis: str = ""
    env: str | None = None
    by_key: Mapping[str, Subject] = field(default_factory=lambda: NOTHING)
    vm_tokens: frozenset[str] = frozenset()
    clouds: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    refusals: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NOTHING)

    @classmethod
    def of(
        cls,
        graph: Graph | None,
        *,
        mcis: str,
        env: str | None,
        vm_tokens: Iterable[str],
        clouds: Mapping[str, str] = NOTHING,
        extra: Mapping[str, Subject] = NOTHING,
        refusals: Mapping[str, tuple[str, ...]] = NOTHING,
    ) -> Subjects:
        """Names from a graph; `extra` has those of resources that are no longer declared."""
        declared = {resource.key: resource.subject for resource in graph.resources} if graph else {}
        return cls(
            mcis=mcis,
            env=env,
            by_key={**extra, **declared},
            vm_tokens=frozenset(vm_tokens),
            clouds=clouds,
            refusals=refusals,
        )

    def find(self, key: str) -> Subject:
        """The subject of a resource; never fails, may be empty."""
        if key in self.by_key:
            return self.by_key[key]
        told = naming.subject_of(key)
        cloud = self.clouds.get(told.connection) if told.connection else None
        return replace(told, cloud=cloud) if cloud else told

    def is_vm(self, token: str) -> bool:
        """Whether resources of that type are machines."""
        return token in self.vm_tokens

    def refuses(self, token: str, text: str) -> bool:
        """Whether a provider says there that its cloud does not accept the credentials."""
        package = token.removeprefix(PROVIDER).partition(":")[0]
        patterns = self.refusals.get(package, ())
        return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def key_of(urn: str) -> str:
    """The logical name at the end of a URN."""
    return urn.rpartition("::")[2]


def token_of(urn: str) -> str:
    """The type in a URN, that of the resource itself when it has parents."""
    parts = urn.split("::")
    return parts[2].rpartition("$")[2] if len(parts) > TYPE else ""


def countable(token: str) -> bool:
    """Whether a type is a thing in a cloud, not the engine's own bookkeeping."""
    return token != STACK and not token.startswith(PROVIDER)
