"""Getting to AWS fails in the user's own terms."""

from __future__ import annotations

import sys

import pytest

from mcis_iac.clouds.aws import doctor, images
from mcis_iac.clouds.aws.credentials import translated
from mcis_iac.clouds.base import ImageQuery
from mcis_iac.errors import CredentialsError, OperationError
from mcis_iac.model import Connection

AWS = Connection(name="shop", cloud="aws")


def a_refusal(code: str) -> Exception:
    from botocore.exceptions import ClientError

    return ClientError({"Error": {"Code": code, "Message": "in its own words"}}, "DescribeImages")


def test_a_missing_library_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(OperationError) as refused:
        images.resolve(AWS, [ImageQuery(region="us-east-1", alias="debian-12", arch="amd64")])
    assert refused.value.hint == "pip install 'mcis-iac[aws]'"
    (only,) = doctor.check(AWS, [])
    assert not only.ok and only.hint == "pip install 'mcis-iac[aws]'"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ExpiredToken", CredentialsError),
        ("UnauthorizedOperation", CredentialsError),
        ("RequestLimitExceeded", OperationError),
    ],
)
def test_a_refusal_has_its_exit_code_and_its_own_words(code: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"shop: .*in its own words"), translated(AWS):
        raise a_refusal(code)


@pytest.mark.parametrize("kind", ["EndpointConnectionError", "ReadTimeoutError", "ProxyConnectionError"])
def test_silence_is_no_refusal(kind: str) -> None:
    from botocore import exceptions

    silence = getattr(exceptions, kind)
    with pytest.raises(OperationError, match=r"shop: .*ec2\.example") as told, translated(AWS):
        raise silence(endpoint_url="https://ec2.example", proxy_url="http://proxy.ec2.example")
    assert told.value.summary == "AWS does not answer"
    assert "network" in told.value.hint and "doctor" not in told.value.hint


def test_what_has_expired_is_told_how_to_renew() -> None:
    with pytest.raises(CredentialsError) as refused, translated(AWS):
        raise a_refusal(code="ExpiredToken")
    assert "sign in again" in refused.value.hint


def test_a_fault_of_ours_is_not_blamed_on_aws() -> None:
    with pytest.raises(ZeroDivisionError), translated(AWS):
        raise ZeroDivisionError
