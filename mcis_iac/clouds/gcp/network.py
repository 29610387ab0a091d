"""Networks: one for all regions, a subnetwork in each, and a way out for private machines."""

from __future__ import annotations

from collections.abc import Iterator

from mcis_iac.clouds.gcp import catalogue
from mcis_iac.clouds.gcp.site import GLOBAL, Site, Vpc
from mcis_iac.model import Member
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Join, Options, Ref, Resource, Value

# Google enlarges a subnetwork, and moves none: another one takes its name, once its machines are gone.
ALONE = Options(delete_before_replace=True)


def networks(site: Site) -> Iterator[Resource]:
    """Networks, subnetworks and gateways; nothing for a network that is there already."""
    made: set[str] = set()
    for member in site.members:
        vpc = site.vpc_of(member)
        if vpc.existing is not None:
            continue
        wanted = [_network(site, vpc), _subnetwork(site, vpc)]
        if site.group(member).public_ip == "none":
            wanted += [_router(site, vpc), _nat(site, vpc)]
        for resource in wanted:
            if resource.key not in made:
                made.add(resource.key)
                yield resource


def subnetwork_key(site: Site, vpc: Vpc) -> str:
    """A subnetwork is regional: the zones of a region share it."""
    return naming.of_network("subnet", vpc.name, site.connection.name, vpc.region)


def interface(site: Site, member: Member) -> Inputs:
    """The subnetwork part of a machine's network interface."""
    vpc = site.vpc_of(member)
    if vpc.existing is None:
        return {"subnetwork": Ref(subnetwork_key(site, vpc))}
    # In a network that Google cut, subnetworks have the network's name.
    found: Inputs = {"subnetwork": str(vpc.existing.get("subnetwork") or vpc.existing.get("network", ""))}
    return found | ({"subnetworkProject": vpc.project} if vpc.project else {})


def zone(site: Site, member: Member) -> Value:
    """The machine's zone, told as a part of its subnetwork's region.

    It is the same text; but so the engine knows that the machine must go before the subnetwork does.
    """
    vpc, name = site.vpc_of(member), catalogue.zone_name(member.region, member.zone)
    if vpc.existing is not None:
        return name
    return Join((Ref(subnetwork_key(site, vpc), "region"), name.removeprefix(vpc.region)))


def way_out(site: Site, member: Member) -> tuple[str, ...]:
    """What must be there before a machine without public address can fetch packages."""
    vpc = site.vpc_of(member)
    if site.group(member).public_ip != "none" or vpc.existing is not None:
        return ()
    return (_key("nat", site, vpc),)


def _key(kind: str, site: Site, vpc: Vpc) -> str:
    return naming.of_network(kind, vpc.name, site.connection.name, vpc.region)


def _network(site: Site, vpc: Vpc) -> Resource:
    key = naming.network(vpc.name, site.connection.name, GLOBAL)
    inputs: Inputs = {
        "name": site.name(key),
        "autoCreateSubnetworks": False,
        "routingMode": "REGIONAL",
        "description": site.owner(),
    }
    return site.resource(key, "compute/network:Network", inputs, site.subject(GLOBAL))


def _subnetwork(site: Site, vpc: Vpc) -> Resource:
    key = subnetwork_key(site, vpc)
    inputs: Inputs = {
        "name": site.name(key),
        "network": site.network_ref(vpc),
        "region": vpc.region,
        "ipCidrRange": site.block(vpc.name, vpc.region),
        "description": site.owner(),
    }
    subject = site.subject(vpc.region)
    return site.resource(
        key, "compute/subnetwork:Subnetwork", inputs, subject, outputs=("region",), options=ALONE
    )


def _router(site: Site, vpc: Vpc) -> Resource:
    key = _key("router", site, vpc)
    inputs: Inputs = {
        "name": site.name(key),
        "network": site.network_ref(vpc),
        "region": vpc.region,
        "description": site.owner(),
    }
    return site.resource(key, "compute/router:Router", inputs, site.subject(vpc.region))


def _nat(site: Site, vpc: Vpc) -> Resource:
    key = _key("nat", site, vpc)
    inputs: Inputs = {
        "name": site.name(key),
        "router": Ref(_key("router", site, vpc), "name"),
        "region": vpc.region,
        "natIpAllocateOption": "AUTO_ONLY",
        "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
    }
    return site.resource(key, "compute/routerNat:RouterNat", inputs, site.subject(vpc.region))
