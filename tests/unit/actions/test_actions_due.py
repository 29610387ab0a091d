"""Whom actions are for, and when they are due by the record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.actions.done import BEGUN, ENDED, Done, begun, ended
from mcis_iac.actions.steps import Step, narrowed, step, targets
from mcis_iac.model import Action, ActionFile, HostResult
from tests.fakes.actions import an_action, an_mcis, vms

MCIS = an_mcis()
THERE = vms("db-1", "db-2", "web-1", "web-2")


def plain(text: str, _: object) -> str:
    return text


def lines(one: Step, *, ok: bool | None = True) -> list[dict]:
    """What the record has of a run; None = killed before its end."""
    first = {"kind": BEGUN, **begun(one.action, [one])}
    if ok is None:
        return [first]
    result = HostResult(vm=one.vm.name, group=one.vm.group, exit_status=0 if ok else 1)
    return [first, {"kind": ENDED, **ended(one, result, by="kim")}]


@pytest.mark.parametrize(
    "more,names",
    [
        ({}, ["db-1", "db-2", "web-1", "web-2"]),
        ({"on": ("web",)}, ["web-1", "web-2"]),
        ({"on": ("web-2", "db")}, ["db-1", "db-2", "web-2"]),
        ({"labels": {"role": "front"}}, ["web-1", "web-2"]),
        ({"labels": {"team": "platform", "tier": "back"}}, ["db-1", "db-2"]),
        ({"labels": {"role": "front", "tier": "back"}}, []),
    ],
)
def test_an_action_is_for_groups_vms_or_labels(more, names):
    assert [vm.name for vm in targets(an_action(**more), MCIS, THERE)] == names


def test_the_first_is_the_one_with_the_lowest_number():
    action = an_action(only="first")
    assert [vm.name for vm in narrowed(action, THERE)] == ["db-1"]
    assert [vm.name for vm in narrowed(action, THERE[1:])] == ["web-1"]
    assert narrowed(action, ()) == ()


ACTIONS = st.builds(
    Action,
    name=st.just("join"),
    run=st.lists(st.text(max_size=5), min_size=1, max_size=2).map(tuple),
    files=st.lists(
        st.builds(
            ActionFile,
            path=st.just("/etc/x"),
            text=st.text(max_size=5),
            mode=st.sampled_from(["0644", "0600"]),
        ),
        max_size=2,
    ).map(tuple),
    when=st.sampled_from(["created", "changed"]),
    sudo=st.booleans(),
)


@given(action=ACTIONS, other=ACTIONS)
def test_after_a_success_nothing_is_due_until_text_or_id_changes(action: Action, other: Action):
    vm = THERE[2]
    one, changed = step(action, vm, plain), step(replace(other, when=action.when), vm, plain)
    done = Done.of(lines(one))
    assert Done().due(action, one)
    assert not done.due(action, one)
    assert done.due(action, changed) == (action.when == "changed" and one.digest != changed.digest)
    assert done.due(action, step(action, replace(vm, id="i-new"), plain))
    assert done.due(replace(action, when="always"), one)


def test_a_renamed_vm_with_the_same_id_has_done_its_work():
    one = step(an_action(), THERE[2], plain)
    done = Done.of(lines(one))
    assert not done.due(an_action(), step(an_action(), replace(THERE[2], name="front-1"), plain))


@pytest.mark.parametrize("ok", [False, None])
def test_what_failed_or_was_interrupted_is_due_again_even_with_the_text_of_its_last_success(ok):
    good, bad = step(an_action(), THERE[2], plain), step(an_action(run=("false",)), THERE[2], plain)
    done = Done.of([*lines(good), *lines(bad, ok=ok)])
    assert done.due(an_action(), good)
    assert done.due(an_action(run=("false",)), bad)
    assert not done.due(an_action(when="created"), good)


def test_the_record_may_have_other_lines_and_damaged_ones():
    assert Done.of([{"kind": "operation"}, {"kind": ENDED}, {"kind": BEGUN}, {}]).last == {}


def test_no_output_gets_into_the_record():
    one = step(an_action(), THERE[2], plain)
    result = HostResult(vm="web-1", group="web", exit_status=3, stdout="secret", stderr="secret")
    assert "secret" not in str(ended(one, result, by="kim"))
