"""One connection as its resources see it: its name, its tags, its provider."""

from __future__ import annotations

from mcis_iac.clouds.common.site import Site as AnySite
from mcis_iac.clouds.openstack import labels
from mcis_iac.model import Group
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Resource, Value


class Site(AnySite):
    """What all resources of one connection need."""

    PACKAGE = "openstack"
    VERSION = "5.5.3"

    def named(self, key: str, region: str) -> Inputs:
        """The inputs everything with a name has."""
        return {"name": naming.cloud_name(self.mcis, key), "region": region}

    def words(self, group: Group | None = None, vm: str | None = None) -> list[Value]:
        """The tags of what is in the network."""
        return list(labels.words(self.tags(group, vm)))

    def tags(self, group: Group | None = None, vm: str | None = None) -> dict[str, str]:
        """The tags of the MCIS, of a group, of a VM."""
        if group is None:
            return naming.tags(self.mcis)
        return naming.tags(self.mcis, group=group.name, vm=vm, labels=group.labels)

    def provider_resource(self) -> Resource:
        """The way in; credentials stay where the provider finds them."""
        words = self.connection.settings
        inputs: Inputs = {}
        if words.get("os_cloud") is not None:
            inputs["cloud"] = str(words["os_cloud"])
        if words.get("region") is not None:
            inputs["region"] = str(words["region"])
        return self.way_in(inputs, Options(additional_secret_outputs=("password",)))
