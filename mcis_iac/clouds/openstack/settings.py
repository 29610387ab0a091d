"""What a connection says of its OpenStack: one word for everywhere, or one per region.

lab: {cloud: openstack, os_cloud: lab, external_network: public}
lab: {cloud: openstack, os_cloud: lab, external_network: {RegionOne: public, RegionTwo: ext-net}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcis_iac.model import Connection, Disk, Mcis, Plan

EXTERNAL_NETWORK = "external_network"
EXTERNAL_NETWORK_ID = "external_network_id"


def external_network(connection: Connection, region: str) -> str | None:
    """The name of the network floating addresses come from; None = there is none."""
    return _in_region(connection, EXTERNAL_NETWORK, region)


def external_network_id(plan: Plan, connection: Connection, region: str) -> str | None:
    """Its id, which routers want: the manifest's, else the one the lock has; None = not known yet."""
    given = _in_region(connection, EXTERNAL_NETWORK_ID, region)
    return given or plan.places.get(f"{connection.name}/{region}", {}).get(EXTERNAL_NETWORK)


def leads_outside(connection: Connection, region: str) -> bool:
    """Whether new networks get a router to an external one."""
    known = _in_region(connection, EXTERNAL_NETWORK_ID, region)
    return (known or external_network(connection, region)) is not None


def names(connection: Connection, region: str) -> Mapping[str, str]:
    """What must become an id: the external network, unless the manifest has its id."""
    name = external_network(connection, region)
    if name is None or _in_region(connection, EXTERNAL_NETWORK_ID, region) is not None:
        return {}
    return {EXTERNAL_NETWORK: name}


def name_servers(connection: Connection) -> list[str]:
    """The name servers new subnets tell their machines; none = the cloud's own."""
    given = connection.settings.get("dns_servers") or ()
    return [str(given)] if isinstance(given, str) else [str(each) for each in given]


def volume_type(connection: Connection, disk: Disk) -> str | None:
    """The operator's name for a kind of disk; None = the cloud's default."""
    types = connection.settings.get("volume_types")
    word = types.get(disk.type) if isinstance(types, Mapping) else None
    return None if word is None else str(word)


def existing(mcis: Mcis, network: str, connection: Connection, region: str) -> Mapping[str, Any] | None:
    """What a network is called that is there already: `{network: ID, subnet: ID}`."""
    return mcis.networks[network].existing.get(connection.name, {}).get(region)


def _in_region(connection: Connection, name: str, region: str) -> str | None:
    word = connection.settings.get(name)
    if isinstance(word, Mapping):
        word = word.get(region)
    return None if word is None else str(word)
