"""From the words of providers and of the CLI to reasons and errors."""

from __future__ import annotations

import pytest

from mcis_iac.engine import failures, troubles
from mcis_iac.errors import CredentialsError, EngineError, McisError


@pytest.mark.parametrize(
    "said,code,message",
    [
        ("capacity: no room in seoul-b", "capacity", "no room in seoul-b"),
        ("quota: 10 of 10 instances", "quota", "10 of 10 instances"),
        ("conflict: name taken", "other", "name taken"),
        ("not_found: no such subnet", "other", "no such subnet"),
        ("VcpuLimitExceeded: you have reached", "quota", "VcpuLimitExceeded: you have reached"),
        ("googleapi: ZONE_RESOURCE_POOL_EXHAUSTED", "capacity", "googleapi: ZONE_RESOURCE_POOL_EXHAUSTED"),
        ("UnauthorizedOperation: no", "credentials", "UnauthorizedOperation: no"),
        ("waiting for it timed out", "timeout", "waiting for it timed out"),
        ("image ubuntu-99 not found", "image", "image ubuntu-99 not found"),
        ("RequestLimitExceeded: slow down", "other", "RequestLimitExceeded: slow down"),
        (
            "Error 403: Rate Limit Exceeded, rateLimitExceeded",
            "other",
            "Error 403: Rate Limit Exceeded, rateLimitExceeded",
        ),
        ("Code=TooManyRequests Status=429", "other", "Code=TooManyRequests Status=429"),
        ("something else", "other", "something else"),
    ],
)
def test_a_message_has_a_code(said: str, code: str, message: str) -> None:
    assert failures.classify(said) == (code, message)


@pytest.mark.parametrize(
    "raw",
    [
        "rpc error: code = Unknown desc = no room",
        "Unexpected <class 'ValueError'>: no room\nTraceback (most recent call last):\n  File x",
        "1 error occurred:\n\t* no room\n\n",
        "<{%fg 1%}>no room<{%reset%}>",
    ],
)
def test_wrapping_is_taken_off(raw: str) -> None:
    assert failures.clean(raw) == "no room"


def test_several_messages_are_joined_once_each() -> None:
    told = failures.failure(
        ["quota: full", "quota: full", "resource creation failed", "ask for more"], "create"
    )

    assert (told.code, told.message) == ("quota", "full; ask for more")


def test_silence_is_said_to_be_silence() -> None:
    assert failures.failure([], "create").message == "the provider gave no reason"


URL = "s3://kim:hush@bucket/state"


@pytest.mark.parametrize(
    "text,kind,summary",
    [
        ("error: incorrect passphrase", McisError, "passphrase"),
        ("write /x: no space left on device", McisError, "disk is full"),
        ("error: no resource plugin 'pulumi-resource-x' found in the workspace", EngineError, "plugin"),
        ("error: AccessDenied: Access Denied status code: 403", CredentialsError, "refused"),
        ("error: dial tcp 127.0.0.1:5432: connect: connection refused", McisError, "cannot reach"),
        ("error: unable to open state directory", McisError, "cannot reach"),
        ("panic: something odd", EngineError, "the engine failed"),
    ],
)
def test_cli_words_become_one_clear_error(text: str, kind: type[McisError], summary: str) -> None:
    error = troubles.explain(text, backend_url=URL)

    assert type(error) is kind
    assert summary in error.summary
    assert error.hint
    assert "hush" not in str(error)


def test_the_first_error_line_says_most() -> None:
    assert troubles.worst_line("Updating\nerror: first\nerror: second\nResources: 1") == "first"


def test_credentials_in_urls_are_hidden() -> None:
    assert troubles.hide("open postgres://kim:hush@db/x") == "open postgres://db/x"
