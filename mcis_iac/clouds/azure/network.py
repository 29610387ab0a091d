"""Resource groups, networks, subnets, the way out, and the names rules know groups by.

There is one resource group per connection and region: what a region has goes and stays together, and
neither a network nor the regions' order decides where another one's things are written down.

Subnets of Azure cover a region. A network has two of them there, because a NAT gateway takes over the
traffic of everybody in its subnet, public address or not: machines with an address of their own would
then speak with another one, which nobody's firewall knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from mcis_iac.clouds.azure import facts
from mcis_iac.clouds.azure.site import Site
from mcis_iac.model import Group
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Ref, Resource, Value

PUBLIC, PRIVATE = "public", "private"
POLICIES: Inputs = {
    "privateEndpointNetworkPolicies": "Disabled",
    "privateLinkServiceNetworkPolicies": "Enabled",
}


def resource_groups(site: Site) -> Iterator[Resource]:
    """One per region."""
    for region in site.regions():
        key = site.resources_key(region)
        inputs: Inputs = {"resourceGroupName": site.called(key), "location": region, "tags": site.tags()}
        yield site.resource(key, "resources:ResourceGroup", inputs, site.subject(region), outputs=("name",))


def networks(site: Site) -> Iterator[Resource]:
    """Every network in every region used, unless it is there already."""
    for network, region in site.networks():
        if site.existing(network, region) is None:
            yield _network(site, network, region)
            yield from _subnets(site, network, region)
        yield _role(site, everyone_key(site, network, region), region, None)
        for name in site.known(network, region):
            group = site.mcis.groups[name]
            yield _role(site, role_key(site, name, region), region, group)


def _network(site: Site, network: str, region: str) -> Resource:
    key = naming.network(network, site.name, region)
    inputs: Inputs = {
        **site.inside(region),
        "virtualNetworkName": site.called(key),
        "location": region,
        "addressSpace": {"addressPrefixes": [site.block(network, region)]},
        "enableDdosProtection": False,
        "enableVmProtection": False,
        "tags": site.tags(),
    }
    # Subnets are resources of their own; as a part of the network they would be declared twice. Azure
    # takes no range away from a network with subnets, nor from a subnet with machines: all of it goes first.
    options = Options(
        ignore_changes=("subnets",), replace_on_changes=("addressSpace",), delete_before_replace=True
    )
    return site.resource(
        key,
        "network:VirtualNetwork",
        inputs,
        site.subject(region),
        outputs=("location", "name"),
        options=options,
    )


def _subnets(site: Site, network: str, region: str) -> Iterator[Resource]:
    yield _subnet(site, network, region, PUBLIC)
    members = (m for m in site.members if m.region == region and site.group(m).network == network)
    if any(site.group(member).public_ip == "none" for member in members):
        yield from _way_out(site, network, region)
        yield _subnet(site, network, region, PRIVATE)


def _subnet(site: Site, network: str, region: str, half: str) -> Resource:
    first, second = IPv4Network(site.block(network, region)).subnets(prefixlen_diff=1)
    inputs: Inputs = {
        **site.inside(region, implied=True),
        "virtualNetworkName": Ref(naming.network(network, site.name, region), "name"),
        "subnetName": half,
        "addressPrefix": str(first if half == PUBLIC else second),
        # Can only be said when a subnet is made; without it Azure lends addresses nobody chose.
        "defaultOutboundAccess": False,
        **POLICIES,
    }
    waits: tuple[str, ...] = ()
    if half == PRIVATE:
        inputs["natGateway"] = {"id": Ref(naming.of_network("nat", network, site.name, region))}
        # A network takes one change at a time and turns the others away.
        waits = (_subnet_key(site, network, region, PUBLIC),)
    key = _subnet_key(site, network, region, half)
    return site.resource(
        key, "network:Subnet", inputs, site.subject(region), options=Options(depends_on=waits)
    )


def _way_out(site: Site, network: str, region: str) -> Iterator[Resource]:
    """A NAT gateway with an address of its own."""
    address = naming.of_network("natip", network, site.name, region)
    yield public_address(site, address, region, site.tags(), site.called(address))
    key = naming.of_network("nat", network, site.name, region)
    inputs: Inputs = {
        **site.inside(region, implied=True),
        "natGatewayName": site.called(key),
        "location": region,
        "sku": {"name": "Standard"},
        "publicIpAddresses": [{"id": Ref(address)}],
        "tags": site.tags(),
    }
    yield site.resource(key, "network:NatGateway", inputs, site.subject(region))


def public_address(site: Site, key: str, region: str, tags: Inputs, name: str) -> Resource:
    """A public address, reachable from all zones of the region: it outlives a machine's move."""
    zones: list[Value] = list(facts.zones(region))
    inputs: Inputs = {
        **site.inside(region),
        "publicIpAddressName": name,
        "location": region,
        "sku": {"name": "Standard", "tier": "Regional"},
        "publicIPAllocationMethod": "Static",
        "publicIPAddressVersion": "IPv4",
        "tags": tags,
    }
    if zones:
        inputs["zones"] = zones
    told = naming.subject_of(key)
    subject = site.subject(region, told.group, told.vm)
    # Zones a region got later are no reason to give an address up.
    options = Options(ignore_changes=("zones",))
    return site.resource(
        key, "network:PublicIPAddress", inputs, subject, outputs=("ipAddress",), options=options
    )


# ---------------------------------------------------------------- where a machine is put


def _subnet_key(site: Site, network: str, region: str, half: str) -> str:
    return naming.of_network("subnet", network, site.name, region, half)


def subnet(site: Site, group: Group, region: str) -> Value:
    """The id of the subnet a machine of the group is in."""
    half = PRIVATE if group.public_ip == "none" else PUBLIC
    existing = site.existing(group.network, region)
    if existing is None:
        return Ref(_subnet_key(site, group.network, region, half))
    name = (existing.get("private_subnet") if half == PRIVATE else None) or existing.get("subnet")
    return _adopted(site, existing, str(name))


def location(site: Site, group: Group, region: str) -> Value:
    """The region, told as the network's.

    It is the same text; but so the engine knows that what is in the network must go before it does.
    """
    if site.existing(group.network, region) is not None:
        return region
    return Ref(naming.network(group.network, site.name, region), "location")


def _adopted(site: Site, existing: Mapping[str, Any], name: str) -> str:
    """The id of a subnet that is there already: written whole, or put together from its names."""
    if name.startswith("/"):
        return name
    subscription = existing.get("subscription") or site.connection.settings.get("subscription")
    holder = f"/subscriptions/{subscription}/resourceGroups/{existing.get('resource_group')}"
    return f"{holder}/providers/Microsoft.Network/virtualNetworks/{existing.get('vnet')}/subnets/{name}"


# ---------------------------------------------------------------- application security groups


def everyone_key(site: Site, network: str, region: str) -> str:
    """All machines in that part of a network, as a rule can name them."""
    return naming.of_network("everyone", network, site.name, region)


def role_key(site: Site, group: str, region: str) -> str:
    """The machines of a group in a region, as a rule can name them."""
    return naming.of_group("asg", group, site.name, region)


def _role(site: Site, key: str, region: str, group: Group | None) -> Resource:
    inputs: Inputs = {
        **site.inside(region),
        "applicationSecurityGroupName": site.called(key),
        "location": region,
        "tags": site.tags(group),
    }
    subject = site.subject(region, group.name if group else None)
    return site.resource(key, "network:ApplicationSecurityGroup", inputs, subject)
