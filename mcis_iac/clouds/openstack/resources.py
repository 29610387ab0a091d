"""The resources of one connection, region by region.

Per network and region one network with one subnet (zones share it: on OpenStack a zone is a choice of
hypervisors), and where there is an external network a router to it. Per group and region one security
group. Per VM a port, which carries address and security group, the server, its volumes and its
floating address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from mcis_iac.clouds.openstack import settings, walls
from mcis_iac.clouds.openstack.machine import machine
from mcis_iac.clouds.openstack.site import Site
from mcis_iac.model import Group, Mcis, Subject
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Ref, Resource

KEY_MARK = 8


def declared(site: Site) -> Iterator[Resource]:
    """All resources of a connection, each after what it refers to."""
    yield site.provider_resource()
    mcis, members = site.mcis, site.members
    for network, region in dict.fromkeys((mcis.groups[m.group].network, m.region) for m in members):
        yield from _network(site, network, region)
    for name, region in dict.fromkeys((mcis.groups[m.group].key, m.region) for m in members):
        yield _key_pair(site, name, region)
    for group, region in _walled(site):
        yield _security_group(site, group, region)
    for group, region in _walled(site):
        for each in walls.standing(site.plan, site.connection, group, region):
            yield _rule(site, *each)
    for member in members:
        yield from machine(site, member)


def linked(site: Site) -> Iterator[Resource]:
    """The rules that let in machines of other networks, regions and clouds."""
    for group, region in _walled(site):
        for each in walls.by_address(site.plan, site.connection, group, region):
            yield _rule(site, *each)


def _walled(site: Site) -> list[tuple[Group, str]]:
    """Every group and region with a security group."""
    places = dict.fromkeys((m.group, m.region) for m in site.members)
    return [(site.mcis.groups[name], region) for name, region in places]


def _rule(site: Site, key: str, inputs: Inputs, subject: Subject) -> Resource:
    return site.resource(key, "networking/secGroupRule:SecGroupRule", inputs, subject)


def key_name(mcis: Mcis, key: str, public_key: str) -> str:
    """The name of a key pair; another text makes another name, so that both can exist for a while.

    Key pairs belong to a user, whatever the project, and connections of one stack can be the same
    user's: the name tells them apart by connection and region, which are in `key`. Key pairs carry no
    tags: their names begin with what they can be found by.
    """
    text = hashlib.sha256(public_key.encode()).hexdigest()[:KEY_MARK]
    return f"{key_mark(naming.tags(mcis))}{naming.cloud_name(mcis, f'{key}/{text}')}"


def key_mark(tags: Mapping[str, str]) -> str:
    """What the key pairs of an MCIS begin with."""
    whose = "\0".join(tags.get(name, "") for name in ("mcis-namespace", "mcis", "mcis-env"))
    return f"mcis-{hashlib.sha256(whose.encode()).hexdigest()[:KEY_MARK]}-"


def _key_pair(site: Site, name: str, region: str) -> Resource:
    key, text = naming.key_pair(name, site.connection.name, region), site.plan.public_keys[name]
    inputs: Inputs = {
        "name": key_name(site.mcis, key, text),
        "region": region,
        "publicKey": text,
    }
    return site.resource(
        key,
        "compute/keypair:Keypair",
        inputs,
        site.subject(region),
        options=Options(additional_secret_outputs=("privateKey",)),
    )


def _network(site: Site, network: str, region: str) -> Iterator[Resource]:
    here, subject = site.connection.name, site.subject(region)
    if settings.existing(site.mcis, network, site.connection, region) is not None:
        return
    key = naming.network(network, here, region)
    inputs = site.named(key, region) | {"adminStateUp": True, "tags": site.words()}
    yield site.resource(key, "networking/network:Network", inputs, subject)
    part = naming.of_network("subnet", network, here, region)
    inputs = site.named(part, region) | {
        "networkId": Ref(key),
        "cidr": site.block(network, region),
        "ipVersion": 4,
        "enableDhcp": True,
        "tags": site.words(),
    }
    servers = settings.name_servers(site.connection)
    if servers:
        inputs["dnsNameservers"] = list(servers)
    # Ranges of one network may not overlap, not even while one takes the place of the other.
    alone = Options(delete_before_replace=True)
    yield site.resource(part, "networking/subnet:Subnet", inputs, subject, options=alone)
    yield from _router(site, network, region, part)


def _router(site: Site, network: str, region: str, subnet: str) -> Iterator[Resource]:
    if not settings.leads_outside(site.connection, region):
        return
    outside = settings.external_network_id(site.plan, site.connection, region)
    here, subject = site.connection.name, site.subject(region)
    key = naming.of_network("router", network, here, region)
    inputs = site.named(key, region) | {
        "adminStateUp": True,
        "externalNetworkId": outside or settings.external_network(site.connection, region),
        "tags": site.words(),
    }
    # The name stands for an id that nobody has asked for; beside the real one it is no change.
    options = Options() if outside else Options(ignore_changes=("externalNetworkId",))
    yield site.resource(key, "networking/router:Router", inputs, subject, options=options)
    inputs = {"region": region, "routerId": Ref(key), "subnetId": Ref(subnet)}
    link = naming.of_network("link", network, here, region)
    yield site.resource(link, "networking/routerInterface:RouterInterface", inputs, subject)


def _security_group(site: Site, group: Group, region: str) -> Resource:
    key = naming.security_group(group.name, site.connection.name, region)
    inputs = site.named(key, region) | {
        "description": f"{site.mcis.name}: {group.name}",
        "tags": site.words(group),
    }
    return site.resource(key, "networking/secGroup:SecGroup", inputs, site.subject(region, group.name))
