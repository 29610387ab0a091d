"""AWS's machines through the real engine: what may change under them, where AWS differs from others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.standin.lab import Lab
from fakes.standin.shop import a_shop, applied
from fakes.standin.stacks import plan_of

from mcis_iac.model import Op

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
