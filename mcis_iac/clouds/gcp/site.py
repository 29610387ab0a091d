"""What all resources of one connection need: who they are for, and which network a machine is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcis_iac.clouds.common.site import Site as AnySite
from mcis_iac.clouds.gcp.labels import description, labels
from mcis_iac.model import Group, Member
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Ref, Value

# A network and its firewalls belong to no region: this is what Google calls that.
GLOBAL = "global"
# Names are ours, and Google has each only once: the old one goes before the new one comes.
ALONE = Options(delete_before_replace=True)
# What the provider computes from labels repeats them, and the typed package hides it.
LABELLED = ("effectiveLabels", "pulumiLabels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpc:
    """The network a machine is in: ours, or one that is there already (`existing`, in its words)."""

    name: str
    region: str
    existing: Mapping[str, Any] | None = None

    @property
    def project(self) -> str | None:
        """The project an existing network belongs to, when it is not the connection's."""
        found = (self.existing or {}).get("project")
        return None if found is None else str(found)

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells two networks apart; machines of one network have the same."""
        if self.existing is None:
            return (self.name,)
        return (self.name, self.project or "", str(self.existing.get("network", "")))

    @property
    def more(self) -> tuple[str, ...]:
        """What a key needs beside the names: an existing network may be another one elsewhere."""
        return self.identity[2:]


class Site(AnySite):
    """One connection of a plan and its members."""

    PACKAGE = "gcp"
    VERSION = "10.2.0"
    OPTIONS = ALONE

    def vpc(self, network: str, region: str) -> Vpc:
        """The network by that name as it is in a region."""
        return Vpc(name=network, region=region, existing=self.existing(network, region))

    def vpc_of(self, member: Member) -> Vpc:
        """The network of a member."""
        return self.vpc(self.group(member).network, member.region)

    def name(self, key: str) -> str:
        """A thing's name at Google."""
        return naming.cloud_name(self.mcis, key)

    def owner(self) -> str:
        """The description of what has no labels."""
        return description(self.mcis)

    def labels(self, group: Group, vm: str | None = None) -> Inputs:
        """The labels of what belongs to a group or one of its machines."""
        return dict(labels(naming.tags(self.mcis, group=group.name, vm=vm, labels=group.labels)))

    def network_ref(self, vpc: Vpc) -> Value:
        """A network as an input."""
        if vpc.existing is None:
            return Ref(naming.network(vpc.name, self.connection.name, GLOBAL))
        name = str(vpc.existing.get("network", ""))
        return f"projects/{vpc.project}/global/networks/{name}" if vpc.project and "/" not in name else name
