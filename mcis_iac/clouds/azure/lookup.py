"""Finding and sweeping what carries our tags on Azure, whether in state or not.

What cannot carry tags of ours (a machine's own disk) is found through the machine that has it or the
resource group it is in. Subnets and rules go with their network and security group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mcis_iac.clouds.azure import arm
from mcis_iac.clouds.azure.arm import Arm, Json, NotThere
from mcis_iac.clouds.base import Found
from mcis_iac.model import Connection

CREATE_ADOPTS = False
ENV = "mcis-env"
RESOURCES = "2021-04-01"
GROUP = "Microsoft.Resources/resourceGroups"
KINDS = {"microsoft.compute/virtualmachines": "instance", GROUP.lower(): "resource group"}
# What uses something else goes first; what is not named here goes with those in the middle.
ORDER = (
    "microsoft.compute/virtualmachines",
    "microsoft.network/networkinterfaces",
    "",
    "microsoft.network/publicipaddresses",
    "microsoft.network/applicationsecuritygroups",
    GROUP.lower(),
)
# A NAT gateway is let go of by its network, an address by its gateway.
NETWORKS = ("microsoft.network/virtualnetworks", "microsoft.network/natgateways")


def find(connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
    """Everything that carries all those tags, machines first.

    Tags of an MCIS without an env do not mean the envs beside it: `shop` is not `shop.prod`.
    """
    if not tags:
        return ()
    with Arm(connection) as cloud:
        return [_as_found(row) for row in _rows(cloud, tags)]


def sweep(connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
    """Delete all of that and return it; with no tag at all nothing is ours and nothing is deleted."""
    if not tags:
        return ()
    with Arm(connection) as cloud:
        rows = [row for row in _rows(cloud, tags) if not _shared(cloud, row, tags)]
        for rank in sorted({_rank(_kind(row)) for row in rows}):
            here = [row for row in rows if _rank(_kind(row)) == rank]
            begun = [cloud.delete(row["id"], version=_version(row)) for row in here]
            for operation in filter(None, begun):
                cloud.wait(operation)
        return [_as_found(row) for row in rows]


# ---------------------------------------------------------------- finding


def _rows(cloud: Arm, tags: Mapping[str, str]) -> list[Json]:
    found = {str(row["id"]).lower(): row for row in _all(cloud, tags) if _meant(row, tags)}
    return sorted(found.values(), key=lambda row: (_rank(_kind(row)), row["name"], row["id"]))


def _all(cloud: Arm, tags: Mapping[str, str]) -> Iterator[Json]:
    """What carries one of the tags, and what is in its resource groups without any."""
    # Azure filters by one tag at a time; the others are compared here.
    name = "mcis" if "mcis" in tags else next(iter(sorted(tags)))
    picked = f"tagName eq '{_quoted(name)}' and tagValue eq '{_quoted(tags[name])}'"
    tagged = list(cloud.listed(cloud.account("resources"), version=RESOURCES, **{"$filter": picked}))
    groups = list(cloud.listed(cloud.account("resourcegroups"), version=RESOURCES, **{"$filter": picked}))
    yield from tagged
    yield from ({**row, "type": GROUP} for row in groups)
    owners = {str(row["id"]).lower(): row for row in (*tagged, *groups)}
    for group in groups:
        for row in _inside(cloud, group):
            if not row.get("tags"):
                owner = owners.get(str(row.get("managedBy", "")).lower(), group)
                yield {**row, "tags": owner.get("tags", {})}


def _inside(cloud: Arm, group: Json) -> list[Json]:
    try:
        return list(cloud.listed(f"{group['id']}/resources", version=RESOURCES))
    except NotThere:
        return []


def _meant(row: Json, tags: Mapping[str, str]) -> bool:
    own = row.get("tags") or {}
    if "mcis" in tags and ENV not in tags and ENV in own:
        return False
    return all(own.get(name) == value for name, value in tags.items())


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _as_found(row: Json) -> Found:
    kind = _kind(row)
    word = KINDS.get(kind) or str(row["type"]).rpartition("/")[2]
    return Found(kind=word, id=str(row["id"]), name=str(row["name"]), tags=dict(row.get("tags") or {}))


def _kind(row: Json) -> str:
    return str(row["type"]).lower()


# ---------------------------------------------------------------- sweeping


def _rank(kind: str) -> tuple[int, int]:
    if kind in NETWORKS:
        return ORDER.index(""), 1 + NETWORKS.index(kind)
    return (ORDER.index(kind), 0) if kind in ORDER else (ORDER.index(""), 0)


def _version(row: Json) -> str:
    return RESOURCES if _kind(row) == GROUP.lower() else arm.version(_kind(row))


def _shared(cloud: Arm, row: Json, tags: Mapping[str, str]) -> bool:
    """Whether a resource group has something of others, which would be deleted with it."""
    if _kind(row) != GROUP.lower():
        return False
    return any(each.get("tags") and not _meant(each, tags) for each in _inside(cloud, row))
