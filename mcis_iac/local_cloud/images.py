"""What an instance can be made of: the host's own system, or a root file system in a folder."""

from __future__ import annotations

from pathlib import Path

from mcis_iac.local_cloud.types import LocalCloudError

HOST = "host"
DIRECTORY = "dir:"


def check(image: str) -> str:
    """The image as given; LocalCloudError("invalid" or "not_found") when it cannot be booted."""
    if image == HOST:
        return image
    if not image.startswith(DIRECTORY):
        raise LocalCloudError(
            code="invalid", message=f"unknown image {image!r}: use host, or dir:/path/of/a/root/file/system"
        )
    path = Path(image.removeprefix(DIRECTORY))
    if not path.is_absolute():
        raise LocalCloudError(code="invalid", message=f"image {image!r}: the path must be absolute")
    if not (path / "usr").is_dir():
        raise LocalCloudError(
            code="not_found", message=f"image {image!r}: there is no root file system in {path}"
        )
    return image
