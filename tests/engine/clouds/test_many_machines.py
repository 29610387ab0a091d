"""Many machines in four clouds are one stack like any other; `make test-large` has three hundred."""

from __future__ import annotations

import pytest
from fakes.standin.lab import SECRETS, Lab
from fakes.standin.stacks import HOST_KEY, four_clouds, plan_of

from mcis_iac.model import Op
from mcis_iac.program.build import build

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("count", [3, pytest.param(75, marks=pytest.mark.large)])
def test_many_machines_live_in_four_clouds(lab: Lab, count: int) -> None:
    mcis = four_clouds(count)
    graph = build(plan_of(mcis))
    names = {member.name for member in plan_of(mcis).members}
    first = lab.knows(mcis).up(graph)
    assert first.ok, first.failed[:3]
    assert set(first.outputs["inventory"]) == names and len(names) == 4 * count
    assert lab.preview(graph).empty
    calls = len(lab.clouds.calls("aws"))
    larger = lab.up(build(plan_of(four_clouds(count, web=count + 1))))
    assert larger.ok, larger.failed[:3]
    assert [step.key for step in larger.steps if step.is_vm] == [f"web-{count + 1}"]
    assert len(lab.clouds.calls("aws")) < calls + 10
    assert {step.op for step in larger.steps} <= {Op.CREATE, Op.UPDATE}
    keys = [HOST_KEY.format(name).splitlines()[1] for name in ("web-1", f"api-{count}", "db-1", "jobs-1")]
    assert lab.files_with(*SECRETS, *keys) == []
    assert lab.down().ok
    assert lab.there() == []


@pytest.mark.parametrize("count", [pytest.param(75, marks=pytest.mark.large)])
def test_many_machines_survive_trouble(lab: Lab, count: int) -> None:
    mcis = four_clouds(count)
    graph = build(plan_of(mcis))
    names = {member.name for member in plan_of(mcis).members}
    hit = {f"web-{count}", f"api-{count}", f"db-{count}", f"jobs-{count}"}
    lab.clouds.faults(*({"do": "quota", "name": name} for name in sorted(hit)))
    partly = lab.knows(mcis).up(graph)
    assert {step.key: step.failure.code for step in partly.failed if step.is_vm and step.failure} == (
        dict.fromkeys(hit, "quota")
    )
    assert set(partly.outputs["inventory"]) == names - hit
    lab.clouds.faults()
    rest = lab.up(graph)
    assert rest.ok and {step.key for step in rest.steps if step.is_vm} == hit
    assert lab.refresh().steps == () and lab.preview(graph).empty
    anew = lab.up(graph, replace=["web-1", "jobs-1"])
    assert anew.ok, anew.failed
    assert {step.key: step.op for step in anew.steps if step.is_vm} == {
        "web-1": Op.REPLACE,
        "jobs-1": Op.REPLACE,
    }
    lab.clouds.faults({"do": "quota", "name": f"web-{count + 1}"})
    larger = lab.up(build(plan_of(four_clouds(count, web=count + 1))))
    made = [step.key for step in larger.steps if step.op is Op.CREATE and step.ok]
    assert not larger.ok and lab.down(targets=made).ok  # what `on_failure: rollback` does
    lab.clouds.faults()
    assert lab.up(graph).ok and lab.preview(graph).empty
    assert lab.files_with(*SECRETS) == []
