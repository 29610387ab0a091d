"""AWS's resources: pure data for provider package `aws`.

Per connection one provider; per network and region a VPC (`network`); per key and region a key pair;
per group and region a security group (`firewall`); per VM an instance, its data disks and its static
address (`machine`). Subnets of ours give their VMs addresses. In existing ones a VM asks for its own, by
`associatePublicIpAddress`, which is never compared: it would replace every VM whose address was taken
away by a stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcis_iac.clouds.aws import firewall, machine, network
from mcis_iac.clouds.aws.catalog import arch, facts
from mcis_iac.clouds.aws.check import check, notices
from mcis_iac.clouds.aws.scope import Scope
from mcis_iac.clouds.common.entries import entry
from mcis_iac.model import Connection, Member, Plan
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Ref, Resource, Value

# What the protocol asks for and other modules have.
__all__ = ["arch", "check", "facts", "notices"]

PACKAGE = Scope.PACKAGE
VERSION = Scope.VERSION
VM_TOKENS = frozenset({machine.INSTANCE})
SHIPS_PLUGIN = False
VARIABLES = ("AWS_*",)
CREDENTIAL_ERRORS = (
    r"no valid credential sources|unable to validate AWS|invalid credentials configured",
    r"failed to (?:refresh|retrieve)\b.*\bcredentials|failed to get shared config profile",
    r"no EC2 IMDS role found|cannot assume IAM role|InvalidGrantException|SSO session",
    r"\b(?:Expired|Invalid(?:Client)?|Unauthorized)Token(?:Exception|Id)?\b|\bRequestExpired\b",
    r"\b(?:InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClientException|InvalidAccessKeyId)\b",
    r"\b(?:AuthFailure|OptInRequired|UnauthorizedOperation|AccessDenied(?:Exception)?)\b",
    r"\bMissingAuthenticationToken\b",
)
SIGN_IN = "name a profile in the connection, sign in with `aws sso login`, or set AWS_ACCESS_KEY_ID"
INJECTS_HOST_KEYS = True
REMOTE = True


def declare(plan: Plan, connection: Connection) -> Iterator[Resource]:
    """All resources of the connection, each after what it refers to; none without members."""
    scope = Scope.of(plan, connection)
    if not scope.members:
        return
    yield scope.provider_resource()
    yield from _keys(scope)
    yield from network.declare(scope)
    yield from firewall.declare(scope)
    for member in scope.members:
        yield from machine.declare(scope, member)


def links(plan: Plan, connection: Connection) -> Iterator[Resource]:
    """Rules that let in VMs outside the VPC, by their addresses."""
    yield from firewall.links(Scope.of(plan, connection))


def inventory(plan: Plan, member: Member) -> Mapping[str, Value]:
    """The member's entry of the `inventory` output."""
    group = plan.mcis.groups[member.group]
    public: Mapping[str, Value] = {
        "ephemeral": Ref(member.name, "publicIp"),
        "static": Ref(naming.address(member.name), "publicIp"),
        "none": None,
    }
    return entry(plan, member, private_ip=Ref(member.name, "privateIp"), public_ip=public[group.public_ip])


def _keys(scope: Scope) -> Iterator[Resource]:
    """A key pair per region: AWS keeps them apart."""
    wanted = {(scope.group(member).key, member.region) for member in scope.members}
    for name, region in sorted(wanted):
        key = naming.key_pair(name, scope.connection.name, region)
        inputs: Inputs = {
            "keyName": machine.key_name(scope, name, region),
            "publicKey": scope.plan.public_keys[name],
            "tags": scope.tags(key),
        }
        yield scope.regional(key, "ec2/keyPair:KeyPair", region, inputs)
