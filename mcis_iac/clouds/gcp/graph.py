"""Google Cloud's resources: pure data for provider package `gcp`.

Per connection one provider; per manifest network one network for all regions, with a subnetwork in each
and a NAT gateway where machines have no public address; per group, network and source one firewall; per
machine itself, its data disks, their attachments and its static address. Keys of what belongs to no
region say `global`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from mcis_iac.clouds.common.entries import entry
from mcis_iac.clouds.gcp import firewall, machine, network
from mcis_iac.clouds.gcp.catalogue import arch, facts
from mcis_iac.clouds.gcp.check import check, notices
from mcis_iac.clouds.gcp.site import Site
from mcis_iac.model import Connection, Member, Plan
from mcis_iac.program.graph import Inputs, Options, Resource, Value

# What the protocol asks for and other modules have.
__all__ = ["arch", "check", "facts", "notices"]

PACKAGE = Site.PACKAGE
VERSION = Site.VERSION
VM_TOKENS = frozenset({f"{PACKAGE}:{machine.INSTANCE}"})
SHIPS_PLUGIN = False
VARIABLES = ("GOOGLE_*", "GCLOUD_*", "CLOUDSDK_*", "GCE_METADATA_*", "PULUMI_GCP_*")
CREDENTIAL_ERRORS = (
    r"could not find default credentials|failed to load application (?:default )?credentials",
    r"\binvalid_(?:grant|client|rapt)\b|oauth2: (?:cannot fetch token|token expired)|reauth related error",
    r"Error 401\b|\bUNAUTHENTICATED\b|Request had invalid authentication credentials",
    r"Error 403: (?:Required '|.*\b(?:does not have|permission)\b)|\bIAM_PERMISSION_DENIED\b",
    r"credentials: (?:invalid|JSON credentials are not valid)",
)
SIGN_IN = "gcloud auth application-default login, or name a key with `credentials_file`"
INJECTS_HOST_KEYS = True
REMOTE = True


def declare(plan: Plan, connection: Connection) -> Iterator[Resource]:
    """All resources of the connection, each after what it refers to; none without members."""
    site = Site.of(plan, connection)
    if not site.members:
        return
    yield _provider(site)
    yield from network.networks(site)
    yield from firewall.inside(site)
    for member in site.members:
        yield from machine.machine(site, member)


def links(plan: Plan, connection: Connection) -> Iterator[Resource]:
    """The firewalls for members that are not in the same network."""
    yield from firewall.outside(Site.of(plan, connection))


def inventory(plan: Plan, member: Member) -> Mapping[str, Value]:
    """The member's entry of the `inventory` output."""
    group, key = plan.mcis.groups[member.group], member.name
    return entry(
        plan,
        member,
        id=machine.machine_id(key),
        private_ip=machine.private_ip(key),
        public_ip=machine.public_ip(group, key),
        created_at=machine.created_at(key),
    )


def _provider(site: Site) -> Resource:
    """The connection's credentials by name: what they are stays in files and variables."""
    settings = site.connection.settings
    inputs: Inputs = {"addPulumiAttributionLabel": False}
    if "project" in settings:
        inputs["project"] = str(settings["project"])
    if "credentials_file" in settings:
        path = Path(str(settings["credentials_file"])).expanduser()
        inputs["credentials"] = str(site.mcis.folder / path)
    if "impersonate" in settings:
        inputs["impersonateServiceAccount"] = str(settings["impersonate"])
    return site.way_in(inputs, Options(additional_secret_outputs=("accessToken",)))
