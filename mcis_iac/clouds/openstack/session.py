"""Talking to an OpenStack through its SDK, and saying its refusals in our own terms.

Credentials are where OpenStack's own tools look for them: `clouds.yaml` or OS_* variables; with `env`
in the connection, variables of another name. They are never kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from mcis_iac.clouds.common.power import Busy, later, patiently
from mcis_iac.errors import CredentialsError, McisError, OperationError
from mcis_iac.model import Connection

PREFIX = "OS_"
TIMEOUT_S = 60
REFUSED = (401, 403)
# Too often, or the cloud's own trouble.
AGAIN = frozenset({429, 500, 502, 503, 504})
Result = TypeVar("Result")


@contextmanager
def opened(connection: Connection, region: str | None = None) -> Iterator[Any]:
    """The SDK's connection to a region (None = the default one).

    Raises CredentialsError when there are no credentials or they are refused, OperationError for
    whatever else the cloud does not do.
    """
    try:
        import openstack
    except ImportError as error:
        raise OperationError(
            summary="the OpenStack SDK is not installed",
            detail=str(error),
            hint="pip install 'mcis-iac[openstack]'",
        ) from error
    with translating(connection):
        cloud = openstack.connect(**_words(connection, region))
        try:
            yield cloud
        finally:
            cloud.close()


@contextmanager
def translating(connection: Connection) -> Iterator[None]:
    """What the SDK raises in the block becomes an error of ours."""
    try:
        yield
    except McisError:
        raise
    except Exception as error:
        raise _translated(connection, error) from error


def patient(connection: Connection, call: Callable[[], Result]) -> Result:
    """What a call gives that is repeated while the cloud is too busy or broken; errors are ours."""

    def once() -> Result:
        try:
            with translating(connection):
                return call()
        except OperationError as error:
            if status(error) not in AGAIN:
                raise
            headers = getattr(getattr(error.__cause__, "response", None), "headers", None) or {}
            after_s = later(headers.get("Retry-After"))
            raise Busy(
                summary=error.summary, detail=error.detail, hint=error.hint, after_s=after_s
            ) from error

    return patiently(once)


def status(error: McisError) -> int | None:
    """The HTTP status that an error of ours is about."""
    cause = error.__cause__
    return getattr(cause, "status_code", None) or getattr(cause, "http_status", None)


def regions(cloud: Any, connection: Connection) -> list[str]:
    """The regions with machines in them, by the catalogue of services; sorted."""
    access = getattr(cloud.session.auth, "get_access", None)
    catalogue = access(cloud.session).service_catalog.normalize_catalog() if access else ()
    found = {
        endpoint["region_id"] or endpoint["region"]
        for service in catalogue
        if service["type"] == "compute"
        for endpoint in service["endpoints"]
    }
    given = connection.settings.get("region") or cloud.config.region_name
    return sorted(name for name in found or {given} if name)


def _translated(connection: Connection, error: Exception) -> McisError:
    """An error of the SDK as ours, with the cloud's own words as the detail."""
    from keystoneauth1 import exceptions as keystone
    from openstack import exceptions as sdk

    detail = f"{connection.name}: {_said(error)}"
    status = getattr(error, "status_code", None) or getattr(error, "http_status", None)
    no_way_in = (keystone.MissingRequiredOptions, keystone.AuthPluginException, sdk.ConfigException)
    if isinstance(error, no_way_in) or status in REFUSED or isinstance(error, _NoVariable):
        where = connection.settings.get("os_cloud")
        return CredentialsError(
            summary="OpenStack refused the credentials or found none",
            detail=detail,
            hint=f"check {f'cloud `{where}` in clouds.yaml' if where else 'OS_CLOUD or the OS_* variables'}"
            "; `openstack token issue` must work",
        )
    known = (keystone.ClientException, sdk.SDKException, OSError)
    if not isinstance(error, known):
        raise error
    return OperationError(
        summary="OpenStack did not do what was asked",
        detail=detail,
        hint=f"mcis doctor {connection.cloud} looks at what it offers",
    )


class _NoVariable(Exception):
    """A variable that the connection names is not set."""


def _words(connection: Connection, region: str | None) -> dict[str, Any]:
    given = connection.settings
    words: dict[str, Any] = {"api_timeout": TIMEOUT_S, "app_name": "mcis-iac", **dict(_mapped(connection))}
    if given.get("os_cloud") is not None:
        words["cloud"] = str(given["os_cloud"])
    elif _application_credential(words):
        words["auth_type"] = "v3applicationcredential"
    region = region or given.get("region")
    if region is not None:
        words["region_name"] = region
    return words


def _application_credential(words: Mapping[str, Any]) -> bool:
    """Whether the variables are of that kind and do not say so, which the provider does not ask for."""
    if "OS_CLOUD" in os.environ or {"cloud", "auth_type"} & words.keys() or "OS_AUTH_TYPE" in os.environ:
        return False
    return "application_credential_secret" in words or "OS_APPLICATION_CREDENTIAL_SECRET" in os.environ


def _mapped(connection: Connection) -> Iterator[tuple[str, str]]:
    """The values of the user's variables, by the SDK's names for what they stand for."""
    for theirs, ours in (connection.settings.get("env") or {}).items():
        value = os.environ.get(str(ours))
        if value is None:
            problem = f"the variable {ours} is not set, which stands for {theirs}"
            raise _NoVariable(problem)
        if str(theirs).startswith(PREFIX):
            yield str(theirs).removeprefix(PREFIX).lower(), value


def _said(error: Exception) -> str:
    """The error's own words on one line, with the id the operator finds the request by."""
    text = " ".join(str(error).split())
    request = getattr(error, "request_id", None)
    return f"{text} [{request}]" if request and request not in text else text
