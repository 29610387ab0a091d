"""OpenStack's resources: pure data for provider package `openstack`.

Every operator has regions, flavors and images of their own, so nothing of these is known without
asking: names are taken as they are written, and the doctor looks whether they exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from mcis_iac.clouds.base import Arch, Facts
from mcis_iac.clouds.common.entries import entry
from mcis_iac.clouds.openstack import datafiles, machine, resources
from mcis_iac.clouds.openstack.check import check, notices
from mcis_iac.clouds.openstack.settings import names
from mcis_iac.clouds.openstack.site import Site
from mcis_iac.model import Connection, Member, Plan
from mcis_iac.program import naming
from mcis_iac.program.graph import Ref, Resource, Value

# What the protocol asks for and other modules have.
__all__ = ["check", "names", "notices"]

PACKAGE = Site.PACKAGE
VERSION = Site.VERSION
VM_TOKENS = frozenset({f"{PACKAGE}:{machine.INSTANCE}"})
SHIPS_PLUGIN = False
VARIABLES = ("OS_*",)
CREDENTIAL_ERRORS = (
    r"'auth_url' or 'cloud' must be specified",
    r"authentication failed|requires authentication|\bgot 401\b|\bstatus code 401\b",
    r"you must provide .*\b(?:authenticate|password|token|username)\b",
    r"missing (?:input for argument|one of the following environment variables)",
    r"could not (?:find|load) cloud|unable to load clouds\.yaml|cloud \S+ does not exist",
    r"\bgot 403\b(?!.*quota).*(?:policy|forbidden|not authorized|disallowed)",
)
SIGN_IN = "name a cloud of clouds.yaml with `os_cloud`, or set OS_*; `openstack token issue` must work"
INJECTS_HOST_KEYS = True
REMOTE = True
_ARM = re.compile(r"(?:^|[^a-z])(?:arm|arm64|aarch64|ampere|altra)(?:[^a-z]|$)")


@cache
def facts() -> Facts:
    """Image aliases and a default flavor; regions and flavors are each operator's own."""
    known = datafiles.read("images")
    return Facts(
        regions={},
        types={},
        default_type=str(known["default_flavor"]),
        image_aliases=tuple(known["aliases"]),
    )


def declare(plan: Plan, connection: Connection) -> Iterator[Resource]:
    """All resources of the connection, each after what it refers to; none without members."""
    for here in _sites(plan, connection):
        yield from resources.declared(here)


def links(plan: Plan, connection: Connection) -> Iterator[Resource]:
    """The firewall rules for members in other networks, regions and clouds."""
    for here in _sites(plan, connection):
        yield from resources.linked(here)


def _sites(plan: Plan, connection: Connection) -> Iterator[Site]:
    here = Site.of(plan, connection)
    if here.members:
        yield here


def arch(type: str) -> Arch:
    """What a flavor's name gives away; the API does not tell."""
    return "arm64" if _ARM.search(type.lower()) else "amd64"


def inventory(plan: Plan, member: Member) -> Mapping[str, Value]:
    """The member's entry of the `inventory` output."""
    group = plan.mcis.groups[member.group]
    return entry(
        plan,
        member,
        private_ip=Ref(naming.of_vm("nic", member.name), "allFixedIps.0"),
        public_ip=None if group.public_ip == "none" else Ref(naming.address(member.name), "address"),
    )
