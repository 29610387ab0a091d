"""One connection's part of a plan, and how its resources are put together."""

from __future__ import annotations

import re

from mcis_iac.clouds.azure import labels
from mcis_iac.clouds.common.site import Site as AnySite
from mcis_iac.model import Group
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Ref, Resource, Secret

ALL = "all"  # no network and no group is called that
# Names of machines have 64 characters at most; some are left for what `_unreserved` adds.
NAME_LIMIT = 50
# Trademarks that Azure takes in no name, and others that it does not take at the beginning of one.
_NOWHERE = re.compile(r"microsoft|windows")
_NOT_FIRST = re.compile(r"(?=login|xbox)")


class Site(AnySite):
    """What all resources of one connection need to know."""

    PACKAGE = "azure-native"
    VERSION = "3.29.0"

    @property
    def name(self) -> str:
        """What the connection is called."""
        return self.connection.name

    # ---------------------------------------------------------- who is here

    def regions(self) -> list[str]:
        """The regions in use."""
        return sorted({member.region for member in self.members})

    def networks(self) -> list[tuple[str, str]]:
        """The networks in use with the region of each part."""
        return sorted({(self.group(member).network, member.region) for member in self.members})

    def groups(self) -> list[tuple[Group, str]]:
        """The groups with members here, once per region."""
        found = sorted({(member.group, member.region) for member in self.members})
        return [(self.mcis.groups[name], region) for name, region in found]

    def known(self, network: str, region: str) -> list[str]:
        """The groups a rule can name in that part of a network.

        The place a group is pinned to counts even while it has no members, so that the first one to
        come changes no rule of its neighbours.
        """
        pinned = {
            group.name
            for group in self.mcis.groups.values()
            if (group.placement.connection, group.placement.region) == (self.name, region)
        }
        present = {member.group for member in self.members if member.region == region}
        return sorted(n for n in pinned | present if self.mcis.groups[n].network == network)

    # ---------------------------------------------------------- resources

    def called(self, *parts: str) -> str:
        """The name inside Azure of what has that key; further parts tell its versions apart."""
        return _unreserved(naming.cloud_name(self.mcis, "/".join(parts), limit=NAME_LIMIT))

    def tags(self, group: Group | None = None, vm: str | None = None) -> Inputs:
        """The tags of a resource here."""
        if group is None:
            found = naming.tags(self.mcis)
        else:
            found = naming.tags(self.mcis, group=group.name, vm=vm, labels=group.labels)
        return {labels.tag_name(name): labels.tag_value(value) for name, value in found.items()}

    def resources_key(self, region: str) -> str:
        """The key of the resource group of a region."""
        return naming.of_network("resources", ALL, self.name, region)

    def inside(self, region: str, *, implied: bool = False) -> Inputs:
        """The resource group of a region, which nearly everything names."""
        return {"resourceGroupName": Ref(self.resources_key(region), "name", implied=implied)}

    def provider_resource(self) -> Resource:
        """The provider with the connection's account; who may use it is in the environment, never here."""
        settings = self.connection.settings
        inputs: Inputs = {"environment": str(settings.get("environment", "public"))}
        for name, setting in (("subscriptionId", "subscription"), ("tenantId", "tenant")):
            if settings.get(setting):
                inputs[name] = str(settings[setting])
        if settings.get("client_id"):
            inputs["clientId"] = Secret(str(settings["client_id"]))  # the typed package hides it, too
        if settings.get("auth") in {"oidc", "msi"}:
            inputs["useOidc" if settings["auth"] == "oidc" else "useMsi"] = True
        return self.way_in(inputs)


def _unreserved(name: str) -> str:
    apart = _NOWHERE.sub(lambda word: f"{word[0][0]}-{word[0][1:]}", name)
    return _NOT_FIRST.sub("m-", apart, count=1) if _NOT_FIRST.match(apart) else apart
