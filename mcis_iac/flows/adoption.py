"""Finding what a create made that nobody saw the end of: the engine, the plugin or we died before."""

from __future__ import annotations

from collections.abc import Sequence

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Found
from mcis_iac.engine.checkpoint import Pending
from mcis_iac.errors import McisError
from mcis_iac.flows.ground import Standing
from mcis_iac.manifest.load import lock_path
from mcis_iac.model import Connection
from mcis_iac.placement import lock as locks
from mcis_iac.program import naming


class Adoption:
    """Looks into the clouds of an MCIS; each is asked once, for everything that carries our tags."""

    def __init__(self, here: Standing) -> None:
        self._here = here
        self._formerly = _formerly(here)
        self._there: dict[str, Sequence[Found]] = {}

    def __call__(self, pending: Pending) -> str | None:
        """The id of what an unfinished create made, if its cloud can tell and a repeat would not find it."""
        here, key = self._here, pending.resource.key
        endings = tuple(naming.ending(here.namespace, here.name, here.env, each) for each in self._keys(key))
        named = naming.subject_of(key).connection
        for connection in here.connections.values():
            lookup = registry.lookup(connection.cloud)
            if lookup.CREATE_ADOPTS or not _may_own(connection, named, pending.resource.token):
                continue
            for found in self._all(connection):
                if found.name.endswith(endings) or _called_so(found, pending):
                    return found.id
        return None

    def _keys(self, key: str) -> list[str]:
        """The key, and the one it would have under the first name of a group that was renamed."""
        first = ((names[0], group) for group, names in self._formerly.items())
        more = [naming.with_group(key, group, old) for old, group in first if naming.belongs_to(key, group)]
        return [key, *more]

    def _all(self, connection: Connection) -> Sequence[Found]:
        if connection.name not in self._there:
            found = registry.lookup(connection.cloud).find(connection, self._here.tags)
            self._there[connection.name] = found
        return self._there[connection.name]


def _formerly(here: Standing) -> dict[str, tuple[str, ...]]:
    """The names that renamed groups had, as far as the lock can be read."""
    try:
        lock = locks.read(lock_path(here.mcis)) if here.mcis is not None else locks.Lock()
    except McisError:
        return {}
    return {name: group.formerly for name, group in lock.groups.items() if group.formerly}


def _may_own(connection: Connection, named: str | None, token: str) -> bool:
    """Whether a resource can be that connection's, from what its key and its token tell."""
    package = token.partition(":")[0]
    return named in {None, connection.name} and package == registry.graph(connection.cloud).PACKAGE


def _called_so(found: Found, pending: Pending) -> bool:
    """Whether it has the name that was asked for and is of that kind.

    Names of some kinds are made of more than the key. A name alone is not enough: what is in a
    resource group names that, too.
    """
    resource = pending.resource
    kind = _letters(resource.token.rpartition(":")[2])
    return found.name in resource.inputs.values() and _letters(found.kind).startswith(kind)


def _letters(word: str) -> str:
    """`key_pair`, `key pairs` and `KeyPair` begin alike."""
    return "".join(char for char in word.lower() if char.isalnum())
