"""A cloud that refuses us: the others are shown, nothing is lost, no secret is told."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from fakes.standin.lab import CREDENTIALS, SECRETS, Lab
from fakes.standin.stacks import four_clouds, group, over_clouds, plan_of, three_clouds

from mcis_iac.engine.silence import Refused
from mcis_iac.errors import CredentialsError
from mcis_iac.flows import results, silence
from mcis_iac.model import Diff, Inventory, Mcis, Op
from mcis_iac.pipeline import Silent
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph

pytestmark = pytest.mark.engine
PACKAGES = {"aws": "aws", "gcp": "gcp", "azure": "azure-native", "openstack": "openstack"}
SMALL = {"web": 1, "api": 1, "db": 1}


def refuse(lab: Lab, *clouds: str, verbs: Collection[str] = ("check", "configure")) -> None:
    lab.clouds.faults(
        *({"do": "refuse", "package": PACKAGES[cloud], "verb": verb} for cloud in clouds for verb in verbs)
    )


def graph(mcis: Mcis) -> Graph:
    return build(plan_of(mcis))


def seen(lab: Lab, mcis: Mcis) -> tuple[Diff, tuple[Silent, ...]]:
    """What a preview shows, and whom it could not ask."""
    plan, whole = plan_of(mcis), graph(mcis)
    lab.knows(mcis)
    return silence.shown(mcis, plan, (), lambda silent: lab.preview(whole, silent=silent))


def changes(diff: Diff) -> dict[str, Op]:
    return {change.key: change.op for change in diff.changes}


@pytest.mark.parametrize(
    ("cloud", "verb"),
    [("aws", "check"), ("azure", "configure"), ("gcp", "check"), ("openstack", "configure")],
)
def test_each_cloud_s_refusal_is_understood(lab: Lab, cloud: str, verb: str) -> None:
    mcis = over_clouds(group("web", 1, cloud))
    refuse(lab, cloud, verbs=[verb])
    with pytest.raises(Refused) as told:
        lab.knows(mcis).preview(graph(mcis))
    assert list(told.value.said) == [f"provider/{cloud}"]
    assert told.value.exit_code == 3


def test_the_clouds_that_answer_are_shown(lab: Lab) -> None:
    refuse(lab, "aws", "openstack")
    diff, silent = seen(lab, four_clouds(1))
    assert [each.connection for each in silent] == ["aws", "openstack"]
    assert {change.key for change in diff.changes if change.is_vm} == {"api-1", "db-1"}
    assert (diff.vms_before, diff.vms_after) == (0, 2)


def test_nothing_of_a_silent_cloud_seems_to_go(lab: Lab) -> None:
    lab.knows(three_clouds(**SMALL)).stood(graph(three_clouds(**SMALL)))
    there = lab.clouds.every()
    for cloud in ("aws", "gcp", "azure"):
        refuse(lab, cloud)
        diff, silent = seen(lab, three_clouds(**SMALL))
        assert [each.connection for each in silent] == [cloud]
        assert diff.empty and diff.vms_after == 2
    assert lab.clouds.every() == there


def test_scaling_beside_a_silent_cloud_is_shown(lab: Lab) -> None:
    lab.knows(three_clouds(**SMALL)).stood(graph(three_clouds(**SMALL)))
    refuse(lab, "aws")
    diff, _ = seen(lab, three_clouds(web=2, api=2, db=1))
    vms = {change.key: change.op for change in diff.changes if change.is_vm}
    assert vms == {"api-2": Op.CREATE}
    assert Op.DELETE not in changes(diff).values()


def test_machines_that_a_silent_cloud_s_rules_name_can_be_seen_to_go(lab: Lab) -> None:
    lab.knows(three_clouds(**SMALL)).stood(graph(three_clouds(**SMALL)))
    refuse(lab, "gcp")
    diff, silent = seen(lab, three_clouds(web=0, api=1, db=1))
    assert [each.connection for each in silent] == ["gcp"]
    assert changes(diff)["web-1"] is Op.DELETE
    assert not [key for key in changes(diff) if "gcp" in key]


def test_a_target_is_looked_at_beside_a_silent_cloud(lab: Lab) -> None:
    mcis = three_clouds(**SMALL)
    refuse(lab, "aws")
    diff = lab.knows(mcis).preview(graph(mcis), silent=["provider/aws"], targets=["api"])
    assert {change.key for change in diff.changes if change.is_vm} == {"api-1"}


def test_a_look_at_a_part_leaves_the_stack_as_it_was(lab: Lab) -> None:
    mcis = three_clouds(**SMALL)
    lab.knows(mcis).stood(graph(mcis))
    before = lab.session.deployment()
    refuse(lab, "azure")
    seen(lab, mcis)
    assert lab.session.deployment() == before
    assert [path for path in lab.home.runs.iterdir() if path.is_dir()] == []
    lab.clouds.faults()
    assert lab.up(graph(mcis)).steps == ()


def test_what_a_connection_no_longer_in_use_refuses_to_delete_is_kept(lab: Lab) -> None:
    lab.knows(three_clouds(**SMALL)).stood(graph(three_clouds(**SMALL)))
    fewer = graph(three_clouds(web=1, api=0, db=1))
    refuse(lab, "gcp")
    outcome = lab.up(fewer)
    assert results.exit_code(outcome, Inventory()) == 3
    assert "api-1" in lab.there()
    lab.clouds.faults()
    assert lab.up(fewer).ok
    assert "api-1" not in lab.there()


def test_nobody_left_to_ask_is_an_error(lab: Lab) -> None:
    mcis = three_clouds(**SMALL)
    refuse(lab, "aws", "gcp", "azure")
    with pytest.raises(CredentialsError) as told:
        seen(lab, mcis)
    assert told.value.summary == "3 connections cannot be used"
    assert all(f"mcis doctor {cloud}" in told.value.detail for cloud in ("aws", "gcp", "azure"))


# ---------------------------------------------------------------- in the middle


def test_credentials_that_expire_in_the_middle_lose_nothing(lab: Lab) -> None:
    mcis = three_clouds(**SMALL)
    lab.clouds.faults({"do": "refuse", "package": "gcp", "name": "api-*"})
    outcome = lab.knows(mcis).up(graph(mcis))
    assert {step.failure.code for step in outcome.failed if step.is_vm and step.failure} == {"credentials"}
    assert results.exit_code(outcome, Inventory()) == 3
    assert "web-1" in lab.there() and "db-1" in lab.there()
    lab.clouds.faults()
    assert lab.up(graph(mcis)).ok
    assert lab.up(graph(mcis)).steps == ()


@pytest.mark.parametrize("verb", ["delete", "configure"])
def test_a_down_that_is_refused_keeps_what_it_could_not_delete(lab: Lab, verb: str) -> None:
    mcis = three_clouds(**SMALL)
    lab.knows(mcis).up(graph(mcis))
    refuse(lab, "aws", verbs=[verb])
    outcome = lab.down()
    assert results.exit_code(outcome, Inventory()) == 3
    assert "web-1" in lab.there() and "api-1" not in lab.there()
    (told,) = silence.notices(mcis.connections, outcome)
    assert told.startswith("aws was refused by its cloud") and "mcis doctor aws" in told
    lab.clouds.faults()
    assert lab.down().ok
    assert lab.there() == []


def test_a_refresh_that_is_refused_forgets_nothing(lab: Lab) -> None:
    mcis = three_clouds(**SMALL)
    lab.knows(mcis).up(graph(mcis))
    refuse(lab, "azure", verbs=["read"])
    assert results.exit_code(lab.refresh(), Inventory()) == 3
    lab.clouds.faults()
    assert lab.up(graph(mcis)).steps == ()


def test_what_a_cloud_repeats_of_our_secrets_is_hidden(lab: Lab) -> None:
    mcis = three_clouds(**SMALL)
    loud = {"do": "refuse", "package": "aws", "loud": "AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID"}
    lab.clouds.faults({**loud, "verb": "configure"})
    _, (aws,) = seen(lab, mcis)
    assert "[hidden]" in aws.detail
    lab.clouds.faults({**loud, "verb": "create"})
    outcome = lab.up(graph(mcis))
    assert not outcome.ok
    hidden = (*SECRETS, CREDENTIALS["AWS_ACCESS_KEY_ID"])
    assert not any(secret in f"{aws} {outcome}" for secret in hidden)
    assert lab.files_with(*hidden) == []
