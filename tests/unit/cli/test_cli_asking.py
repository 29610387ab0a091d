"""Questions: what is asked, who may answer, what happens where nobody can."""

from __future__ import annotations

import pytest
from fakes.pipeline import FakePipeline, a_preview, a_vm, mixed_preview, vm_change

from mcis_iac.model import Change, Op
from mcis_iac.pipeline import DownQuestion

FOUR = tuple(vm_change(f"web-{n}", Op.CREATE) for n in range(1, 5))
OTHER = Change(key="net/main", token="t", op=Op.UPDATE)


@pytest.mark.parametrize(
    "preview,question",
    [
        (a_preview(*FOUR, before=0, after=4), "create 4 VMs? [y/N] "),
        (a_preview(FOUR[0], vm_change("db-1", Op.UPDATE), after=5), "create 1 VM and update 1 VM? [y/N] "),
        (a_preview(OTHER), "change 1 resource? [y/N] "),
        (mixed_preview(), "this REPLACES 1 and DELETES 0 of 4 running VMs. Continue? [y/N] "),
        (
            a_preview(vm_change("web-3", Op.DELETE), after=3),
            "this REPLACES 0 and DELETES 1 of 4 running VMs. Continue? [y/N] ",
        ),
    ],
)
def test_up_asks_what_fits_the_changes(mcis, preview, question):
    stages = FakePipeline(next_preview=preview)
    done = mcis("up", stages=stages, answer="y\n")
    assert question in done.err
    assert stages.changed


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "maybe\n"])
def test_anything_but_yes_changes_nothing_and_exits_8(mcis, answer):
    stages = FakePipeline()
    done = mcis("up", stages=stages, answer=answer)
    assert done.code == 8
    assert not stages.changed
    assert "Nothing was changed." in done.err


@pytest.mark.parametrize("words", [["up"], ["down"], ["scale", "web=5"]])
def test_without_a_terminal_nothing_is_asked_and_it_exits_2(mcis, words):
    stages = FakePipeline()
    done = mcis(*words, stages=stages)
    assert done.code == 2
    assert "--yes" in done.err
    assert not stages.changed


def test_no_input_on_a_terminal_is_the_same(mcis):
    assert mcis("up", "--no-input", answer="y\n").code == 2


@pytest.mark.parametrize("words", [["up"], ["down"], ["scale", "web=5"]])
def test_yes_asks_nothing(mcis, words):
    stages = FakePipeline()
    done = mcis(*words, "--yes", stages=stages)
    assert done.code == 0
    assert stages.changed
    assert "[y/N]" not in done.err


def test_yes_can_come_from_the_environment(mcis, monkeypatch):
    monkeypatch.setenv("MCIS_YES", "1")
    assert mcis("up").code == 0


def test_nothing_to_change_asks_nothing(mcis):
    from dataclasses import replace

    stages = FakePipeline(next_preview=a_preview())
    stages.result = replace(stages.result, preview=stages.next_preview, outcome=None, vms=())
    done = mcis("up", stages=stages)
    assert done.code == 0
    assert "nothing to change, 21 unchanged" in done.out


def test_down_asks_for_machines_and_disks(mcis):
    done = mcis("down", answer="y\n")
    assert "delete 2 VMs and their disks? [y/N] " in done.err
    assert done.code == 0


@pytest.mark.parametrize("answer,code", [("edge\n", 0), ("y\n", 8), ("edge.prod\n", 8)])
def test_down_of_old_machines_wants_the_name_typed(mcis, answer, code):
    question = DownQuestion(stack="edge.prod", vms=(a_vm("web-1"),), type_name=True)
    stages = FakePipeline(question=question)
    assert mcis("down", stages=stages, answer=answer).code == code
    assert stages.changed == (code == 0)


def test_down_without_machines_asks_for_the_rest(mcis):
    stages = FakePipeline(question=DownQuestion(stack="edge.prod", vms=(), type_name=False))
    assert "delete what is left of edge.prod? [y/N]" in mcis("down", stages=stages, answer="y\n").err
