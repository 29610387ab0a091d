"""What moving a network means on OpenStack, where addresses hang on ports and ports on subnets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.standin.lab import Lab
from fakes.standin.stacks import group, over_clouds, plan_of

from mcis_iac.model import Mcis, Network, Op
from mcis_iac.program.build import build

pytestmark = pytest.mark.engine


def in_range(cidr: str) -> Mcis:
    mcis = over_clouds(group("api", 1, "openstack"))
    return replace(mcis, networks={"main": Network(name="main", cidr=cidr)})


def test_a_machine_of_a_network_that_moves_is_made_anew_and_keeps_its_public_address(lab: Lab) -> None:
    mcis = in_range("10.20.0.0/16")
    before = lab.knows(mcis).up(build(plan_of(mcis)))
    assert before.ok, before.failed
    after = lab.up(build(plan_of(in_range("10.30.0.0/16"))))
    assert after.ok, after.failed
    assert {step.key: step.op for step in after.steps}["api-1"] is Op.REPLACE
    old, new = before.outputs["inventory"]["api-1"], after.outputs["inventory"]["api-1"]
    assert old["public_ip"] == new["public_ip"] and old["private_ip"] != new["private_ip"]
    assert lab.refresh().steps == ()


def test_an_id_nobody_has_asked_for_changes_no_router(lab: Lab) -> None:
    mcis = in_range("10.20.0.0/16")
    assert lab.knows(mcis).up(build(plan_of(mcis))).ok
    offline = {
        name: replace(each, settings={"external_network": "public"})
        for name, each in mcis.connections.items()
    }
    assert lab.preview(build(plan_of(replace(mcis, connections=offline)))).empty
