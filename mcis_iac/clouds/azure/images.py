"""From aliases and the manifest's own words to the image the lock pins.

A Marketplace image becomes its full URN with the newest version in the region; an image of the user's
own is its resource id, which is looked up to see that it exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mcis_iac.clouds.azure import arm, pictures
from mcis_iac.clouds.azure.arm import Arm, NotThere
from mcis_iac.clouds.base import ImageQuery
from mcis_iac.errors import OperationError
from mcis_iac.model import Connection

COMPUTE = "Microsoft.Compute"
GALLERY_VERSION = "2023-07-03"
ARCHITECTURES = {"x64": "amd64", "arm64": "arm64"}


def resolve(connection: Connection, queries: Sequence[ImageQuery]) -> Mapping[ImageQuery, str]:
    """The id of each through the Compute API; one that does not exist there is left out."""
    if not queries:
        return {}
    found: dict[ImageQuery, str] = {}
    with Arm(connection) as cloud:
        for query in dict.fromkeys(queries):
            pinned = _resolved(cloud, query)
            if pinned is not None:
                found[query] = pinned
    return found


def _resolved(cloud: Arm, query: ImageQuery) -> str | None:
    entry = dict(query.entry)
    if entry.get("id"):
        return _own(cloud, entry["id"])
    urn = entry.get("urn") or pictures.urn_of(query.alias, query.arch)
    if not urn:
        return None
    publisher, offer, sku, *rest = urn.split(":")
    wanted = rest[0] if rest else pictures.LATEST
    folder = cloud.account(
        f"providers/{COMPUTE}/locations/{query.region}/publishers/{publisher}"
        f"/artifacttypes/vmimage/offers/{offer}/skus/{sku}/versions"
    )
    try:
        version = _newest(cloud, folder) if wanted == pictures.LATEST else wanted
        if version is None:
            return None
        image = cloud.get(f"{folder}/{version}", version=arm.version(COMPUTE))
    except NotThere:
        return None
    pinned = ":".join((publisher, offer, sku, version))
    _require_usable(query, pinned, image.get("properties", {}))
    return pinned


def _newest(cloud: Arm, folder: str) -> str | None:
    rows: Iterable[Mapping[str, str]] = cloud.get(folder, version=arm.version(COMPUTE))
    return max((row["name"] for row in rows), key=_rank, default=None)


def _rank(version: str) -> tuple[int, ...]:
    """Versions are numbers with dots: 22.04.202610010 is newer than 22.04.20269."""
    return tuple(int(part) if part.isdigit() else -1 for part in version.split("."))


def _require_usable(query: ImageQuery, urn: str, properties: Mapping[str, object]) -> None:
    """Refuse what Azure would refuse later: another processor, or a plan that nobody named."""
    own = dict(query.entry)
    architecture = ARCHITECTURES.get(str(properties.get("architecture", "")).lower())
    if architecture and architecture != query.arch:
        raise OperationError(
            summary="image for another processor",
            detail=f"image `{query.alias}`: {urn} is {architecture}, VMs in {query.region} are {query.arch}",
            hint="name the other image, or a type with that processor",
        )
    named = own.get("plan", "").lower() == "true" if own else pictures.has_plan(query.alias)
    if properties.get("plan") and not named:
        raise OperationError(
            summary="image is sold with a plan",
            detail=f"image `{query.alias}`: VMs of {urn} must name its purchase plan",
            hint=f"add `plan: true` under images.{query.alias}.azure, and accept its terms: "
            f"az vm image terms accept --urn {urn}",
        )


def _own(cloud: Arm, id_: str) -> str | None:
    if not id_.lower().startswith("/subscriptions/"):
        return id_  # shared and community galleries are addressed by region, and checked when used
    version = GALLERY_VERSION if "/galleries/" in id_.lower() else arm.version(COMPUTE)
    try:
        cloud.get(id_, version=version)
    except NotThere:
        return None
    return id_
