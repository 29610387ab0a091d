"""Three hundred machines in four clouds are one stack like any other."""

from __future__ import annotations

import pytest
from fakes.standin.lab import SECRETS, Lab
from fakes.standin.stacks import HOST_KEY, four_clouds, plan_of

from mcis_iac.model import Op
from mcis_iac.program.build import build

pytestmark = pytest.mark.engine
COUNT = 75


def test_three_hundred_machines_live_in_four_clouds(lab: Lab) -> None:
    mcis = four_clouds(COUNT)
    graph = build(plan_of(mcis))
    names = {member.name for member in plan_of(mcis).members}
    first = lab.knows(mcis).up(graph)
    assert first.ok, first.failed[:3]
    assert set(first.outputs["inventory"]) == names and len(names) == 4 * COUNT
    assert lab.preview(graph).empty
    calls = len(lab.clouds.calls("aws"))
    larger = lab.up(build(plan_of(four_clouds(COUNT, web=COUNT + 1))))
    assert larger.ok, larger.failed[:3]
    assert [step.key for step in larger.steps if step.is_vm] == [f"web-{COUNT + 1}"]
    assert len(lab.clouds.calls("aws")) < calls + 10
    assert {step.op for step in larger.steps} <= {Op.CREATE, Op.UPDATE}
    keys = [HOST_KEY.format(name).splitlines()[1] for name in ("web-1", f"api-{COUNT}", "db-1", "jobs-1")]
    assert lab.files_with(*SECRETS, *keys) == []
    assert lab.down().ok
    assert lab.there() == []
