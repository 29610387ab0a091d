"""Asking AWS: clients made of a connection's settings, and its refusals in our own terms.

The settings say where credentials come from and have none: `profile`, `role` (an ARN to assume), and
`env`, which maps variables that AWS's tools read to those the user has. Without settings AWS's own
order of sources applies.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from mcis_iac.clouds.aws.scope import HOME_REGION
from mcis_iac.errors import CredentialsError, McisError, OperationError
from mcis_iac.model import Connection

MISSING_SDK = "pip install 'mcis-iac[aws]'"
REFUSED = frozenset(
    {
        "AuthFailure", "UnauthorizedOperation", "AccessDenied", "AccessDeniedException",
        "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException",
        "RequestExpired", "OptInRequired", "UnrecognizedClientException", "InvalidAccessKeyId",
        "MissingAuthenticationToken",
    }
)  # fmt: skip
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
WITHOUT_CREDENTIALS = frozenset(
    {
        "NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "CredentialRetrievalError",
        "SSOTokenLoadError", "UnauthorizedSSOTokenError", "TokenRetrievalError", "SSOError",
    }
)  # fmt: skip
# What boto3 calls the parts of a key, by the variables they come from.
KEY_PARTS = {
    "AWS_ACCESS_KEY_ID": "aws_access_key_id",
    "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
    "AWS_SESSION_TOKEN": "aws_session_token",
}


@contextmanager
def translated(connection: Connection) -> Iterator[None]:
    """Whatever the SDK raises becomes a CredentialsError or an OperationError."""
    try:
        yield
    except McisError:
        raise
    except ImportError as error:
        raise OperationError(
            summary="AWS's library is not installed",
            detail=f"{connection.name}: {error}",
            hint=MISSING_SDK,
        ) from error
    except Exception as error:
        if not type(error).__module__.startswith(("botocore", "boto3")):
            raise
        raise _ours(connection, error) from error


def _ours(connection: Connection, error: Exception) -> McisError:
    code = error_code(error)
    without = type(error).__name__ in WITHOUT_CREDENTIALS
    detail = f"{connection.name}: {str(error).strip()}"
    if _is_silence(error):
        hint = "check the network and the proxy settings, then repeat"
        return OperationError(summary="AWS does not answer", detail=detail, hint=hint)
    if not without and code not in REFUSED:
        return OperationError(summary="AWS refused", detail=detail, hint="mcis doctor aws says what is wrong")
    if code in EXPIRED:
        hint = "sign in again (aws sso login, or new keys)"
    elif without:
        hint = "name a profile in the connection, sign in with aws sso login, or set AWS_ACCESS_KEY_ID"
    else:
        hint = "mcis doctor aws says which permission is missing"
    return CredentialsError(summary="no access to AWS", detail=detail, hint=hint)


def _is_silence(error: Exception) -> bool:
    """Whether nobody was reached, or the line was cut."""
    from botocore import exceptions as theirs

    return isinstance(error, theirs.ConnectionError | theirs.HTTPClientError)


def error_code(error: Exception) -> str:
    """AWS's own code of an error; "" when it has none."""
    response: Any = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


class Access:
    """Clients for one connection, one per service and region."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.home = str(connection.settings.get("region", HOME_REGION))
        self._clients: dict[tuple[str, str], Any] = {}
        with translated(connection):
            self._session = _session(connection, self.home)

    def client(self, service: str, region: str | None = None) -> Any:
        """A client; call it inside `translated`."""
        place = (service, region or self.home)
        if place not in self._clients:
            self._clients[place] = self._session.client(service, region_name=place[1], config=_config())
        return self._clients[place]

    def regions(self) -> Sequence[str]:
        """The regions the account can use."""
        found = self.client("ec2").describe_regions(AllRegions=False)["Regions"]
        return sorted(region["RegionName"] for region in found)


@cache
def _config() -> Any:
    from botocore.config import Config

    # EC2 throttles by account and region; waiting is cheaper than failing.
    return Config(
        retries={"mode": "adaptive", "max_attempts": 5},
        connect_timeout=10,
        read_timeout=30,
        user_agent_extra="mcis-iac",
    )


def _session(connection: Connection, region: str) -> Any:
    import boto3

    settings = connection.settings
    mapped = _mapped(connection)
    given: dict[str, Any] = {KEY_PARTS[name]: value for name, value in mapped.items() if name in KEY_PARTS}
    profile = settings.get("profile") or mapped.get("AWS_PROFILE")
    if profile:
        given["profile_name"] = str(profile)
    session = boto3.Session(botocore_session=_core(), region_name=region, **given)
    role = settings.get("role") or mapped.get("AWS_ROLE_ARN")
    return _assumed(session, str(role), region) if role else session


@cache
def _loader() -> Any:
    import botocore.session

    return botocore.session.get_session().get_component("data_loader")


def _core() -> Any:
    """A session that shares what is read of the services: that takes ten times as long as all the rest."""
    import botocore.session

    core = botocore.session.get_session()
    core.register_component("data_loader", _loader())
    return core


def _mapped(connection: Connection) -> dict[str, str]:
    """The values of the variables that `env` names, under the names AWS knows."""
    found: dict[str, str] = {}
    for theirs, ours in dict(connection.settings.get("env") or {}).items():
        if str(ours) not in os.environ:
            raise CredentialsError(
                summary="no access to AWS",
                detail=f"{connection.name}: the variable {ours} is not set, which stands for {theirs}",
                hint=f"set {ours}, or change `env` of connection {connection.name}",
            )
        found[str(theirs)] = os.environ[str(ours)]
    return found


def _assumed(session: Any, role: str, region: str) -> Any:
    import boto3

    answer = session.client("sts", config=_config()).assume_role(RoleArn=role, RoleSessionName="mcis")
    keys = answer["Credentials"]
    return boto3.Session(
        botocore_session=_core(),
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=region,
    )
