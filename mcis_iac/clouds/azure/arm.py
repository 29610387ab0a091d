"""Azure Resource Manager as JSON over HTTPS, with the retries and tokens of Azure's core library.

The management libraries have a package per service and take seconds to import; the few calls made here
are plain requests. Errors become CredentialsError or OperationError here and nowhere else.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

from mcis_iac.clouds.azure import credentials
from mcis_iac.clouds.common.power import Busy
from mcis_iac.errors import CredentialsError, McisError, OperationError
from mcis_iac.model import Connection

# Versions of the API by service, as the provider package has them where it uses the same.
VERSIONS: Mapping[str, str] = {
    "microsoft.compute": "2024-11-01",
    "microsoft.compute/disks": "2024-03-02",
    "microsoft.compute/skus": "2021-07-01",
    "microsoft.network": "2024-05-01",
    "microsoft.resources": "2022-12-01",
}
TIMEOUT_S = 60
DONE_WITHIN_S = 3_600
POLL_S = 10
RETRIES = 5
BACKOFF_S = 0.8
SPREAD_S = 0.3
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
ACCEPTED, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, CONFLICT, ERRORS_FROM = 202, 401, 403, 404, 409, 400
RUNNING = frozenset({"InProgress", "Running", "Accepted", "Creating", "Updating", "Deleting"})

Json = Mapping[str, Any]


class NotThere(OperationError):
    """What was asked for does not exist."""


class Arm:
    """The calls of one connection. A context manager: leaving it closes its connections."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._base = credentials.endpoint(connection)
        self._credential: Any = credentials.credential(connection)
        self._client = _client(connection, self._base, self._credential)
        self._subscription = credentials.subscription(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._credential.close()

    @property
    def subscription(self) -> str:
        """The connection's subscription, the only one there is where none is named."""
        if self._subscription is None:
            found = self.listed("/subscriptions", version=VERSIONS["microsoft.resources"])
            usable = [str(row["subscriptionId"]) for row in found if row.get("state") == "Enabled"]
            if len(usable) != 1:
                raise self._which(usable)
            self._subscription = usable[0]
        return self._subscription

    def _which(self, usable: list[str]) -> CredentialsError:
        seen = f"there are {len(usable)}: {', '.join(usable)}" if usable else "the account sees none"
        return CredentialsError(
            summary="no subscription for Azure",
            detail=f"connection `{self.connection.name}` does not say which subscription, and {seen}",
            hint=f"connections.{self.connection.name}.subscription, or the variable ARM_SUBSCRIPTION_ID",
        )

    def account(self, path: str) -> str:
        """A path inside the subscription."""
        return f"/subscriptions/{self.subscription}/{path}"

    def get(self, path: str, *, version: str, **params: str) -> Any:
        """What is there; NotThere if nothing is."""
        return self._sent("GET", self._url(path), {"api-version": version, **params}).json()

    def listed(self, path: str, *, version: str, **params: str) -> Iterator[Json]:
        """Every item of a list, page by page."""
        page = self.get(path, version=version, **params)
        while True:
            yield from page.get("value", ())
            following = page.get("nextLink")
            if not following:
                return
            page = self._sent("GET", self._url(following), {}).json()

    def post(self, path: str, *, version: str, **params: str) -> Any:
        """Do something to a thing: the answer, whose headers are what to `wait` for when it is accepted.

        Busy while something else is being done to it.
        """
        return self._sent("POST", self._url(path), {"api-version": version, **params})

    def delete(self, path: str, *, version: str) -> Mapping[str, str] | None:
        """Begin to delete a thing: what to `wait` for, or None when it is gone already."""
        try:
            answer = self._sent("DELETE", self._url(path), {"api-version": version})
        except NotThere:
            return None
        return dict(answer.headers) if answer.status_code == ACCEPTED else None

    def wait(self, begun: Mapping[str, str]) -> None:
        """Until an operation is done; OperationError if it failed."""
        if not self.settled(begun, DONE_WITHIN_S):
            minutes = DONE_WITHIN_S // 60
            raise OperationError(
                summary="Azure did not finish in time",
                detail=f"{self.connection.name}: an operation runs for more than {minutes} minutes",
            )

    def settled(self, begun: Mapping[str, str], within_s: float) -> bool:
        """Whether an operation is done by then, asking no more often than Azure wants; as `wait`."""
        headers = {name.lower(): value for name, value in begun.items()}
        status = headers.get("azure-asyncoperation")
        url = self._url(status or headers["location"])
        deadline = time.monotonic() + within_s
        while True:
            pause = float(headers.get("retry-after", POLL_S))
            if time.monotonic() + pause > deadline:
                return False
            time.sleep(pause)
            try:
                answer = self._sent("GET", url, {})
            except NotThere:
                return True
            headers = {name.lower(): value for name, value in answer.headers.items()}
            if self._over(answer, by_status=bool(status)):
                return True

    def _over(self, answer: Any, *, by_status: bool) -> bool:
        if not by_status:
            return bool(answer.status_code != ACCEPTED)
        body = answer.json()
        if body.get("status") in RUNNING:
            return False
        if body.get("status") != "Succeeded":
            raise OperationError(
                summary="Azure could not do it",
                detail=f"{self.connection.name}: {_said(body) or body.get('status')}",
            )
        return True

    def text(self, url: str) -> str:
        """What a signed address outside the API gives; it must not be sent our token. "" if nothing."""
        if urlsplit(url).scheme != "https" and urlsplit(url).hostname not in LOOPBACK:
            return ""
        with translated(self.connection), _plain(url) as client:
            answer = client.send_request(_request("GET", url, {}))
        return "" if answer.status_code >= ERRORS_FROM else str(answer.text("utf-8"))

    # ---------------------------------------------------------- one request

    def _url(self, path: str) -> str:
        # Answers name their next page and their operation by whole addresses; a token goes to one host.
        if path.startswith("/"):
            return f"{self._base}{path}"
        there, ours = urlsplit(path).netloc.lower(), urlsplit(self._base).netloc.lower()
        if there != ours:
            raise OperationError(
                summary="Azure named an unexpected address",
                detail=f"{self.connection.name}: {there} is not {ours}",
            )
        return path

    def _sent(self, method: str, url: str, params: Mapping[str, str]) -> Any:
        loopback = urlsplit(url).hostname in LOOPBACK
        options = {"enforce_https": False} if loopback else {}
        with translated(self.connection):
            answer = self._client.send_request(_request(method, url, params), **options)
        if answer.status_code >= ERRORS_FROM:
            raise self._refused(answer)
        return answer

    def _refused(self, answer: Any) -> McisError:
        try:
            said = _said(answer.json())
        except ValueError:
            said = ""
        detail = f"{self.connection.name}: {said or f'status {answer.status_code}'}"
        if answer.status_code in {UNAUTHENTICATED, FORBIDDEN}:
            return _no_access(detail=detail)
        if answer.status_code == NOT_FOUND:
            return NotThere(summary="not found on Azure", detail=detail)
        if answer.status_code == CONFLICT and "retry-after" not in answer.headers:
            # With a time to wait it has been asked again already.
            return Busy(summary="Azure is busy with it", detail=detail)
        return OperationError(
            summary="Azure refused", detail=detail, hint="mcis doctor azure says what is wrong"
        )


def version(kind: str) -> str:
    """The API version for a type of resource such as `Microsoft.Compute/disks`."""
    low = kind.lower()
    return VERSIONS.get(low) or VERSIONS.get(low.partition("/")[0]) or VERSIONS["microsoft.resources"]


def _said(body: Any) -> str:
    """`code: message` of Azure's error objects."""
    error = body.get("error", {}) if isinstance(body, Mapping) else {}
    if not isinstance(error, Mapping):
        return str(error)
    return ": ".join(str(error[part]) for part in ("code", "message") if error.get(part))


def _no_access(*, detail: str) -> CredentialsError:
    return CredentialsError(
        summary="no access to Azure",
        detail=detail,
        hint="sign in with `az login`, or set the ARM_* variables and `auth` of the connection",
    )


def _request(method: str, url: str, params: Mapping[str, str]) -> Any:
    from azure.core.rest import HttpRequest

    return HttpRequest(method, url, params=dict(params))


def _plain(base: str) -> Any:
    from azure.core import PipelineClient
    from azure.core.pipeline import policies

    steps = [policies.UserAgentPolicy("mcis-iac"), _retrying()]
    return PipelineClient(base, policies=steps, connection_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S)


def _retrying() -> Any:
    from azure.core.pipeline.policies import RetryPolicy

    class Apart(RetryPolicy):  # type: ignore[misc]  # it comes without types
        """Those who were all refused at once do not all come back at once."""

        def sleep(self, *arguments: Any, **options: Any) -> None:
            time.sleep(random.uniform(0, SPREAD_S))
            super().sleep(*arguments, **options)

    return Apart(retry_total=RETRIES, retry_backoff_factor=BACKOFF_S)


def _client(connection: Connection, base: str, credential: Any) -> Any:
    from azure.core import PipelineClient
    from azure.core.pipeline import policies

    # In the order a request goes through them: a repeated one gets a fresh token.
    steps = [
        policies.UserAgentPolicy("mcis-iac"),
        _retrying(),
        policies.BearerTokenCredentialPolicy(credential, credentials.scope(connection)),
    ]
    return PipelineClient(base, policies=steps, connection_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S)


@contextmanager
def translated(connection: Connection) -> Iterator[None]:
    """Whatever the library raises becomes a CredentialsError or an OperationError."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError

    try:
        yield
    except ClientAuthenticationError as error:
        raise _no_access(detail=f"{connection.name}: {_first_line(error)}") from error
    except AzureError as error:
        raise OperationError(
            summary="Azure does not answer",
            detail=f"{connection.name}: {_first_line(error)}",
            hint="check the network and the proxy settings, then repeat",
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
