"""Plugins that die in the middle of their work: nothing is made twice, nothing is forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.standin.lab import SECRETS, Lab
from fakes.standin.shop import a_shop
from fakes.standin.stacks import HOST_KEY, group, over_clouds, plan_of

from mcis_iac.engine import checkpoint, operations, recovery
from mcis_iac.errors import McisError
from mcis_iac.model import Op, Outcome
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph

pytestmark = pytest.mark.engine
DISK, ADDRESS = "disk/api-1/data", "ip/api-1"


def graph(cloud: str, count: int = 1) -> Graph:
    """Machines with a disk and an address of their own."""
    return build(plan_of(a_shop(cloud, count)))


def bare(count: int) -> Graph:
    """Machines with nothing of their own, on AWS, where a name keeps nobody from being made twice."""
    alone = replace(group("api", count, "aws", public_ip="none"), firewalls=())
    return build(plan_of(over_clouds(alone)))


def dying(lab: Lab, whole: Graph, key: str, when: str = "die-late") -> Outcome:
    """An `up` in which the plugin dies over that key."""
    lab.knows(a_shop("aws"))
    lab.clouds.faults({"do": when, "name": key, "times": 1})
    outcome = lab.up(whole)
    assert key in {step.key for step in outcome.failed}
    return outcome


def recovered(lab: Lab) -> tuple[str, ...]:
    """What a look at the clouds by name makes of everything in doubt."""
    made = {thing.name: thing.id for thing in lab.clouds.every()}
    return recovery.recover(lab.session, lambda one: made.get(one.resource.key))


def in_doubt(lab: Lab) -> list[str]:
    return sorted(one.resource.key for one in checkpoint.pending(lab.session.deployment()))


@pytest.mark.parametrize(
    ("cloud", "key"),
    [
        ("aws", "api-1"),
        ("gcp", ADDRESS),
        ("azure", "api-1"),
        ("openstack", DISK),
    ],
)
def test_what_was_made_is_adopted_and_then_complete(lab: Lab, cloud: str, key: str) -> None:
    whole = graph(cloud)
    dying(lab, whole, key)
    (made,) = [thing for thing in lab.clouds.every() if thing.name == key]
    assert key in in_doubt(lab)
    assert f"{key} had been created without our knowing; adopted it as {made.id}" in recovered(lab)
    assert in_doubt(lab) == []

    again = lab.up(whole)
    assert again.ok, again.failed
    assert key not in {step.key for step in again.steps}
    assert [thing.id for thing in lab.clouds.every() if thing.name == key] == [made.id]
    assert lab.up(whole).steps == ()
    hidden = [HOST_KEY.format(name).splitlines()[1] for name in ("api-1", "db-1")]
    assert lab.files_with(*SECRETS, *hidden) == []


def test_what_was_not_made_is_created_again(lab: Lab) -> None:
    dying(lab, bare(2), "api-2", when="die")
    assert "api-2: creating had never ended; it is begun again" in recovered(lab)
    assert lab.up(bare(2)).ok
    assert [thing.name for thing in lab.clouds.things("aws", "%:Instance")] == ["api-1", "api-2"]


def test_what_may_exist_is_told_and_neither_counts_as_existing_nor_as_replaced(lab: Lab) -> None:
    dying(lab, bare(1), "api-1")
    told = [str(event.fields.get("summary")) for event in lab.events if event.kind == "diagnostic"]
    assert "api-1 may have been made all the same; the next `mcis up` or `mcis down` looks for it" in told
    assert "api-1" not in {one.key for one in operations.state(lab.session)}
    ahead = lab.preview(bare(1))
    assert (ahead.vms_before, ahead.vms_after) == (0, 1)
    assert {change.key: change.op for change in ahead.changes}["api-1"] is Op.CREATE


def test_a_down_takes_along_what_it_adopts(lab: Lab) -> None:
    dying(lab, graph("gcp"), "api-1")
    recovered(lab)
    outcome = lab.down()
    assert outcome.ok, outcome.failed
    assert lab.there() == []


def test_a_down_of_other_machines_keeps_looking(lab: Lab) -> None:
    assert lab.knows(a_shop("aws")).up(bare(1)).ok
    dying(lab, bare(2), "api-2")
    recovered_later = in_doubt(lab)
    assert lab.down(targets=["api-1"]).ok
    assert in_doubt(lab) == recovered_later


def test_what_is_no_longer_declared_is_forgotten(lab: Lab) -> None:
    dying(lab, bare(2), "api-2", when="die")
    assert "api-2" in in_doubt(lab)
    outcome = lab.up(bare(1))
    assert outcome.ok, outcome.failed
    assert in_doubt(lab) == []
    assert "api-2" not in {step.key for step in outcome.steps}


@pytest.mark.parametrize(
    ("cloud", "when"),
    [
        ("aws", "die"),
        ("gcp", "die-late"),
        ("azure", "die-late"),
    ],
)
def test_a_replacement_that_died_is_finished(lab: Lab, cloud: str, when: str) -> None:
    whole = graph(cloud)
    lab.knows(a_shop(cloud))
    assert lab.up(whole).ok
    lab.clouds.faults({"do": when, "name": "api-1", "times": 1})
    assert not lab.up(whole, replace=["api-1"]).ok
    assert any("adopted" in line for line in recovered(lab)) == (when == "die-late")
    again = lab.up(whole)
    assert again.ok, again.failed
    assert len([thing for thing in lab.clouds.every() if thing.name == "api-1"]) == 1
    assert lab.up(whole).steps == ()


def test_an_adoption_that_fails_is_tried_again(lab: Lab) -> None:
    dying(lab, bare(1), "api-1")
    lab.clouds.faults({"do": "die", "verb": "read", "name": "api-1", "times": 1})
    with pytest.raises(McisError):
        recovered(lab)
    assert in_doubt(lab) == ["api-1"]
    assert "adopted" in " ".join(recovered(lab))
    assert lab.up(bare(1)).steps == ()


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_updates_and_deletions_that_died_are_repeated(lab: Lab, verb: str) -> None:
    before, after = bare(2), bare(1) if verb == "delete" else relabelled(bare(2))
    lab.knows(a_shop("aws"))
    assert lab.up(before).ok
    lab.clouds.faults({"do": "die", "verb": verb, "name": "api-2", "times": 1})
    assert not lab.up(after).ok
    assert recovered(lab) == ()
    again = lab.up(after)
    assert again.ok, again.failed
    assert "api-2" in {step.key for step in again.steps}
    assert lab.up(after).steps == ()


def relabelled(whole: Graph) -> Graph:
    """The graph with one more tag on `api-2`."""
    return replace(
        whole,
        resources=tuple(
            replace(one, inputs={**one.inputs, "tags": {**one.inputs["tags"], "more": "yes"}})
            if one.key == "api-2" and isinstance(one.inputs["tags"], dict)
            else one
            for one in whole.resources
        ),
    )
