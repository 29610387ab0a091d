"""From what people call an image to an AMI's id, which is another one in every region.

An alias is looked up as its publisher's parameter in SSM, which names the current release; where that
is not there or may not be read, among the images of the publisher's account, the newest by date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcis_iac.clouds.aws import catalog
from mcis_iac.clouds.aws.credentials import Access, error_code, translated
from mcis_iac.clouds.base import ImageQuery
from mcis_iac.model import Connection

ARCHITECTURE = {"amd64": "x86_64", "arm64": "arm64"}
# Then the image's owner is asked instead.
NOT_TOLD = frozenset(
    {
        "ParameterNotFound", "ParameterVersionNotFound", "AccessDeniedException", "AccessDenied",
        "ValidationException",
    }
)  # fmt: skip
NO_SUCH_IMAGE = frozenset({"InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable"})


def resolve(connection: Connection, queries: Sequence[ImageQuery]) -> Mapping[ImageQuery, str]:
    """The AMI of each query that has one.

    The entry of a manifest is `id`, `ssm` (a parameter), or `name` (a pattern, `*` allowed) with
    `owner` (an account, `self` without).
    """
    if not queries:
        return {}
    access = Access(connection)
    with translated(connection):
        found = {query: _image(access, query) for query in dict.fromkeys(queries)}
    return {query: image for query, image in found.items() if image}


def _image(access: Access, query: ImageQuery) -> str | None:
    entry = dict(query.entry)
    if "id" in entry:
        return _known(access, query, entry["id"])
    if "ssm" in entry:
        return _parameter(access, query, entry["ssm"])
    if "name" in entry:
        return _newest(access, query, entry.get("owner", "self"), entry["name"])
    row: Mapping[str, Any] | None = catalog.table("images").get(query.alias)
    if entry or row is None:
        return None
    word = row["arch"][query.arch]
    told = _parameter(access, query, row["ssm"].format(arch=word)) if row["ssm"] else None
    return told or _newest(access, query, row["owner"], row["name"].format(arch=word))


def _known(access: Access, query: ImageQuery, image: str) -> str | None:
    try:
        answer = access.client("ec2", query.region).describe_images(ImageIds=[image])
    except Exception as error:
        if error_code(error) in NO_SUCH_IMAGE:
            return None
        raise
    return image if answer["Images"] else None


def _parameter(access: Access, query: ImageQuery, name: str) -> str | None:
    try:
        answer = access.client("ssm", query.region).get_parameter(Name=name)
    except Exception as error:
        if error_code(error) in NOT_TOLD:
            return None
        raise
    return _known(access, query, str(answer["Parameter"]["Value"]))


def _newest(access: Access, query: ImageQuery, owner: str, pattern: str) -> str | None:
    wanted = {
        "name": pattern,
        "architecture": ARCHITECTURE[query.arch],
        "state": "available",
        "virtualization-type": "hvm",
        "root-device-type": "ebs",
    }
    pages = (
        access.client("ec2", query.region)
        .get_paginator("describe_images")
        .paginate(
            Owners=[owner],
            Filters=[{"Name": name, "Values": [value]} for name, value in wanted.items()],
        )
    )
    images = [image for page in pages for image in page["Images"]]
    # Some publishers put the date into the name and upload old releases again: the date decides.
    newest = max(images, key=lambda image: (image.get("CreationDate") or "", image["Name"]), default=None)
    return str(newest["ImageId"]) if newest else None
