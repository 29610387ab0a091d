"""Finding and sweeping what carries our tags in a project, in every region of it.

Servers and volumes carry tags as metadata, what is in the network as words; a key pair has no place
for tags and is found by the beginning of its name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mcis_iac.clouds.base import Found
from mcis_iac.clouds.openstack import labels, resources, session
from mcis_iac.errors import OperationError
from mcis_iac.model import Connection

CREATE_ADOPTS = False
ENV = "mcis-env"
WHOSE = frozenset({"mcis", "mcis-namespace", ENV})
# What uses something else goes first.
# How each kind is deleted (what is gone already counts as deleted); what uses something else goes first.
DELETE: Mapping[str, Callable[[Any, str], object]] = {
    "instance": lambda cloud, server: cloud.compute.delete_server(server),
    "volume": lambda cloud, volume: cloud.block_storage.delete_volume(volume),
    "floating_ip": lambda cloud, address: cloud.network.delete_ip(address),
    "router": lambda cloud, router: cloud.network.delete_router(router),
    "port": lambda cloud, port: cloud.network.delete_port(port),
    "subnet": lambda cloud, subnet: cloud.network.delete_subnet(subnet),
    "network": lambda cloud, network: cloud.network.delete_network(network),
    "security_group": lambda cloud, group: cloud.network.delete_security_group(group),
    "key_pair": lambda cloud, pair: cloud.compute.delete_keypair(pair),
}
ORDER = tuple(DELETE)
INTERFACES = (
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
)
GONE_S = 300
PATIENCE_S = 60
POLL_S = 0.5
IN_USE = (400, 409)  # volumes say the first, networks the second


def find(connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
    """Everything that carries all those tags, in the order it can be deleted in.

    Tags of an MCIS without an env do not mean the envs beside it: `shop` is not `shop.prod`.
    """
    return [found for region in _regions(connection) for found in _there(connection, region, tags)]


def sweep(connection: Connection, tags: Mapping[str, str]) -> Sequence[Found]:
    """Delete all of that and return it; with no tag at all nothing is ours and nothing is deleted."""
    if not tags:
        return ()
    swept: list[Found] = []
    for region in _regions(connection):
        found = _there(connection, region, tags)
        with session.opened(connection, region) as cloud:
            for kind in ORDER:
                _delete(cloud, kind, [each.id for each in found if each.kind == kind])
        swept += found
    return swept


def _regions(connection: Connection) -> list[str]:
    with session.opened(connection) as cloud:
        return session.regions(cloud, connection)


def _there(connection: Connection, region: str, tags: Mapping[str, str]) -> list[Found]:
    wanted = labels.metadata(tags).items()
    with session.opened(connection, region) as cloud:
        found = [each for each in _tagged(cloud) if wanted <= each.tags.items()]
        found += _key_pairs(cloud, tags)
    if "mcis" in tags and ENV not in tags:
        found = [each for each in found if ENV not in each.tags]
    return sorted(found, key=lambda each: (ORDER.index(each.kind), each.name, each.id))


def _tagged(cloud: Any) -> Iterator[Found]:
    for server in cloud.compute.servers(details=True):
        yield _found("instance", server, server.metadata or {})
    for volume in cloud.block_storage.volumes() if cloud.has_service("block-storage") else ():
        yield _found("volume", volume, volume.metadata or {})
    kinds: dict[str, Callable[[], Any]] = {
        "floating_ip": cloud.network.ips,
        "router": cloud.network.routers,
        "port": cloud.network.ports,
        "subnet": cloud.network.subnets,
        "network": cloud.network.networks,
        "security_group": cloud.network.security_groups,
    }
    for kind, ask in kinds.items():
        for each in ask():
            yield _found(kind, each, labels.read(each.tags or ()))


def _found(kind: str, thing: Any, tags: Mapping[str, str]) -> Found:
    name = thing.description if kind == "floating_ip" else thing.name
    return Found(kind=kind, id=str(thing.id), name=str(name or ""), tags=dict(tags))


def _key_pairs(cloud: Any, tags: Mapping[str, str]) -> Iterator[Found]:
    if not {"mcis", "mcis-namespace"} <= tags.keys() or tags.keys() - WHOSE:
        return
    mark = resources.key_mark(tags)
    for pair in cloud.compute.keypairs():
        if pair.name.startswith(mark):
            yield Found(kind="key_pair", id=pair.name, name=pair.name, tags=dict(tags))


# ---------------------------------------------------------------- deleting


def _delete(cloud: Any, kind: str, ids: Sequence[str]) -> None:
    for each in ids:
        if kind == "router":
            _unplug(cloud, each)
        _patiently(cloud, kind, each)
    if kind == "instance":
        _wait_gone(cloud, frozenset(ids))


def _patiently(cloud: Any, kind: str, each: str) -> None:
    """Delete one thing; what used it lets go of it a little later than it is gone itself."""
    from openstack.exceptions import HttpException

    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            DELETE[kind](cloud, each)
        except HttpException as error:
            if error.status_code not in IN_USE or time.monotonic() > until:
                raise
            time.sleep(POLL_S)
        else:
            return


def _unplug(cloud: Any, router: str) -> None:
    """A router cannot be deleted while it has interfaces."""
    for port in cloud.network.ports(device_id=router):
        if port.device_owner in INTERFACES:
            cloud.network.remove_interface_from_router(router, None, port.id)


def _wait_gone(cloud: Any, ids: frozenset[str]) -> None:
    """Ports and volumes are in use until their server is really gone."""
    until = time.monotonic() + GONE_S
    while ids & {server.id for server in cloud.compute.servers(details=False)}:
        if time.monotonic() > until:
            raise OperationError(
                summary="OpenStack did not delete a server",
                detail=f"{', '.join(sorted(ids))}: still there after {GONE_S} s",
                hint="`openstack server show ID` says what it is doing; run the command again later",
            )
        time.sleep(POLL_S)
