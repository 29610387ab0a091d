"""What plugins say when a cloud does not accept the credentials, told from other trouble."""

from __future__ import annotations

import pytest

from mcis_iac.clouds import registry
from mcis_iac.engine.subjects import Subjects

REFUSED = {
    "aws": (
        "No valid credential sources found.",
        "unable to validate AWS credentials.\nDetails: failed to get shared config profile, corp",
        "Invalid credentials configured.",
        "api error ExpiredToken: The security token included in the request is expired",
        "api error InvalidClientTokenId: The security token included in the request is invalid.",
        "operation error EC2: RunInstances, api error UnauthorizedOperation: You are not authorized",
    ),
    "gcp": (
        "google: could not find default credentials. See https://example.test",
        'oauth2: "invalid_grant" "Token has been expired or revoked."',
        "googleapi: Error 401: Request had invalid authentication credentials.",
        "googleapi: Error 403: Required 'compute.instances.create' permission for 'projects/x'",
    ),
    "azure": (
        "AADSTS7000215: Invalid client secret provided.",
        "Please run 'az login' to setup account.",
        'Code="AuthorizationFailed" Message="The client does not have authorization"',
        "unable to build authorizer: no credential was given for the client",
        "AzureCLICredential: ERROR: Please run 'az login'",
    ),
    "openstack": (
        "One of 'auth_url' or 'cloud' must be specified",
        "Authentication failed",
        "Expected HTTP response code [201] when accessing [POST x], but got 401 instead",
        "You must provide a password to authenticate",
    ),
}
OTHER = {
    "aws": ("VcpuLimitExceeded: more vCPU capacity than your limit", "InvalidAMIID.NotFound: no such image"),
    "gcp": ("Error 403: Quota 'CPUS' exceeded. Limit: 24.0", "Error 404: The resource was not found"),
    "azure": ('Code="OperationNotAllowed" Message="exceeding approved Total Regional Cores quota."',),
    "openstack": ("got 403: Quota exceeded for cores: Requested 2, but already used 20", "got 404 instead"),
}


def refuses(cloud: str, text: str) -> bool:
    module = registry.graph(cloud)
    subjects = Subjects(refusals={module.PACKAGE: module.CREDENTIAL_ERRORS})
    assert not subjects.refuses("other:x:Y", text)
    return subjects.refuses(f"pulumi:providers:{module.PACKAGE}", text)


@pytest.mark.parametrize("cloud,text", [(cloud, text) for cloud, texts in REFUSED.items() for text in texts])
def test_a_refusal_is_known(cloud: str, text: str) -> None:
    assert refuses(cloud, text)


@pytest.mark.parametrize("cloud,text", [(cloud, text) for cloud, texts in OTHER.items() for text in texts])
def test_other_trouble_is_none(cloud: str, text: str) -> None:
    assert not refuses(cloud, text)


@pytest.mark.parametrize("cloud", sorted(registry.CLOUDS))
def test_a_cloud_that_can_refuse_says_how_to_sign_in(cloud: str) -> None:
    module = registry.graph(cloud)
    assert bool(module.CREDENTIAL_ERRORS) == bool(module.SIGN_IN) == module.REMOTE
