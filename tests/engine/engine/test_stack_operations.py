"""Preview, up and down of a real stack through the real engine."""

from __future__ import annotations

from typing import Any

import pytest

from mcis_iac.engine import operations
from mcis_iac.errors import NotFoundError, OperationError
from mcis_iac.model import Op

pytestmark = pytest.mark.engine
TWO: dict[str, dict[str, Any]] = {"web-1": {"image": "a"}, "web-2": {"image": "a"}}


def test_a_preview_changes_nothing_and_counts_machines(lab: Any) -> None:
    diff = lab.preview(TWO)

    assert {change.key: change.op for change in diff.changes if change.is_vm} == {
        "web-1": Op.CREATE,
        "web-2": Op.CREATE,
    }
    assert (diff.vms_before, diff.vms_after, diff.same) == (0, 2, 0)
    assert lab.machines() == []


def test_up_makes_what_the_graph_says_and_tells_each_machine(lab: Any) -> None:
    outcome = lab.up(TWO)

    assert outcome.ok
    assert lab.machines() == ["web-1", "web-2"]
    assert lab.kinds("web-1") == ["op_start", "op_complete"]
    assert set(outcome.outputs["inventory"]) == {"web-1", "web-2"}
    assert lab.ready == outcome.outputs["inventory"]


def test_a_second_up_is_one_start_of_the_engine_and_changes_nothing(lab: Any) -> None:
    lab.up(TWO)
    before = lab.session.command.starts

    outcome = lab.up(TWO)

    assert (outcome.steps, outcome.same) == ((), 3)
    assert lab.session.command.starts == before + 1


def test_a_changed_property_updates_in_place_and_names_both_values(lab: Any) -> None:
    lab.up(TWO)

    (change,) = lab.preview(TWO | {"web-1": {"image": "a", "flavor": "big"}}).changes

    (prop,) = change.properties
    assert (change.op, prop.path, prop.old, prop.new) == (Op.UPDATE, "flavor", None, "big")


def test_a_property_that_cannot_change_replaces_and_is_the_reason(lab: Any) -> None:
    lab.up(TWO)
    changed = TWO | {"web-1": {"image": "b"}}

    (change,) = lab.preview(changed).changes
    (step,) = lab.up(changed).steps

    assert (change.op, change.replace_reasons, change.old_first) == (Op.REPLACE, ("image",), False)
    assert (step.op, step.ok) == (Op.REPLACE, True)
    assert lab.machines() == ["web-1", "web-2"]


def test_replace_makes_a_machine_anew_that_has_not_changed(lab: Any) -> None:
    old = lab.up(TWO).outputs["inventory"]

    (change,) = lab.preview(TWO, replace=["web-1"]).changes
    new = lab.up(TWO, replace=["web-1"]).outputs["inventory"]

    assert change.replace_reasons == ("asked for",)
    assert new["web-1"]["id"] != old["web-1"]["id"]
    assert new["web-2"] == old["web-2"]


def test_what_is_ignored_counts_when_a_machine_is_replaced(lab: Any) -> None:
    lab.up({"web-1": {"image": "a", "boot": "old"}})
    changed = {"web-1": {"image": "a", "boot": "new"}}

    assert lab.preview(changed).empty
    assert "boot" in {p.path for p in lab.preview(changed, replace=["web-1"]).changes[0].properties}


def test_a_target_brings_what_it_needs_and_leaves_the_rest(lab: Any) -> None:
    outcome = lab.up({**TWO, "db-1": {"image": "a"}}, targets=["db"])

    assert outcome.ok
    assert lab.machines() == ["db-1"]


def test_a_machine_no_longer_wanted_keeps_its_entry_while_it_is_not_targeted(lab: Any) -> None:
    lab.up(TWO)

    outcome = lab.up({"web-1": {"image": "a", "flavor": "big"}}, targets=["web-1"])

    assert set(outcome.outputs["inventory"]) == {"web-1", "web-2"}


def test_an_unknown_target_is_refused(lab: Any) -> None:
    with pytest.raises(NotFoundError, match="nope"):
        lab.up(TWO, targets=["nope"])


def test_one_failure_does_not_stop_the_others(lab: Any) -> None:
    outcome = lab.up({**TWO, "db-1": {"fail": "capacity: no room in b"}})

    (failed,) = outcome.failed
    assert failed.failure is not None
    assert (failed.key, failed.failure.code, failed.failure.message) == ("db-1", "capacity", "no room in b")
    assert lab.machines() == ["web-1", "web-2"]
    assert set(outcome.outputs["inventory"]) == {"web-1", "web-2"}
    assert not outcome.message


def test_after_a_failure_the_next_up_makes_only_what_is_missing(lab: Any) -> None:
    lab.up({**TWO, "db-1": {"fail": "capacity: no room in b"}})

    outcome = lab.up({**TWO, "db-1": {}})

    assert [step.key for step in outcome.steps] == ["db-1"]
    assert lab.machines() == ["db-1", "web-1", "web-2"]


def test_a_machine_whose_update_failed_stays_in_the_inventory(lab: Any) -> None:
    lab.up(TWO)

    outcome = lab.up(TWO | {"web-1": {"image": "a", "failUpdate": "quota: too many"}})

    assert [step.failure.code for step in outcome.failed if step.failure] == ["quota"]
    assert set(outcome.outputs["inventory"]) == {"web-1", "web-2"}


def test_a_dead_provider_is_one_clear_error_and_its_words_are_kept(lab: Any) -> None:
    outcome = lab.up({"web-1": {"die": True}})

    assert [step.key for step in outcome.failed] == ["web-1"]
    assert outcome.message.startswith("a provider process died")
    assert "Traceback" not in outcome.failed[0].failure.message
    assert [path.name.endswith("-up.log") for path in lab.home.runs.iterdir()] == [True]


def test_down_needs_no_graph_and_repeats(lab: Any) -> None:
    lab.up(TWO)

    outcome = lab.down()

    assert {step.op for step in outcome.steps} == {Op.DELETE}
    assert lab.machines() == []
    assert not outcome.outputs.get("inventory")
    assert lab.down().ok


def test_down_of_a_target_leaves_the_rest(lab: Any) -> None:
    lab.up(TWO)

    outcome = lab.down(targets=["web-2"])

    assert [step.key for step in outcome.steps] == ["web-2"]
    assert set(outcome.outputs["inventory"]) == {"web-1"}


def test_a_failed_delete_is_an_outcome_and_keeps_the_machine_in_state(lab: Any) -> None:
    lab.up({"web-1": {"failDelete": "host: busy"}, "web-2": {}})

    outcome = lab.down()

    assert [step.failure.message for step in outcome.failed if step.failure] == ["busy"]
    assert "web-1" in {one.key for one in operations.state(lab.session)}


def test_down_with_remove_forgets_the_stack_and_up_makes_it_again(lab: Any) -> None:
    lab.up(TWO)

    lab.down(remove=True)

    assert lab.session.absent
    assert lab.up(TWO).ok


def test_down_of_a_stack_that_never_was_is_fine(blank: Any) -> None:
    assert blank.down(remove=True).ok
    assert blank.session.command.starts == 0


def test_refresh_notices_what_has_gone(lab: Any) -> None:
    made = lab.up(TWO).outputs["inventory"]
    (lab.cloud / f"{made['web-1']['id']}.json").unlink()

    outcome = lab.refresh()

    assert [(step.key, step.op) for step in outcome.steps] == [("web-1", Op.DELETE)]
    assert "web-1" not in {one.key for one in operations.state(lab.session)}


def test_a_graph_that_cannot_be_applied_names_the_resource(lab: Any) -> None:
    with pytest.raises(OperationError) as refused:
        lab.preview({"web-1": {"badCheck": "no such zone"}})

    assert "web-1" in refused.value.detail
    assert "no such zone" in refused.value.detail


def test_state_tells_ids_inputs_and_providers(lab: Any) -> None:
    lab.up({"web-1": {"image": "a"}})

    found = {one.key: one for one in operations.state(lab.session)}

    assert found["web-1"].inputs["tags"] == {"mcis-vm": "web-1"}
    assert found["web-1"].provider == "provider/local"
    assert found["web-1"].id == operations.outputs(lab.session)["inventory"]["web-1"]["id"]


def test_a_large_stack_loses_its_outputs_before_its_machines(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.up(TWO)
    monkeypatch.setattr(operations, "MANY", 3)
    seen: list[Any] = []
    lab.on_event = lambda event: (
        seen.append(operations.outputs(lab.session)) if event.kind == "op_start" else None
    )
    assert lab.down().ok
    assert seen and not any(outputs.get("inventory") for outputs in seen)
    assert lab.machines() == []


def test_a_small_stack_keeps_its_outputs_to_the_end(lab: Any) -> None:
    lab.up(TWO)
    seen: list[Any] = []
    lab.on_event = lambda event: (
        seen.append(operations.outputs(lab.session)) if event.kind == "op_start" else None
    )
    assert lab.down().ok
    assert seen[0]["inventory"]
