"""Azure's resources: pure data for provider package `azure-native`.

Per connection one provider; per region one resource group; per network and region used one virtual
network with its subnets; per group and region one security group; per VM the machine, its network
interface, its public address and its data disks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcis_iac.clouds.azure import machine, network, walls
from mcis_iac.clouds.azure.check import check, notices
from mcis_iac.clouds.azure.facts import arch, facts
from mcis_iac.clouds.azure.site import Site
from mcis_iac.clouds.common.entries import entry
from mcis_iac.model import Connection, Member, Plan
from mcis_iac.program import naming
from mcis_iac.program.graph import Ref, Resource, Value

# What the protocol asks for and other modules have.
__all__ = ["arch", "check", "facts", "notices"]

PACKAGE = Site.PACKAGE
VERSION = Site.VERSION
VM_TOKENS = frozenset({machine.TOKEN})
SHIPS_PLUGIN = False
# The provider signs in as `az` does, which needs its folder, or with what ARM_* and the machine tell.
VARIABLES = ("ARM_*", "AZURE_*", "ACTIONS_ID_TOKEN_REQUEST_*", "IDENTITY_*", "MSI_*")
CREDENTIAL_ERRORS = (
    r"\bAADSTS\d+|['\"`]az login['\"`]|\baz login\b",
    r"unable to build authorizer|\w+Credential(?: authentication)? failed|failed to acquire a token",
    r"a subscription ID must be configured|could not (?:get|find) the (?:tenant|subscription)",
    r"\b(?:InvalidAuthenticationToken\w*|ExpiredAuthenticationToken|AuthenticationFailed)\b",
    r"\b(?:AuthorizationFailed|LinkedAuthorizationFailed|InvalidSubscriptionId)\b",
)
SIGN_IN = "sign in with `az login`, or set ARM_CLIENT_ID and what proves it, such as ARM_CLIENT_SECRET"
INJECTS_HOST_KEYS = True
REMOTE = True


def declare(plan: Plan, connection: Connection) -> Iterator[Resource]:
    """All resources of the connection, each after what it refers to; none without members."""
    here = Site.of(plan, connection)
    if not here.members:
        return
    yield here.provider_resource()
    yield from network.resource_groups(here)
    yield from network.networks(here)
    yield from walls.declare(here)
    for member in here.members:
        yield from machine.declare(here, member)


def links(plan: Plan, connection: Connection) -> Iterator[Resource]:
    """The rules that name machines of other places."""
    yield from walls.links(Site.of(plan, connection))


def inventory(plan: Plan, member: Member) -> Mapping[str, Value]:
    """The member's entry of the `inventory` output."""
    group = plan.mcis.groups[member.group]
    public = None if group.public_ip == "none" else Ref(naming.address(member.name), "ipAddress")
    return entry(
        plan,
        member,
        private_ip=Ref(machine.interface_key(member), "ipConfigurations.0.privateIPAddress"),
        public_ip=public,
        created_at=Ref(member.name, "timeCreated"),
    )
