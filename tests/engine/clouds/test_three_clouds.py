"""Five machines in three clouds as one stack: its whole life, through the engine's real differences."""

from __future__ import annotations

import json

import pytest
from fakes.standin.lab import SECRETS, Lab
from fakes.standin.stacks import HOST_KEY, PLACES, over_clouds, plan_of, three_clouds
from fakes.standin.stacks import group as a_group

from mcis_iac.engine import operations, recovery
from mcis_iac.model import Op, Outcome
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph

pytestmark = pytest.mark.engine
VMS = ["api-1", "api-2", "db-1", "web-1", "web-2"]
# What lists addresses of machines, or is a rule about them.
RULES = ("rule/", "sg/")


@pytest.fixture
def shop(lab: Lab) -> Lab:
    """A lab that knows the clouds of three_clouds."""
    return lab.knows(three_clouds())


def graph(**counts: int) -> Graph:
    return build(plan_of(three_clouds(**counts)))


def done(outcome: Outcome) -> dict[str, Op]:
    return {step.key: step.op for step in outcome.steps if step.ok}


def machines(lab: Lab) -> list[str]:
    return [name for name in lab.there() if name in VMS or name == "web-3"]


def ids(lab: Lab) -> dict[str, str]:
    return {thing.name: thing.id for thing in lab.clouds.every() if thing.name in VMS}


def test_one_up_makes_machines_in_three_clouds(shop: Lab) -> None:
    outcome = shop.up(graph())
    assert outcome.ok, outcome.failed
    assert machines(shop) == VMS
    told = outcome.outputs["inventory"]
    assert sorted(told) == VMS
    assert all(each["public_ip"].startswith("198.1") and each["private_ip"] for each in told.values())
    assert {each["region"] for each in told.values()} == {PLACES[c] for c in ("aws", "gcp", "azure")}


def test_members_elsewhere_are_let_in_by_their_addresses(shop: Lab) -> None:
    addresses = shop.stood(graph()).outputs["inventory"]
    web = {f"{addresses[name]['public_ip']}/32" for name in ("web-1", "web-2")}
    walls = [thing.inputs for thing in shop.clouds.things("gcp", "%:Firewall")]
    assert web in [set(wall.get("sourceRanges", ())) for wall in walls]


def test_a_second_up_changes_nothing(shop: Lab) -> None:
    shop.stood(graph())
    before = shop.clouds.every()
    again = shop.up(graph())
    assert again.ok and again.steps == ()
    assert shop.clouds.every() == before


def test_one_more_machine_touches_only_itself_and_the_lists_it_belongs_on(shop: Lab) -> None:
    shop.stood(graph())
    before = ids(shop)
    outcome = shop.up(graph(web=3))
    assert outcome.ok
    steps = done(outcome)
    assert steps.pop("web-3") is Op.CREATE
    others = {key for key in steps if not key.startswith(RULES) and "web-3" not in key and "/c/" not in key}
    assert others == set()
    assert Op.REPLACE not in steps.values() and Op.DELETE not in steps.values()
    assert ids(shop) == before
    address = outcome.outputs["inventory"]["web-3"]["public_ip"]
    lists = [
        str(thing.inputs) for package in ("gcp", "azure-native") for thing in shop.clouds.things(package)
    ]
    assert sum(f"{address}/32" in text for text in lists) == 2


def test_one_machine_less_leaves_no_address_behind(shop: Lab) -> None:
    gone = shop.stood(graph()).outputs["inventory"]["web-2"]["public_ip"]
    outcome = shop.up(graph(web=1))
    assert outcome.ok, outcome.failed
    assert machines(shop) == [name for name in VMS if name != "web-2"]
    assert not [thing for thing in shop.clouds.every() if f"{gone}/32" in str(thing.inputs)]


def test_a_quota_fails_only_the_machines_it_hits(shop: Lab) -> None:
    shop.clouds.faults({"do": "quota", "name": "api-2"})
    outcome = shop.up(graph())
    reasons = {step.key: step.failure.code for step in outcome.failed if step.is_vm and step.failure}
    assert reasons["api-2"] == "quota"
    assert machines(shop) == [name for name in VMS if name != "api-2"]
    assert sorted(outcome.outputs["inventory"]) == machines(shop)
    shop.clouds.faults()
    assert shop.up(graph()).ok
    assert machines(shop) == VMS


def test_what_a_failed_run_made_can_be_taken_back(shop: Lab) -> None:
    shop.clouds.faults({"do": "quota", "name": "db-1"})
    outcome = shop.up(graph())
    made = [step.key for step in outcome.steps if step.op is Op.CREATE and step.ok]
    there = {one.key for one in operations.state(shop.session)}
    assert shop.down(targets=[key for key in made if key in there]).ok
    assert shop.there() == []


@pytest.mark.parametrize("name", ["web-1", "api-1", "db-1"])
def test_a_replaced_machine_is_the_only_one(shop: Lab, name: str) -> None:
    shop.stood(graph())
    before = {thing.name: thing for thing in shop.clouds.every() if thing.name in VMS}
    outcome = shop.up(graph(), replace=[name])
    assert outcome.ok, outcome.failed
    assert [step.key for step in outcome.steps if step.is_vm] == [name]
    assert done(outcome)[name] is Op.REPLACE
    after = {thing.name: thing for thing in shop.clouds.every() if thing.name in VMS}
    assert {key for key in VMS if after[key].outputs != before[key].outputs} == {name}


def test_a_refresh_finds_nothing_to_say(shop: Lab) -> None:
    shop.stood(graph())
    assert shop.refresh().steps == ()
    assert shop.preview(graph()).empty


def test_a_refresh_notices_what_somebody_deleted(shop: Lab) -> None:
    shop.stood(graph())
    (web,) = [thing for thing in shop.clouds.things("aws") if thing.name == "web-1"]
    shop.clouds.forget("aws", web)
    assert done(shop.refresh()) == {"web-1": Op.DELETE}
    assert done(shop.up(graph()))["web-1"] is Op.CREATE
    assert machines(shop) == VMS


def test_nothing_is_left_after_down(shop: Lab) -> None:
    shop.stood(graph())
    assert shop.down().ok
    assert shop.there() == []


def test_a_plugin_that_dies_is_survived(shop: Lab) -> None:
    shop.clouds.faults({"do": "die", "name": "api-2", "times": 1})
    assert not shop.up(graph()).ok
    assert shop.up(graph()).ok
    assert machines(shop) == VMS


@pytest.mark.parametrize("cloud", ["aws", "azure"])
def test_what_a_dead_engine_had_made_is_taken_over(lab: Lab, cloud: str) -> None:
    mcis = over_clouds(a_group("web", 2, cloud))
    whole = build(plan_of(mcis))
    before = lab.knows(mcis).up(whole).outputs["inventory"]
    made = forget_the_end_of_a_create(lab, "web-2")
    recovery.recover(lab.session, lambda pending: made if pending.resource.key == "web-2" else None)
    again = lab.up(whole)
    assert again.ok, again.failed
    assert again.outputs["inventory"] == before
    assert lab.up(whole).steps == ()


def forget_the_end_of_a_create(lab: Lab, key: str) -> str:
    """Make the state look as if the engine had been killed while it created that; the id in the cloud."""
    path = lab.session.checkpoint_file
    assert path is not None
    state = json.loads(path.read_text())
    latest = state["checkpoint"]["latest"]
    (lost,) = [one for one in latest["resources"] if one["urn"].endswith(f"::{key}")]
    latest["resources"].remove(lost)
    begun = {name: value for name, value in lost.items() if name not in {"id", "outputs"}}
    latest["pending_operations"] = [{"resource": begun, "type": "creating"}]
    path.write_text(json.dumps(state))
    return str(lost["id"])


def test_what_a_dead_plugin_had_made_is_not_made_twice(shop: Lab) -> None:
    shop.clouds.faults({"do": "die-late", "name": "api-2", "times": 1})
    died = shop.up(graph())
    assert "its provider process died" in str(died.failed)
    made = ids(shop)
    told = recovery.recover(shop.session, lambda one: made.get(one.resource.key))
    assert f"api-2 had been created without our knowing; adopted it as {made['api-2']}" in told
    again = shop.up(graph())
    assert again.ok and "api-2" not in done(again)
    assert sorted(again.outputs["inventory"]) == machines(shop) == VMS
    assert shop.up(graph()).steps == ()


def test_credentials_and_private_keys_are_written_nowhere(shop: Lab) -> None:
    shop.clouds.faults({"do": "throttle", "name": "api-2", "times": 1})
    shop.up(graph())
    shop.up(graph())
    shop.refresh()
    keys = [HOST_KEY.format(name).splitlines()[1] for name in VMS]
    assert shop.files_with(*SECRETS, *keys) == []
    assert shop.files_with("web-1") != []  # the search does search
    assert shop.down().ok
    assert shop.files_with(*SECRETS, *keys) == []


def test_what_an_openstack_tells_unasked_is_encrypted(lab: Lab) -> None:
    mcis = over_clouds(a_group("web", 2, "openstack"))
    outcome = lab.knows(mcis).up(build(plan_of(mcis)))
    assert outcome.ok, outcome.failed
    assert lab.files_with("made-by-the-cloud", "stand-in-admin-password") == []
