"""AWS's machines through the real engine: what may change under them, where AWS differs from others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.standin.lab import Lab
from fakes.standin.shop import a_shop, applied
from fakes.standin.stacks import everything, plan_of

from mcis_iac.model import Network, Op
from mcis_iac.program.build import build

pytestmark = pytest.mark.engine
SEOUL = "ap-northeast-2"


@pytest.fixture
def shop(lab: Lab) -> Lab:
    return lab.knows(a_shop("aws"))


def test_a_new_login_key_replaces_no_machine(shop: Lab) -> None:
    applied(shop, plan_of(a_shop("aws")))
    plan = replace(plan_of(a_shop("aws")), public_keys={"generated": "ssh-ed25519 AAAAanother"})
    assert applied(shop, plan) == {f"key/generated/aws/{SEOUL}": Op.REPLACE}


def test_a_machine_in_a_new_zone_brings_its_subnet_and_touches_nothing(shop: Lab) -> None:
    applied(shop, plan_of(a_shop("aws", 1)))
    steps = applied(shop, plan_of(a_shop("aws", 2)))
    assert set(steps.values()) == {Op.CREATE}
    assert {f"subnet/main/aws/{SEOUL}/b/public", f"rta/main/aws/{SEOUL}/b/public", "api-2"} <= steps.keys()


def test_another_address_of_ours_changes_rules_and_no_machine(shop: Lab) -> None:
    applied(shop, plan_of(a_shop("aws", 1)))
    steps = applied(shop, replace(plan_of(a_shop("aws", 1)), me="198.51.100.1/32"))
    assert {key.partition("/")[0] for key in steps} == {"rule"}


def test_a_network_that_cannot_go_yet_ends_the_run_and_the_next_one_goes_on(lab: Lab) -> None:
    mcis = everything("aws", web=1, api=1)
    lab.knows(mcis).up(build(plan_of(mcis)))
    moved = replace(mcis, networks={"main": Network(name="main", cidr="10.200.0.0/16")})
    lab.clouds.faults({"do": "throttle", "verb": "delete", "token": "*:Subnet"})
    failed = lab.up(build(plan_of(moved)))
    assert not failed.ok and failed.failed
    lab.clouds.faults()
    assert lab.up(build(plan_of(moved))).ok
    assert lab.preview(build(plan_of(moved))).empty
    assert lab.down().ok and lab.there() == []
