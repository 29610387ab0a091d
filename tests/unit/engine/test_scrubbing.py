"""What is taken out of texts before anybody sees them, and what stays."""

from __future__ import annotations

import pytest

from mcis_iac.engine.scrub import scrub, values

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJtZSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text,left",
    [
        ("the key AKIAIOSFODNN7EXAMPLE is expired", "the key [hidden] is expired"),
        (f"token {JWT} was refused", "token [hidden] was refused"),
        ("Authorization: Bearer abcdefgh1234", "Authorization: Bearer [hidden]"),
        ("client_secret=s3cr3t-s3cr3t&x=1", "client_secret=[hidden]&x=1"),
        ('{"password": "correct-horse"}', '{"password": "[hidden]"}'),
        ("ya29.a0AfB_byC-defghij is invalid", "[hidden] is invalid"),
        ("see https://kim:hush@proxy.test/", "see https://proxy.test/"),
        ("X-Auth-Token: gAAAAABkZm9vYmFyYmF6cXV4cXV1eA==", "X-Auth-Token: [hidden]"),
    ],
)
def test_what_looks_like_a_credential_is_hidden(text: str, left: str) -> None:
    assert scrub(text) == left


def test_a_private_key_is_hidden_whole() -> None:
    text = "read -----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY----- and failed"
    assert scrub(text) == "read [hidden] and failed"


@pytest.mark.parametrize(
    "text",
    [
        "AADSTS700082: The refresh token has expired due to inactivity.",
        "No valid credential sources found. Please see https://example.test/docs",
        "password: required field is not set",
        "api error ExpiredToken: The security token included in the request is expired",
        "web-1: no capacity for e2-medium in asia-northeast3-a",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert scrub(text) == text


def test_values_of_secret_variables_are_hidden_longest_first() -> None:
    found = values(
        {"AWS_SECRET_ACCESS_KEY": "abcdefgh", "OS_PASSWORD": "abcdefghijk", "AWS_REGION": "us-east-1"}
    )
    assert found == ("abcdefghijk", "abcdefgh")
    assert scrub("abcdefghijk and abcdefgh", found) == "[hidden] and [hidden]"


def test_a_renamed_variable_is_as_secret_as_what_it_stands_for() -> None:
    assert values({"TEAM_A": "abcdefgh"}) == ()
    assert values({"TEAM_A": "abcdefgh"}, {"TEAM_A": "AWS_SECRET_ACCESS_KEY"}) == ("abcdefgh",)


def test_short_values_and_names_of_files_are_no_secrets() -> None:
    assert values({"OS_PASSWORD": "shop", "GOOGLE_APPLICATION_CREDENTIALS": "/home/kim/key.json"}) == ()
