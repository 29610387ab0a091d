"""The kinds of things on EC2 that carry our tags, in the order of their deletion.

What uses something else goes first. Rules of security groups are none: they go with their group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

IDS_AT_ONCE = 200
ALIVE = ("pending", "running", "stopping", "stopped")
# The states in which a thing still exists, and the filter that knows them; others have no such states.
_STATES = MappingProxyType(
    {
        "instance": ("instance-state-name", ALIVE),
        "natgateway": ("state", ("pending", "available", "failed")),
    }
)
# What the provider takes for their id, where that is another field.
_KNOWN_AS = MappingProxyType({"key-pair": "KeyName"})
_TABLE = (
    # kind, what its ids begin with, where an answer has them, their field
    ("instance", "i", "Reservations.Instances", "InstanceId"),
    ("volume", "vol", "Volumes", "VolumeId"),
    ("natgateway", "nat", "NatGateways", "NatGatewayId"),
    ("elastic-ip", "eipalloc", "Addresses", "AllocationId"),
    ("security-group", "sg", "SecurityGroups", "GroupId"),
    ("subnet", "subnet", "Subnets", "SubnetId"),
    ("route-table", "rtb", "RouteTables", "RouteTableId"),
    ("internet-gateway", "igw", "InternetGateways", "InternetGatewayId"),
    ("vpc", "vpc", "Vpcs", "VpcId"),
    ("key-pair", "key", "KeyPairs", "KeyPairId"),
)
# Not found like the others (see `spot`): they have no tags.
SPOT_REQUEST = "spot-request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Things of a kind: `<prefix>-0123` are their ids, `answer` leads to them, `field` has the id.

    EC2 names the operation after the answer and the filter after the field.
    """

    name: str
    prefix: str
    answer: tuple[str, ...]
    field: str

    @property
    def operation(self) -> str:
        """What asks for them: `describe_route_tables`."""
        return f"describe_{_words(self.answer[-1], '_')}"

    @property
    def filter(self) -> str:
        """What asks for some of them: `route-table-id`."""
        return _words(self.field, "-")

    def alive(self, client: Any, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Those of the ids that are of this kind and exist, with what the provider calls them."""
        states = _STATES.get(self.name)
        existing = [] if states is None else [{"Name": states[0], "Values": list(states[1])}]
        for row in self.rows(client, ids, *existing):
            yield row[self.field], row[_KNOWN_AS.get(self.name, self.field)]

    def rows(self, client: Any, ids: Sequence[str], *more: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """What EC2 tells of those of the ids that are of this kind, those that are gone included."""
        mine = [id for id in ids if id.startswith(f"{self.prefix}-")]
        for start in range(0, len(mine), IDS_AT_ONCE):
            chosen = {"Name": self.filter, "Values": mine[start : start + IDS_AT_ONCE]}
            yield from asked(client, self.operation, self.answer, [chosen, *more])


def asked(
    client: Any, operation: str, answer: Sequence[str], filters: Sequence[Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """Everything an operation tells with those filters, page by page where it has pages."""
    if not client.can_paginate(operation):
        yield from _below(getattr(client, operation)(Filters=list(filters)), answer)
        return
    for page in client.get_paginator(operation).paginate(Filters=list(filters)):
        yield from _below(page, answer)


def _below(answer: Mapping[str, Any], path: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    first, *rest = path
    for row in answer.get(first, ()):
        if rest:
            yield from _below(row, rest)
        else:
            yield row


def _words(name: str, between: str) -> str:
    """`RouteTables` as `route_tables`."""
    return re.sub(r"(?<!^)(?=[A-Z])", between, name).lower()


KINDS = tuple(
    Kind(name=name, prefix=prefix, answer=tuple(answer.split(".")), field=field)
    for name, prefix, answer, field in _TABLE
)
INSTANCE = KINDS[0]
ORDER = MappingProxyType({name: place for place, name in enumerate((SPOT_REQUEST, *(k.name for k in KINDS)))})


def rank(kind: str) -> int:
    """When things of that kind are deleted."""
    return ORDER[kind]
