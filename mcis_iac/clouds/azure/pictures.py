"""How Azure is told which image a machine starts from.

What the lock pins is a URN of four parts (`publisher:offer:sku:version`) or, for an image of the
user's own, its resource id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcis_iac.clouds.azure import facts
from mcis_iac.clouds.base import Arch
from mcis_iac.model import Mcis, Member
from mcis_iac.program.graph import Inputs

PARTS = 4
LATEST = "latest"
SHARED = {"/communitygalleries/": "communityGalleryImageId", "/sharedgalleries/": "sharedGalleryImageId"}


def entry(mcis: Mcis, alias: str) -> Mapping[str, Any] | None:
    """The manifest's own words for an image on Azure; None for a built-in alias."""
    return mcis.images[alias].by_cloud.get("azure", {}) if alias in mcis.images else None


def urn_of(alias: str, arch: Arch) -> str | None:
    """`publisher:offer:sku` of a built-in alias."""
    row = facts.table("images")["aliases"].get(alias, {})
    found = row.get(arch)
    return None if found is None else str(found)


def has_plan(alias: str) -> bool:
    """Whether a built-in image comes with a purchase plan, free of charge though it may be."""
    return bool(facts.table("images")["aliases"].get(alias, {}).get("plan", False))


def reference(member: Member) -> Inputs:
    """`storageProfile.imageReference`; an image nobody has resolved yet shows as its alias."""
    pinned = member.image.id
    if pinned is None:
        return {"id": member.image.alias}
    if pinned.startswith("/"):
        kind = next((word for start, word in SHARED.items() if pinned.lower().startswith(start)), "id")
        return {kind: pinned}
    publisher, offer, sku, version = pinned.split(":")
    return {"publisher": publisher, "offer": offer, "sku": sku, "version": version}


def plan(mcis: Mcis, member: Member) -> Inputs | None:
    """The purchase plan a machine from that image has to name, if any."""
    pinned, own = member.image.id, entry(mcis, member.image.alias)
    wanted = has_plan(member.image.alias) if own is None else own.get("plan") is True
    if not wanted or pinned is None or pinned.startswith("/"):
        return None
    publisher, offer, sku, _ = pinned.split(":")
    return {"name": sku, "product": offer, "publisher": publisher}
