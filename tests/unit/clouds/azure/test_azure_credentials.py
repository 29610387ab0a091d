"""How mcis signs in to Azure: chosen by the connection and its variables, as the provider does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mcis_iac.clouds.azure import credentials
from mcis_iac.errors import CredentialsError
from mcis_iac.model import Connection


@pytest.fixture(autouse=True)
def _nobody_is_signed_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("ARM_", "AZURE_", "ACTIONS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path))


def a_connection(**settings: Any) -> Connection:
    return Connection(name="azure", cloud="azure", settings=settings)


@pytest.mark.parametrize(
    ("variables", "way"),
    [
        ({}, "cli"),
        ({"ARM_CLIENT_SECRET": "x"}, "env"),
        ({"ARM_CLIENT_CERTIFICATE_PATH": "x"}, "env"),
        ({"ARM_USE_MSI": "true"}, "msi"),
        ({"ARM_USE_MSI": "false"}, "cli"),
        ({"ARM_USE_OIDC": "true", "ARM_CLIENT_SECRET": "x"}, "oidc"),
    ],
)
def test_variables_decide_when_the_connection_does_not(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], way: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert credentials.way(a_connection()) == way
    assert credentials.way(a_connection(auth="msi")) == "msi"


def test_a_variable_has_the_name_the_connection_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRET", "mine")
    shop = a_connection(env={"ARM_CLIENT_SECRET": "SHOP_SECRET"})
    assert credentials.variable(shop, "ARM_CLIENT_SECRET") == "mine"
    assert credentials.way(shop) == "env" and credentials.way(a_connection()) == "cli"


@pytest.mark.process  # urllib3, which Azure's library loads, tries a socket when it is imported
@pytest.mark.parametrize(
    ("auth", "kind"),
    [
        ("cli", "AzureCliCredential"),
        ("msi", "ManagedIdentityCredential"),
        ("env", "ClientSecretCredential"),
        ("oidc", "ClientAssertionCredential"),
    ],
)
def test_every_way_has_its_credential(monkeypatch: pytest.MonkeyPatch, auth: str, kind: str) -> None:
    monkeypatch.setenv("ARM_CLIENT_SECRET", "s")
    monkeypatch.setenv("ARM_OIDC_TOKEN", "t")
    found = credentials.credential(a_connection(auth=auth, tenant="a.example", client_id="c"))
    assert type(found).__name__ == kind


@pytest.mark.process  # as above
@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"auth": "env"}, "tenant and client id"),
        ({"auth": "env", "tenant": "t", "client_id": "c"}, "client secret"),
        ({"auth": "oidc", "tenant": "t", "client_id": "c"}, "OIDC token"),
    ],
)
def test_what_is_missing_is_named(settings: dict[str, str], missing: str) -> None:
    with pytest.raises(CredentialsError, match=missing) as refused:
        credentials.credential(a_connection(**settings))
    assert refused.value.exit_code == 3 and "ARM_" in refused.value.hint


def test_the_cli_knows_its_own_subscription(tmp_path: Path) -> None:
    rows = [{"id": "a", "isDefault": False}, {"id": "b", "isDefault": True}]
    text = "\ufeff" + json.dumps({"subscriptions": rows})
    (tmp_path / "azureProfile.json").write_text(text, encoding="utf-8")
    assert credentials.subscription(a_connection()) == "b"
    assert credentials.subscription(a_connection(subscription="mine")) == "mine"
    assert credentials.subscription(a_connection(auth="msi")) is None


@pytest.mark.parametrize("text", ["", "{", "{}", '{"subscriptions": []}'])
def test_a_cli_nobody_signed_in_with_names_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "azureProfile.json").write_text(text, encoding="utf-8")
    assert credentials.subscription(a_connection()) is None


def test_other_azures_have_other_addresses() -> None:
    china = a_connection(environment="china")
    assert credentials.endpoint(china) == "https://management.chinacloudapi.cn"
    assert credentials.scope(china) == "https://management.chinacloudapi.cn/.default"
    assert credentials.endpoint(a_connection()) == "https://management.azure.com"
