"""Where the right to ask Azure comes from, chosen as the provider chooses it.

A connection names its account (`subscription`, `tenant`, `client_id`) and the way to sign in (`auth`:
cli, oidc, msi or env), never a secret. `env` maps variables the provider reads to those the user has.
Without `auth` the ARM_* variables decide, and without those the Azure CLI.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from mcis_iac.errors import CredentialsError, OperationError
from mcis_iac.model import Connection

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

INSTALL = "pip install 'mcis-iac[azure]'"
ENDPOINTS = {
    "public": "https://management.azure.com",
    "usgovernment": "https://management.usgovcloudapi.net",
    "china": "https://management.chinacloudapi.cn",
}
AUTHORITIES = {
    "public": "https://login.microsoftonline.com",
    "usgovernment": "https://login.microsoftonline.us",
    "china": "https://login.chinacloudapi.cn",
}
# Ours if set, else what GitHub gives its jobs.
REQUEST_TOKEN = ("ARM_OIDC_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
REQUEST_URL = ("ARM_OIDC_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_URL")
AUDIENCE = "api://AzureADTokenExchange"
TIMEOUT_S = 30


def variable(connection: Connection, *names: str) -> str | None:
    """The first of those variables that is set, each under the name the connection has for it."""
    mapping = connection.settings.get("env") or {}
    return next(filter(None, (os.environ.get(str(mapping.get(name, name))) for name in names)), None)


def environment(connection: Connection) -> str:
    """Which Azure it is: public, usgovernment or china."""
    return str(connection.settings.get("environment", "public"))


def endpoint(connection: Connection) -> str:
    """Where the Resource Manager is, without a slash at the end."""
    named = variable(connection, "ARM_RESOURCE_MANAGER_ENDPOINT")
    return (named or ENDPOINTS.get(environment(connection), ENDPOINTS["public"])).rstrip("/")


def scope(connection: Connection) -> str:
    """What a token must be for."""
    audience = variable(connection, "ARM_RESOURCE_MANAGER_AUDIENCE")
    return f"{audience or ENDPOINTS.get(environment(connection), ENDPOINTS['public'])}/.default"


def way(connection: Connection) -> str:
    """How to sign in: cli, oidc, msi or env."""
    if connection.settings.get("auth"):
        return str(connection.settings["auth"])
    if variable(connection, "ARM_USE_OIDC") == "true":
        return "oidc"
    if variable(connection, "ARM_CLIENT_SECRET", "ARM_CLIENT_CERTIFICATE_PATH"):
        return "env"
    return "msi" if variable(connection, "ARM_USE_MSI") == "true" else "cli"


def credential(connection: Connection) -> TokenCredential:
    """What gives tokens; CredentialsError when something it needs is not there."""
    try:
        from azure import identity
    except ImportError as error:
        raise OperationError(
            summary="Azure's library is not installed",
            detail=f"{connection.name}: {error}",
            hint=INSTALL,
        ) from error
    # The library also logs what it raises, and a log nobody set up goes to the screen.
    logging.getLogger("azure").addHandler(logging.NullHandler())
    tenant, client = _account(connection)
    authority = variable(connection, "ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST")
    authority = authority or AUTHORITIES.get(environment(connection), AUTHORITIES["public"])
    chosen = way(connection)
    if chosen == "cli":
        return identity.AzureCliCredential(tenant_id=tenant or "", process_timeout=TIMEOUT_S)
    if chosen == "msi":
        return identity.ManagedIdentityCredential(client_id=client)
    if not tenant or not client:
        raise _missing(connection, "tenant and client id", "ARM_TENANT_ID and ARM_CLIENT_ID")
    if chosen == "oidc":
        assertion = _assertion(connection)
        return identity.ClientAssertionCredential(tenant, client, assertion, authority=authority)
    secret = variable(connection, "ARM_CLIENT_SECRET")
    if secret:
        return identity.ClientSecretCredential(tenant, client, secret, authority=authority)
    path = variable(connection, "ARM_CLIENT_CERTIFICATE_PATH")
    if not path:
        raise _missing(connection, "client secret", "ARM_CLIENT_SECRET or ARM_CLIENT_CERTIFICATE_PATH")
    password = variable(connection, "ARM_CLIENT_CERTIFICATE_PASSWORD")
    return identity.CertificateCredential(tenant, client, path, password=password, authority=authority)


def _account(connection: Connection) -> tuple[str | None, str | None]:
    settings = connection.settings
    tenant = settings.get("tenant") or variable(connection, "ARM_TENANT_ID")
    client = settings.get("client_id") or variable(connection, "ARM_CLIENT_ID")
    return (str(tenant) if tenant else None, str(client) if client else None)


def _missing(connection: Connection, what: str, names: str) -> CredentialsError:
    return CredentialsError(
        summary="no access to Azure",
        detail=f"{connection.name}: no {what} to sign in with ({way(connection)})",
        hint=f"set {names}, or sign in with `az login` and set `auth: cli`",
    )


# ---------------------------------------------------------------- workload identity


def _assertion(connection: Connection) -> Callable[[], str]:
    """What gives the token of the platform this runs on, asked again whenever it is needed."""
    token = variable(connection, "ARM_OIDC_TOKEN")
    if token:
        return lambda: token
    path = variable(connection, "ARM_OIDC_TOKEN_FILE_PATH", "AZURE_FEDERATED_TOKEN_FILE")
    if path:
        return lambda: Path(path).read_text(encoding="utf-8").strip()
    bearer, url = variable(connection, *REQUEST_TOKEN), variable(connection, *REQUEST_URL)
    if not bearer or not url:
        raise _missing(connection, "OIDC token", "ARM_OIDC_TOKEN or ARM_OIDC_TOKEN_FILE_PATH")
    return lambda: _requested(url, bearer)


def _requested(url: str, bearer: str) -> str:
    joiner = "&" if "?" in url else "?"
    wanted = Request(f"{url}{joiner}audience={AUDIENCE}", headers={"Authorization": f"Bearer {bearer}"})
    with urlopen(wanted, timeout=TIMEOUT_S) as answer:
        return str(json.load(answer)["value"])


# ---------------------------------------------------------------- subscription


def subscription(connection: Connection) -> str | None:
    """The subscription the connection or its variables name, for `cli` else the CLI's own choice."""
    named = connection.settings.get("subscription") or variable(connection, "ARM_SUBSCRIPTION_ID")
    if named or way(connection) != "cli":
        return str(named) if named else None
    folder = Path(os.environ.get("AZURE_CONFIG_DIR") or Path("~/.azure").expanduser())
    try:
        profile = json.loads((folder / "azureProfile.json").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    found = (row.get("id") for row in profile.get("subscriptions", ()) if row.get("isDefault"))
    return next(found, None)
