"""Everything a manifest can say, on each cloud, against that cloud's rules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.standin.lab import Lab
from fakes.standin.stacks import CONNECTIONS, everything, plan_of

from mcis_iac.model import Mcis, Network, Op, Setup
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph

pytestmark = [pytest.mark.engine, pytest.mark.parametrize("cloud", sorted(CONNECTIONS))]
VMS = {"api-1", "api-2", "db-1", "web-1", "web-2", "web-3"}


def graph(mcis: Mcis) -> Graph:
    return build(plan_of(mcis))


def test_it_comes_up_stays_as_it_is_and_goes(lab: Lab, cloud: str) -> None:
    mcis = everything(cloud)
    first = lab.knows(mcis).up(graph(mcis))
    assert first.ok, first.failed
    assert set(lab.there()) >= VMS
    again = lab.up(graph(mcis))
    assert again.ok and again.steps == ()
    assert lab.refresh().steps == ()
    assert lab.preview(graph(mcis)).empty
    assert lab.down().ok
    assert lab.there() == []


def test_it_grows_and_shrinks_without_touching_other_machines(lab: Lab, cloud: str) -> None:
    mcis = everything(cloud, web=2, api=2)
    lab.knows(mcis).up(graph(mcis))
    outcome = lab.up(graph(everything(cloud, web=1, api=3)))
    assert outcome.ok, outcome.failed
    machines = {step.key: step.op for step in outcome.steps if step.is_vm}
    assert machines == {"web-2": Op.DELETE, "api-3": Op.CREATE}


def test_another_setup_touches_no_machine_and_a_network_that_moves_takes_all_along(
    lab: Lab, cloud: str
) -> None:
    mcis = everything(cloud, web=1, api=1)
    before = lab.knows(mcis).up(graph(mcis)).outputs["inventory"]
    other = lab.up(graph(rebuilt(mcis)))
    assert other.ok, other.failed
    assert [step.key for step in other.steps if step.is_vm] == []

    moved = replace(rebuilt(mcis), networks={"main": Network(name="main", cidr="10.200.0.0/16")})
    replaced = [change for change in lab.preview(graph(moved)).changes if change.op is Op.REPLACE]
    assert {"web-1", "api-1"} <= {change.key for change in replaced}
    unexplained = {c.key: c.replace_reasons for c in replaced if set(c.replace_reasons) <= {"asked for"}}
    assert unexplained == {}

    outcome = lab.up(graph(moved))
    assert outcome.ok, outcome.failed
    assert {step.key: step.op for step in outcome.steps if step.is_vm} == dict.fromkeys(before, Op.REPLACE)
    after = outcome.outputs["inventory"]
    assert all(one["private_ip"].startswith("10.200.") for one in after.values())
    assert lab.preview(graph(moved)).empty and lab.refresh().steps == ()
    assert lab.down().ok and lab.there() == []


def rebuilt(mcis: Mcis) -> Mcis:
    """The same with what counts at the first boot only changed."""
    groups = {
        name: replace(each, setup=Setup(run=("touch /other",)), image="debian-12")
        for name, each in mcis.groups.items()
    }
    return replace(mcis, groups=groups)
