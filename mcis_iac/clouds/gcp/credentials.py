"""Where a connection's credentials come from, looked for in the same places as the provider looks.

In this order: an access token, the connection's file, credentials in the environment (a path or the
text itself), and what Google's own tools use. Nothing here is ever written down or shown.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mcis_iac.errors import CredentialsError, OperationError
from mcis_iac.model import Connection

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
TOKEN = "GOOGLE_OAUTH_ACCESS_TOKEN"
KEYS = ("GOOGLE_CREDENTIALS", "GOOGLE_CLOUD_KEYFILE_JSON", "GCLOUD_KEYFILE_JSON")
ADC = "GOOGLE_APPLICATION_CREDENTIALS"
IMPERSONATE = "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"
PROJECTS = ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")
LOGIN = "gcloud auth application-default login, or name a key with `credentials_file`"


def variable(connection: Connection, names: Iterable[str]) -> str | None:
    """The first of the variables that is set, under the names the connection gives them."""
    ours = connection.settings.get("env", {})
    for name in names:
        found = os.environ.get(str(ours.get(name, name)))
        if found:
            return found
    return None


def project(connection: Connection) -> str | None:
    """The project the connection or the environment names."""
    named = connection.settings.get("project")
    return str(named) if named else variable(connection, PROJECTS)


def source(connection: Connection) -> str:
    """Where the credentials come from, in words for people."""
    settings = connection.settings
    if variable(connection, (TOKEN,)):
        found = "an access token"
    elif "credentials_file" in settings:
        found = str(settings["credentials_file"])
    elif variable(connection, KEYS):
        found = "credentials in the environment"
    else:
        found = "application default credentials"
    account = impersonated(connection)
    return f"{found}, as {account}" if account else found


def spent(connection: Connection) -> str | None:
    """What is wrong when the login is no good any more and is only a token, which nobody can renew."""
    if not variable(connection, (TOKEN,)) or impersonated(connection):
        return None
    ours = str(connection.settings.get("env", {}).get(TOKEN, TOKEN))
    return f"the access token in {ours} has expired or is not valid; such a token is good for an hour"


def impersonated(connection: Connection) -> str | None:
    """The service account to act as, if any."""
    named = connection.settings.get("impersonate")
    return str(named) if named else variable(connection, (IMPERSONATE,))


def load(connection: Connection) -> tuple[Any, str | None]:
    """Credentials of google-auth and the project that comes with them; asks nobody yet.

    CredentialsError when there are none or they cannot be read.
    """
    try:
        import google.auth.exceptions as refused
        import google.auth.transport.requests  # noqa: F401 - the session needs it
    except ImportError as missing:
        raise OperationError(
            summary="Google's package is not installed",
            detail=str(missing),
            hint="pip install 'mcis-iac[gcp]'",
        ) from missing
    try:
        found, own_project = _plain(connection)
    except (refused.GoogleAuthError, OSError, ValueError) as problem:
        raise CredentialsError(
            summary="no credentials for Google Cloud",
            detail=f"connection `{connection.name}`: {problem}",
            hint=LOGIN,
        ) from problem
    account = impersonated(connection)
    return (_acting_as(account, found) if account else found), own_project


def _acting_as(account: str, own: Any) -> Any:
    from google.auth import impersonated_credentials

    make: Callable[..., Any] = impersonated_credentials.Credentials
    return make(source_credentials=own, target_principal=account, target_scopes=list(SCOPES))


def _plain(connection: Connection) -> tuple[Any, str | None]:
    import google.auth
    from google.oauth2.credentials import Credentials

    token = variable(connection, (TOKEN,))
    if token:
        make: Callable[..., Any] = Credentials
        return make(token=token), None
    named = connection.settings.get("credentials_file")
    text = str(named) if named else variable(connection, KEYS) or _renamed(connection)
    if text is None:
        found: tuple[Any, str | None] = google.auth.default(scopes=SCOPES)
        return found
    if not text.lstrip().startswith("{"):
        text = Path(text).expanduser().read_text(encoding="utf-8")
    with warnings.catch_warnings():
        # The warning is about files from strangers; this one the user named.
        warnings.simplefilter("ignore", DeprecationWarning)
        read: Callable[..., tuple[Any, str | None]] = google.auth.load_credentials_from_dict
        return read(json.loads(text), scopes=SCOPES)


def _renamed(connection: Connection) -> str | None:
    """The file of the default credentials where the connection has another variable for it."""
    ours = connection.settings.get("env", {})
    return variable(connection, (ADC,)) if ADC in ours else None
