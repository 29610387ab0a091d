"""The limits of a region that a manifest may hit, and how much of them is taken.

Processors are limited by family and by how they are paid for; the codes are those of Service Quotas.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from mcis_iac.clouds.base import Demand


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit of a region, what a manifest wants of it, and how much is taken."""

    what: str
    service: str
    code: str
    wanted: Callable[[Demand], float]
    used: Callable[[Any], float]


@dataclass(frozen=True, slots=True)
class Family:
    """Types that share a limit, by the letters they begin with; `spot` is "" where there are none."""

    what: str
    letters: frozenset[str]
    code: str
    spot: str


FAMILIES = (
    Family("vCPUs", frozenset((*"acdhimrtz", "im", "is")), "L-1216C47A", "L-34B43A08"),
    Family("G and VT vCPUs", frozenset(("g", "gr", "vt")), "L-DB2E81BA", "L-3819A6DF"),
    Family("P vCPUs", frozenset("p"), "L-417A185B", "L-7212CCBC"),
    Family("X vCPUs", frozenset("x"), "L-7295265B", "L-E3A00192"),
    Family("F vCPUs", frozenset("f"), "L-74FC7D96", "L-88CF9481"),
    Family("Inf vCPUs", frozenset(("inf",)), "L-1945791B", "L-B5D1601B"),
    Family("Trn vCPUs", frozenset(("trn",)), "L-2C3B7624", "L-6B0D517C"),
    Family("DL vCPUs", frozenset(("dl",)), "L-6E869C2A", "L-85EED4F7"),
    Family("HPC vCPUs", frozenset(("hpc",)), "L-F7808C92", ""),
    Family("high memory vCPUs", frozenset("u"), "L-43DA4232", ""),
)
# The newer ones of a family that have a limit of their own for spot VMs are not known apart.
LETTERS = re.compile(r"[a-z]+")


def within(family: Family, type: str) -> bool:
    """Whether an instance type belongs to the family."""
    found = LETTERS.match(type)
    return found is not None and found[0] in family.letters


def _bought(family: Family, demand: Demand) -> float:
    every = sum(count for type, count in demand.by_type if within(family, type))
    return every - _lent(family, demand)


def _lent(family: Family, demand: Demand) -> float:
    return sum(count for type, count in demand.spot.by_type if within(family, type))


def _running(family: Family, ec2: Any, *, spot: bool) -> float:
    """The processors of VMs that run: those of spot VMs count apart."""
    return sum(
        int(cpu.get("CoreCount", 1)) * int(cpu.get("ThreadsPerCore", 1))
        for machine in _machines(ec2)
        if (machine.get("InstanceLifecycle") == "spot") is spot and within(family, machine["InstanceType"])
        for cpu in (machine.get("CpuOptions") or {},)
    )


def _machines(ec2: Any) -> Iterator[Any]:
    running = {"Name": "instance-state-name", "Values": ["pending", "running"]}
    for page in ec2.get_paginator("describe_instances").paginate(Filters=[running]):
        for each in page["Reservations"]:
            yield from each["Instances"]


def _of_families() -> Iterator[Quota]:
    for family in FAMILIES:
        yield Quota(
            family.what, "ec2", family.code, partial(_bought, family), partial(_running, family, spot=False)
        )
        if family.spot:
            what = f"spot {family.what}"
            yield Quota(
                what, "ec2", family.spot, partial(_lent, family), partial(_running, family, spot=True)
            )


def _networks(ec2: Any) -> float:
    return sum(len(page["Vpcs"]) for page in ec2.get_paginator("describe_vpcs").paginate())


def _addresses(ec2: Any) -> float:
    return len(ec2.describe_addresses()["Addresses"])


def _lasting(demand: Demand) -> float:
    """A NAT gateway has an Elastic IP, too."""
    return demand.static_ips + demand.gateways


QUOTAS = (
    *_of_families(),
    Quota("VPCs", "vpc", "L-F678F1CE", lambda demand: demand.networks, _networks),
    Quota("Elastic IPs", "ec2", "L-0263D0A3", _lasting, _addresses),
)
