"""Databases that hold state: the password goes to the engine beside the URL, which the engine writes down."""

from __future__ import annotations

import pytest

from mcis_iac.engine.environment import apart, inherited, settings


def test_a_password_is_taken_out_of_a_database_url() -> None:
    url, variables = apart("postgres://kim:p%40ss@[::1]:5432/state?sslmode=disable")
    assert url == "postgres://kim@[::1]:5432/state?sslmode=disable"
    assert variables == {"PGPASSWORD": "p@ss"}


@pytest.mark.parametrize("url", ["file:///srv/state", "s3://bucket?region=x", "postgres://kim@db/state"])
def test_a_url_without_a_password_stays_as_it_is(url: str) -> None:
    assert apart(url) == (url, {})


def test_a_database_url_may_have_either_of_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", "/ca.pem")
    assert apart("postgresql://kim:x@db/state") == ("postgres://kim@db/state", {"PGPASSWORD": "x"})
    assert "PGSSLROOTCERT" in inherited("postgresql://kim@db/state")


def test_the_engine_gets_the_password_as_a_variable_only() -> None:
    got = settings(backend_url="postgres://kim:secret@db/state", passphrase="", pulumi_home="/home")
    assert got["PGPASSWORD"] == "secret"
    assert "secret" not in got["PULUMI_BACKEND_URL"]
