"""Networks on AWS: one VPC per network and region, with public and private subnets per zone used.

A public subnet gives its VMs an address at their start and routes through the internet gateway; VMs
without a public address live in a private one and reach out through one NAT gateway per network and
region. It is in the region's first zone, wherever the VMs are: one for all costs a third of one per
zone, and it must not move when VMs do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, Literal

from mcis_iac.clouds.aws import catalog
from mcis_iac.clouds.aws.scope import Scope
from mcis_iac.model import Group, Member, Plan
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Ref, Resource, Value

ANYWHERE = "0.0.0.0/0"
SPLIT_BITS, SMALLEST_PART = 4, 28
# Two subnets may not overlap, not even while one takes the place of the other.
ALONE = Options(delete_before_replace=True)

Kind = Literal["public", "private"]


def kind_of(group: Group) -> Kind:
    """The kind of subnet the VMs of a group are in."""
    return "private" if group.public_ip == "none" else "public"


def existing(plan: Plan, network: str, connection: str, region: str) -> Mapping[str, Any] | None:
    """The user's words for a VPC that is there already."""
    return plan.mcis.networks[network].existing.get(connection, {}).get(region)


def vpc(plan: Plan, network: str, connection: str, region: str) -> Value:
    """The id of the network's VPC in a region."""
    given = existing(plan, network, connection, region)
    return str(given["vpc"]) if given else Ref(naming.network(network, connection, region))


def existing_subnet(given: Mapping[str, Any], zone: str) -> str:
    """The existing subnet for a zone: by its letter, or the only one there is."""
    subnets = given.get("subnets") or ()
    if isinstance(subnets, Mapping):
        return str(subnets.get(zone) or next(iter(subnets.values())))
    return str(next(iter(subnets)))


def subnet_key(network: str, connection: str, region: str, zone: str, kind: Kind) -> str:
    """The key of a zone's subnet of one kind."""
    return naming.of_network("subnet", network, connection, region, zone, kind)


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a VM is: its subnet's id, and what must be there before it is any use to start.

    `decides`: whether the subnet is made to give its VMs a public address, or none, as they want it.
    """

    subnet: Value
    after: tuple[str, ...] = ()
    decides: bool = True


def seat(scope: Scope, member: Member) -> Seat:
    """The subnet of a member."""
    group, connection = scope.group(member), scope.connection.name
    given = existing(scope.plan, group.network, connection, member.region)
    if given:
        return Seat(existing_subnet(given, member.zone), decides=False)
    place = (group.network, connection, member.region, member.zone, kind_of(group))
    # Named by the machine, too, so that the engine knows that it must go before its subnet does.
    association = naming.of_network("rta", *place)
    return Seat(Ref(subnet_key(*place)), (association,))


def declare(scope: Scope) -> Iterator[Resource]:
    """The networks that members here need and that are not there already."""
    used: dict[tuple[str, str], set[tuple[str, Kind]]] = {}
    for member in scope.members:
        group = scope.group(member)
        if not existing(scope.plan, group.network, scope.connection.name, member.region):
            parts = used.setdefault((group.network, member.region), set())
            parts.add((member.zone, kind_of(group)))
    for (network, region), parts in sorted(used.items()):
        yield from _Regional(scope, network, region).resources(parts)


class _Regional:
    """One network in one region."""

    def __init__(self, scope: Scope, network: str, region: str) -> None:
        self.scope, self.network, self.region = scope, network, region
        self.block = IPv4Network(scope.block(network, region))

    def resources(self, parts: set[tuple[str, Kind]]) -> Iterator[Resource]:
        zones: dict[Kind, set[str]] = {"public": set(), "private": set()}
        for zone, kind in parts:
            zones[kind].add(zone)
        first = {self._first_zone(zones["private"])} if zones["private"] else set()
        yield from self._vpc()
        yield from self._table("public", Ref(self._key("igw")))
        for zone in sorted(zones["public"] | first):
            yield from self._subnet(zone, "public")
        if zones["private"]:
            yield from self._nat(*first)
            yield from self._table("private", None)
        for zone in sorted(zones["private"]):
            yield from self._subnet(zone, "private")

    def _first_zone(self, used: set[str]) -> str:
        known = catalog.zones(self.region)
        return known[0] if known else min(used)

    def _key(self, kind: str, *more: str) -> str:
        return naming.of_network(kind, self.network, self.scope.connection.name, self.region, *more)

    def _make(self, key: str, kind: str, inputs: Inputs, *, tagged: bool = True, **options: Any) -> Resource:
        tags: Inputs = {"tags": self.scope.tags(key)} if tagged else {}
        return self.scope.regional(key, kind, self.region, inputs | tags, **options)

    def _vpc(self) -> Iterator[Resource]:
        whole: Inputs = {
            "cidrBlock": str(self.block),
            "enableDnsHostnames": True,
            "enableDnsSupport": True,
        }
        yield self._make(self._key("net"), "ec2/vpc:Vpc", whole)
        inside: Inputs = {"vpcId": Ref(self._key("net"))}
        yield self._make(self._key("igw"), "ec2/internetGateway:InternetGateway", inside)

    def _table(self, kind: Kind, gateway: Value) -> Iterator[Resource]:
        """A route table and the way out; without an internet gateway through the NAT gateway."""
        table = self._key("rtb", kind)
        yield self._make(table, "ec2/routeTable:RouteTable", {"vpcId": Ref(self._key("net"))})
        route: Inputs = {"routeTableId": Ref(table), "destinationCidrBlock": ANYWHERE}
        route |= {"gatewayId": gateway} if gateway else {"natGatewayId": Ref(self._key("nat"))}
        yield self._make(self._key("route", kind), "ec2/route:Route", route, tagged=False)

    def _subnet(self, zone: str, kind: Kind) -> Iterator[Resource]:
        key = subnet_key(self.network, self.scope.connection.name, self.region, zone, kind)
        inputs: Inputs = {
            "vpcId": Ref(self._key("net")),
            "availabilityZone": f"{self.region}{zone}",
            "cidrBlock": self._part(zone, kind),
            "mapPublicIpOnLaunch": kind == "public",
        }
        yield self._make(key, "ec2/subnet:Subnet", inputs, options=ALONE)
        association: Inputs = {"subnetId": Ref(key), "routeTableId": Ref(self._key("rtb", kind))}
        yield self._make(
            self._key("rta", zone, kind),
            "ec2/routeTableAssociation:RouteTableAssociation",
            association,
            tagged=False,
            options=Options(depends_on=(self._key("route", kind),), delete_before_replace=True),
        )

    def _nat(self, zone: str) -> Iterator[Resource]:
        # An address in a VPC cannot be used, nor released, without the internet gateway.
        address = self._make(
            self._key("natip"),
            "ec2/eip:Eip",
            {"domain": "vpc"},
            options=Options(depends_on=(self._key("igw"),)),
        )
        yield address
        gateway: Inputs = {
            "subnetId": Ref(
                subnet_key(self.network, self.scope.connection.name, self.region, zone, "public")
            ),
            "allocationId": Ref(self._key("natip")),
            "connectivityType": "public",
        }
        after = Options(depends_on=(self._key("route", "public"),), delete_before_replace=True)
        yield self._make(self._key("nat"), "ec2/natGateway:NatGateway", gateway, options=after)

    def _part(self, zone: str, kind: Kind) -> str:
        place = f"{self.scope.connection.name}/{self.region}/{zone}"
        given = self.scope.plan.ranges.get(self.network, {}).get(place)
        public = IPv4Network(given) if given else part(self.block, zone, catalog.zones(self.region))
        return str(public if kind == "public" else private_part(self.block, public))


# ---------------------------------------------------------------- addresses


def part(block: IPv4Network, zone: str, zones: tuple[str, ...]) -> IPv4Network:
    """A zone's part of a block for VMs with a public address, by the zone's place in the region."""
    prefix = min(block.prefixlen + SPLIT_BITS, SMALLEST_PART)
    index = zones.index(zone) if zone in zones else ord(zone[-1:] or "a") % 8
    parts = list(block.subnets(new_prefix=prefix))
    return parts[index % len(parts)]


def private_part(block: IPv4Network, public: IPv4Network) -> IPv4Network:
    """The counterpart for VMs without: as far into the upper half of the block."""
    start = int(public.network_address) + block.num_addresses // 2
    if start > int(block.broadcast_address):
        start -= block.num_addresses
    return IPv4Network((start, public.prefixlen))


def fits(block_prefix: int, part_prefix: int, zones: int) -> bool:
    """Whether that many zones find room in half of a block, the other half being the private one."""
    return zones * 2 <= 1 << (part_prefix - block_prefix)
