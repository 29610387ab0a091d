"""Google Cloud's machines through the real engine: what may change under them, where Google differs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.standin.lab import Lab
from fakes.standin.shop import a_shop, applied
from fakes.standin.stacks import plan_of

from mcis_iac.model import Op

pytestmark = pytest.mark.engine


@pytest.fixture
def shop(lab: Lab) -> Lab:
    return lab.knows(a_shop("gcp"))


def test_a_new_login_key_reaches_running_machines(shop: Lab) -> None:
    applied(shop, plan_of(a_shop("gcp")))
    plan = replace(plan_of(a_shop("gcp")), public_keys={"generated": "ssh-ed25519 AAAAanother"})
    assert set(applied(shop, plan).values()) == {Op.UPDATE}
    machine = next(t for t in shop.clouds.things("gcp", "%:Instance") if t.name == "api-1")
    assert machine.inputs["metadata"]["ssh-keys"] == "mcis:ssh-ed25519 AAAAanother"


def test_a_machine_that_leaves_takes_what_is_its_own(shop: Lab) -> None:
    applied(shop, plan_of(a_shop("gcp", 2)))
    steps = applied(shop, plan_of(a_shop("gcp", 1)))
    assert set(steps) == {"api-2", "disk/api-2/data", "attach/api-2/data", "ip/api-2"}
    assert set(steps.values()) == {Op.DELETE}
