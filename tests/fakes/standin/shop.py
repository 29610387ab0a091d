"""A shop on one cloud: machines with disks and addresses of their own, and one without an address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fakes.standin.lab import Lab
from fakes.standin.stacks import group, over_clouds, plan_of

from mcis_iac.model import Disk, HostKey, ImageChoice, Mcis, Op, Plan, Setup
from mcis_iac.program.build import build

DATA = Disk(name="data", size_gib=20, mount="/data")


def a_shop(cloud: str, count: int = 2, **fields: Any) -> Mcis:
    """Group `api` with those fields, and `db`, nobody's neighbour."""
    wanted: dict[str, Any] = {"disks": (DATA,), "public_ip": "static"}
    own = replace(group("api", count, cloud, **(wanted | fields)), firewalls=())
    return over_clouds(own, replace(group("db", 1, cloud, public_ip="none"), firewalls=()))


def applied(lab: Lab, plan: Plan) -> dict[str, Op]:
    """What an `up` did, by key; it must go well."""
    outcome = lab.up(build(plan))
    assert outcome.ok, (outcome.failed, outcome.message)
    return {step.key: step.op for step in outcome.steps}


def with_another_first_boot(mcis: Mcis, image: str) -> Plan:
    """The shop's plan with all that only counts when a machine starts for the first time."""
    groups = {name: replace(each, setup=Setup(run=("touch /new",))) for name, each in mcis.groups.items()}
    plan = plan_of(replace(mcis, groups=groups))
    members = tuple(replace(m, image=ImageChoice(alias=m.image.alias, id=image)) for m in plan.members)
    keys = {name: HostKey(public="ssh-ed25519 other", private="another key") for name in plan.host_keys}
    return replace(plan, members=members, host_keys=keys)
