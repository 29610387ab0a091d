"""Finding and sweeping what carries our tags on the embedded cloud, whether in state or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mcis_iac.clouds.base import Found
from mcis_iac.clouds.local.site import translated
from mcis_iac.model import Connection

CREATE_ADOPTS = True
ENV = "mcis-env"
# What uses something else goes first.
ORDER = (
    "instance",
    "volume",
    "address",
    "launch_template",
    "boot_config",
    "security_group",
    "subnet",
    "network",
    "key_pair",
)


def find(connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
    """Everything that carries all those tags, machines first.

    Tags of an MCIS without an env do not mean the envs beside it: `shop` is not `shop.prod`.
    """
    with translated(connection) as cloud:
        found = [Found(kind=k, id=i, name=n, tags=dict(t)) for k, i, n, t in cloud.find(tags)]
    if "mcis" in tags and ENV not in tags:
        found = [each for each in found if ENV not in each.tags]
    return sorted(found, key=lambda each: (ORDER.index(each.kind), each.name, each.id))


def sweep(connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
    """Delete all of that and return it; with no tag at all nothing is ours and nothing is deleted."""
    if not tags:
        return ()
    found = find(connection, tags)
    with translated(connection) as cloud:
        for kind in ORDER:
            ids = [each.id for each in found if each.kind == kind]
            if ids:
                cloud.delete(kind, ids)
    return found
