"""From an image's alias or family to the one image the lock pins: `projects/P/global/images/N`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mcis_iac.clouds.base import ImageQuery
from mcis_iac.clouds.gcp import catalogue
from mcis_iac.clouds.gcp.api import Api, Json, NotThere, relative
from mcis_iac.model import Connection

ARCHITECTURES = {"X86_64": "amd64", "ARM64": "arm64"}


def resolve(connection: Connection, queries: Sequence[ImageQuery]) -> Mapping[ImageQuery, str]:
    """The id of each; one that does not exist, or not for the architecture, is left out.

    Images belong to no region, so the same image is asked for once.
    """
    if not queries:
        return {}
    asked: dict[str, Json | None] = {}
    with Api(connection) as api:
        paths = {query: path for query in queries if (path := _path(api, query)) is not None}
        for path in dict.fromkeys(paths.values()):
            asked[path] = _image(api, path)
    found: dict[ImageQuery, str] = {}
    for query, path in paths.items():
        image = asked[path]
        if image is not None and _fits(image, query):
            found[query] = relative(str(image["selfLink"]))
    return found


def _path(api: Api, query: ImageQuery) -> str | None:
    """Where to ask: the newest of a family, or one image."""
    entry = dict(query.entry)
    if "id" in entry:
        return relative(entry["id"])
    if entry:
        project = entry.get("project") or api.project
        return _named(project, entry.get("family"), entry.get("name"))
    row = catalogue.data("images")["images"].get(query.alias)
    return None if row is None else _named(row["project"], row["family"][query.arch], None)


def _named(project: str, family: str | None, name: str | None) -> str | None:
    if family:
        return f"projects/{project}/global/images/family/{family}"
    return f"projects/{project}/global/images/{name}" if name else None


def _image(api: Api, path: str) -> Json | None:
    try:
        return api.get(path)
    except NotThere:
        return None


def _fits(image: Json, query: ImageQuery) -> bool:
    """Whether the image runs on the processor; old images do not say."""
    said = ARCHITECTURES.get(str(image.get("architecture", "")))
    return said is None or said == query.arch
