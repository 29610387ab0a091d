"""Azure's resources: pure data for provider package `azure-native`.

Per connection one provider; per region one resource group; per network and region used one virtual
network with its subnets; per group and region one security group; per VM the machine, its network
interface, its public address and its data disks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mcis_iac.clouds.azure import check as checks
from mcis_iac.clouds.azure import facts as known
from mcis_iac.clouds.azure import machine, network, site, walls
from mcis_iac.clouds.base import Arch, Facts
from mcis_iac.clouds.common.entries import entry
from mcis_iac.model import Connection, Diagnostic, Mcis, Member, Plan
from mcis_iac.program import naming
from mcis_iac.program.graph import Ref, Resource, Value

PACKAGE = site.PACKAGE
VERSION = site.VERSION
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


def facts() -> Facts:
    """What is known of the cloud without asking it."""
    return known.facts()


def check(mcis: Mcis) -> Iterable[Diagnostic]:
    """What cannot be done of a manifest here."""
    return checks.check(mcis)


def notices(mcis: Mcis) -> Sequence[str]:
    """What is different here for a manifest."""
    return checks.notices(mcis)


def declare(plan: Plan, connection: Connection) -> Iterator[Resource]:
    """All resources of the connection, each after what it refers to; none without members."""
    here = site.Site.of(plan, connection)
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
    yield from walls.links(site.Site.of(plan, connection))


def arch(type: str) -> Arch:
    """The processor architecture of a size."""
    return known.arch(type)


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
