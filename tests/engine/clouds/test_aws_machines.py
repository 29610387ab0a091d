"""AWS's machines through the real engine: what may change under them and what may not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes.standin.lab import Lab
from fakes.standin.stacks import group, over_clouds, plan_of

from mcis_iac.model import Disk, HostKey, ImageChoice, Mcis, Op, Outcome, Plan, Setup
from mcis_iac.program.build import build

pytestmark = pytest.mark.engine
DATA = Disk(name="data", size_gib=20, mount="/data")
SEOUL = "ap-northeast-2"


def a_shop(count: int = 2, **fields: Any) -> Mcis:
    wanted: dict[str, Any] = {"disks": (DATA,), "public_ip": "static"}
    own = replace(group("api", count, "aws", **(wanted | fields)), firewalls=())
    return over_clouds(own, replace(group("db", 1, "aws", public_ip="none"), firewalls=()))


@pytest.fixture
def shop(lab: Lab) -> Lab:
    return lab.knows(a_shop())


def applied(lab: Lab, plan: Plan) -> dict[str, Op]:
    outcome: Outcome = lab.up(build(plan))
    assert outcome.ok, (outcome.failed, outcome.message)
    return {step.key: step.op for step in outcome.steps}


def test_a_newer_image_setup_or_host_key_touches_no_machine(shop: Lab) -> None:
    applied(shop, plan_of(a_shop()))
    plan = plan_of(a_shop(setup=Setup(run=("touch /new",))))
    members = tuple(
        replace(m, image=ImageChoice(alias=m.image.alias, id="ami-0f0f0f0f")) for m in plan.members
    )
    keys = {name: HostKey(public="ssh-ed25519 other", private="another key") for name in plan.host_keys}
    assert applied(shop, replace(plan, members=members, host_keys=keys)) == {}


def test_a_plan_without_host_keys_touches_no_machine(shop: Lab) -> None:
    applied(shop, plan_of(a_shop()))
    assert applied(shop, replace(plan_of(a_shop()), host_keys={})) == {}


def test_a_new_login_key_replaces_no_machine(shop: Lab) -> None:
    applied(shop, plan_of(a_shop()))
    steps = applied(shop, replace(plan_of(a_shop()), public_keys={"generated": "ssh-ed25519 AAAAanother"}))
    assert steps == {f"key/generated/aws/{SEOUL}": Op.REPLACE}


def test_a_larger_type_restarts_a_machine_and_keeps_it(shop: Lab) -> None:
    applied(shop, plan_of(a_shop()))
    assert applied(shop, plan_of(a_shop(type="t3.large"))) == {"api-1": Op.UPDATE, "api-2": Op.UPDATE}


def test_a_machine_in_a_new_zone_brings_its_subnet_and_touches_nothing(shop: Lab) -> None:
    applied(shop, plan_of(a_shop(1)))
    steps = applied(shop, plan_of(a_shop(2)))
    assert set(steps.values()) == {Op.CREATE}
    assert {f"subnet/main/aws/{SEOUL}/b/public", f"rta/main/aws/{SEOUL}/b/public", "api-2"} <= steps.keys()


def test_a_further_disk_is_attached_to_the_machine_there_is(shop: Lab) -> None:
    applied(shop, plan_of(a_shop(1)))
    more = Disk(name="logs", size_gib=20, mount="/logs")
    steps = applied(shop, plan_of(a_shop(1, disks=(DATA, more))))
    assert steps == {"disk/api-1/logs": Op.CREATE, "attach/api-1/logs": Op.CREATE}


def test_a_disk_grows_in_place_and_is_never_made_anew(shop: Lab) -> None:
    applied(shop, plan_of(a_shop(1)))
    steps = applied(shop, plan_of(a_shop(1, disks=(replace(DATA, size_gib=40),))))
    assert steps == {"disk/api-1/data": Op.UPDATE}


def test_another_address_of_ours_changes_rules_and_no_machine(shop: Lab) -> None:
    applied(shop, plan_of(a_shop(1)))
    steps = applied(shop, replace(plan_of(a_shop(1)), me="198.51.100.1/32"))
    assert {key.partition("/")[0] for key in steps} == {"rule"}


def test_everything_goes_and_the_private_key_was_nowhere(shop: Lab) -> None:
    applied(shop, plan_of(a_shop()))
    assert shop.files_with("private-host-key-of-api-1") == []
    assert shop.down().ok
    assert shop.there() == []
