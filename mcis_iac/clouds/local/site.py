"""Opening the site of a connection, and saying its refusals in our own terms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcis_iac.errors import OperationError
from mcis_iac.model import Connection

if TYPE_CHECKING:
    from mcis_iac.local_cloud.api import CloudApi


@contextmanager
def translated(connection: Connection) -> Iterator[CloudApi]:
    """The cloud behind a connection; whatever it refuses becomes an OperationError."""
    from mcis_iac.local_cloud.cloud import LocalCloud
    from mcis_iac.local_cloud.types import LocalCloudError

    settings = connection.settings
    try:
        site, backend = settings.get("site", "default"), settings.get("backend", "auto")
        with LocalCloud.open(str(site), str(backend)) as cloud:
            yield cloud
    except LocalCloudError as error:
        raise OperationError(
            summary="the local cloud refused",
            detail=f"{connection.name}: {error.message}",
            hint="mcis doctor says what this machine can do; mcis-local ls shows what exists",
        ) from error
