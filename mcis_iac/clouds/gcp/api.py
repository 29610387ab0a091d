"""Google's Compute and Resource Manager APIs as JSON over HTTPS, with google-auth's own session.

The generated client library takes two seconds to import, because it holds a type for everything there
is; the few calls made here are plain requests. Errors become CredentialsError or OperationError here
and nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Self
from urllib.parse import urlsplit

from mcis_iac.clouds.common.power import Busy, later, pause_s
from mcis_iac.clouds.common.together import WORKERS
from mcis_iac.clouds.gcp import credentials
from mcis_iac.errors import CredentialsError, McisError, OperationError
from mcis_iac.model import Connection

COMPUTE = ("GOOGLE_COMPUTE_CUSTOM_ENDPOINT", "https://compute.googleapis.com/compute/v1/")
RESOURCES = ("GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT", "https://cloudresourcemanager.googleapis.com/v1/")
TIMEOUT_S = 60
# The longest the API waits in one call for an operation is two minutes.
WAIT_TIMEOUT_S = 150
RETRIES = 4
AGAIN = (429, 500, 502, 503, 504)
UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, CONFLICT = 401, 403, 404, 409
ERRORS_FROM = 400
BUSY = ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded")
# Another operation is at work on the same thing; quotaExceeded is here the quota of requests.
PASSING = (*BUSY, "resourceNotReady", "resourceInUseByAnotherResource", "operationInProgress")

Json = Mapping[str, Any]


class NotThere(OperationError):
    """What was asked for does not exist."""


@dataclass(frozen=True, slots=True)
class Scoped:
    """One entry of an aggregated list; `item` None = the place `scope` could not be asked."""

    scope: str
    item: Json | None


class Api:
    """The calls of one connection. A context manager: leaving it closes its connections."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._credentials, own_project = credentials.load(connection)
        self._project = credentials.project(connection) or own_project
        self._session = _session(self._credentials)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    @property
    def project(self) -> str:
        """The connection's project; CredentialsError when nobody names one."""
        if not self._project:
            raise CredentialsError(
                summary="no project for Google Cloud",
                detail=f"connection `{self.connection.name}` does not say in which project",
                hint=f"connections.{self.connection.name}.project, or the variable {credentials.PROJECTS[0]}",
            )
        return self._project

    def get(self, path: str, **params: str) -> Json:
        """One thing of the Compute API by its path; NotThere if there is none."""
        return self._send("GET", self._url(COMPUTE, path), params=params)

    def pages(self, path: str, **params: str) -> Iterator[Json]:
        """Every answer of a list, page by page."""
        token: str | None = None
        while token is None or token:
            page = self.get(path, **params, **({"pageToken": token} if token else {}))
            yield page
            token = page.get("nextPageToken", "")

    def listed(self, path: str, **params: str) -> Iterator[Json]:
        """Every item of a list."""
        for page in self.pages(path, **params):
            yield from page.get("items", ())

    def aggregated(self, project: str, kind: str, **params: str) -> Iterator[Scoped]:
        """Every `kind` of a project in all its zones or regions, those that are down aside."""
        path = f"projects/{project}/aggregated/{kind}"
        for page in self.pages(path, returnPartialSuccess="true", **params):
            for scope, content in page.get("items", {}).items():
                yield from (Scoped(scope, item) for item in content.get(kind, ()))
                if content.get("warning", {}).get("code") == "UNREACHABLE":
                    yield Scoped(scope, None)
            yield from (Scoped(scope, None) for scope in page.get("unreachables", ()))

    def post(self, path: str, **params: str) -> Json:
        """Begin to do something to a thing: the operation. Busy while another one is at work on it."""
        return self._send("POST", self._url(COMPUTE, path), params=params)

    def delete(self, path: str) -> Json | None:
        """Begin to delete a thing: the operation, or None when it is gone already."""
        try:
            return self._send("DELETE", self._url(COMPUTE, path))
        except NotThere:
            return None

    def wait(self, operation: Json) -> None:
        """Until an operation is done; OperationError if it failed."""
        path = relative(operation["selfLink"])
        while operation.get("status") != "DONE":
            url = self._url(COMPUTE, f"{path}/wait")
            operation = self._send("POST", url, timeout=WAIT_TIMEOUT_S)
        check(operation)

    def settled(self, operation: Json, within_s: float) -> None:
        """Look at an operation for a while; OperationError if it failed by then."""
        path, deadline = relative(operation["selfLink"]), time.monotonic() + within_s
        for attempt in count():
            check(operation)
            pause = pause_s(attempt)
            if operation.get("status") == "DONE" or time.monotonic() + pause > deadline:
                return
            time.sleep(pause)
            operation = self.get(path)

    def allowed(self, permissions: list[str]) -> frozenset[str]:
        """Which of the permissions the credentials have in the project."""
        url = self._url(RESOURCES, f"projects/{self.project}:testIamPermissions")
        answer = self._send("POST", url, json={"permissions": permissions})
        return frozenset(answer.get("permissions", ()))

    def _url(self, service: tuple[str, str], path: str) -> str:
        base = credentials.variable(self.connection, service[:1]) or service[1]
        return f"{base.rstrip('/')}/{path}"

    def _send(self, method: str, url: str, *, timeout: int = TIMEOUT_S, **arguments: Any) -> Json:
        import google.auth.exceptions as refused
        import requests

        try:
            answer = self._session.request(method, url, timeout=timeout, **arguments)
        except (requests.RequestException, refused.TransportError) as problem:
            raise OperationError(
                summary="Google Cloud does not answer",
                detail=f"{urlsplit(url).netloc}: {problem}",
                hint="try again; is the network up, and does a proxy need to be set?",
            ) from problem
        except refused.GoogleAuthError as problem:
            raise self._no_login(credentials.spent(self.connection) or str(problem)) from problem
        content = _json(answer)
        if answer.status_code >= ERRORS_FROM:
            raise self._problem(answer, content)
        return content

    def _no_login(self, detail: str) -> CredentialsError:
        return CredentialsError(
            summary="Google Cloud does not accept the credentials",
            detail=f"connection `{self.connection.name}`: {detail}",
            hint=credentials.LOGIN,
        )

    def _problem(self, answer: Any, content: Json) -> McisError:
        status, error = answer.status_code, content.get("error")
        error = error if isinstance(error, Mapping) else {}
        detail = str(error.get("message") or f"{status} {answer.reason}")
        reasons = {str(each.get("reason")) for each in error.get("errors", ())}
        if status == UNAUTHENTICATED:
            return self._no_login(detail)
        if status == NOT_FOUND:
            return NotThere(summary="Google Cloud does not have it", detail=detail)
        if status == FORBIDDEN and reasons.isdisjoint(BUSY):
            disabled = "accessNotConfigured" in reasons
            return CredentialsError(
                summary="Google Cloud does not allow it",
                detail=detail,
                hint=f"gcloud services enable compute.googleapis.com --project {self._project or 'PROJECT'}"
                if disabled
                else f"mcis doctor gcp shows which permissions connection `{self.connection.name}` lacks",
            )
        refused = "Google Cloud refused a request"
        if status == CONFLICT or (status not in AGAIN and not reasons.isdisjoint(PASSING)):
            after_s = later(answer.headers.get("Retry-After"))
            return Busy(summary=refused, detail=detail, after_s=after_s)
        return OperationError(summary=refused, detail=detail)


def check(operation: Json) -> None:
    """OperationError if it failed."""
    errors = operation.get("error", {}).get("errors", ())
    if errors:
        raise OperationError(
            summary="Google Cloud could not do it",
            detail="; ".join(f"{each.get('code')}: {each.get('message')}" for each in errors),
        )


def relative(link: str) -> str:
    """`projects/...` of a full link; of what is relative already, itself."""
    _, found, rest = link.partition("/projects/")
    return f"projects/{rest}" if found else link


def _json(answer: Any) -> Json:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, Mapping) else {}


def _session(found: Any) -> Any:
    from google.auth.transport.requests import AuthorizedSession
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    make: Callable[..., Any] = AuthorizedSession
    session = make(found)
    retry = Retry(
        total=RETRIES,
        backoff_factor=0.5,
        backoff_jitter=0.5,
        status_forcelist=AGAIN,
        allowed_methods=None,  # the few calls that are no questions may be repeated, too
        raise_on_status=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=WORKERS))
    return session
