"""The kinds of things on EC2 that carry our tags, in the order of their deletion.

What uses something else goes first. Rules of security groups are none: they go with their group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

IDS_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How things of a kind are asked for: `<prefix>-0123` are their ids, `answer` leads to them.

    `known_as` is the field that the provider takes for their id. `states` are a filter and the values
    that mean it still exists.
    """

    name: str
    prefix: str
    operation: str
    filter: str
    answer: tuple[str, ...]
    field: str
    known_as: str = ""
    states: tuple[str, tuple[str, ...]] | None = None

    def alive(self, client: Any, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Those of the ids that are of this kind and exist, with what the provider calls them."""
        mine = [id for id in ids if id.startswith(f"{self.prefix}-")]
        for start in range(0, len(mine), IDS_AT_ONCE):
            for row in self._rows(client, mine[start : start + IDS_AT_ONCE]):
                yield row[self.field], row[self.known_as or self.field]

    def _rows(self, client: Any, ids: list[str]) -> Iterator[Mapping[str, Any]]:
        filters: list[dict[str, Any]] = [{"Name": self.filter, "Values": ids}]
        if self.states:
            filters.append({"Name": self.states[0], "Values": list(self.states[1])})
        if not client.can_paginate(self.operation):
            yield from _below(getattr(client, self.operation)(Filters=filters), self.answer)
            return
        for page in client.get_paginator(self.operation).paginate(Filters=filters):
            yield from _below(page, self.answer)


def _below(answer: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    first, *rest = path
    for row in answer.get(first, ()):
        if rest:
            yield from _below(row, tuple(rest))
        else:
            yield row


KINDS = (
    Kind(
        name="instance",
        prefix="i",
        operation="describe_instances",
        filter="instance-id",
        answer=("Reservations", "Instances"),
        field="InstanceId",
        states=("instance-state-name", ("pending", "running", "stopping", "stopped")),
    ),
    Kind(
        name="volume",
        prefix="vol",
        operation="describe_volumes",
        filter="volume-id",
        answer=("Volumes",),
        field="VolumeId",
    ),
    Kind(
        name="natgateway",
        prefix="nat",
        operation="describe_nat_gateways",
        filter="nat-gateway-id",
        answer=("NatGateways",),
        field="NatGatewayId",
        states=("state", ("pending", "available", "failed")),
    ),
    Kind(
        name="elastic-ip",
        prefix="eipalloc",
        operation="describe_addresses",
        filter="allocation-id",
        answer=("Addresses",),
        field="AllocationId",
    ),
    Kind(
        name="security-group",
        prefix="sg",
        operation="describe_security_groups",
        filter="group-id",
        answer=("SecurityGroups",),
        field="GroupId",
    ),
    Kind(
        name="subnet",
        prefix="subnet",
        operation="describe_subnets",
        filter="subnet-id",
        answer=("Subnets",),
        field="SubnetId",
    ),
    Kind(
        name="route-table",
        prefix="rtb",
        operation="describe_route_tables",
        filter="route-table-id",
        answer=("RouteTables",),
        field="RouteTableId",
    ),
    Kind(
        name="internet-gateway",
        prefix="igw",
        operation="describe_internet_gateways",
        filter="internet-gateway-id",
        answer=("InternetGateways",),
        field="InternetGatewayId",
    ),
    Kind(
        name="vpc",
        prefix="vpc",
        operation="describe_vpcs",
        filter="vpc-id",
        answer=("Vpcs",),
        field="VpcId",
    ),
    Kind(
        name="key-pair",
        prefix="key",
        operation="describe_key_pairs",
        filter="key-pair-id",
        answer=("KeyPairs",),
        field="KeyPairId",
        known_as="KeyName",
    ),
)
ORDER = MappingProxyType({kind.name: place for place, kind in enumerate(KINDS)})


def rank(kind: str) -> int:
    """When things of that kind are deleted."""
    return ORDER[kind]
