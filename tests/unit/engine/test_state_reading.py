"""Reading state files, completing inventories, choosing resources, and what the engine may see."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from fakes.engine_events import MACHINE, urn

from mcis_iac.engine import checkpoint, environment, inventory, recovery, selection
from mcis_iac.engine.checkpoint import StateResource
from mcis_iac.engine.diff import SIGNATURE, UNKNOWN
from mcis_iac.engine.home import StackHome
from mcis_iac.engine.subjects import Subjects
from mcis_iac.errors import EngineError, Locked, NotFoundError
from mcis_iac.model import Subject
from mcis_iac.program.graph import Graph, Options, Ref, Resource


def raw(key: str, **more: Any) -> dict[str, Any]:
    provider = f"{urn('provider/local', 'pulumi:providers:fake')}::p-1"
    return {"urn": urn(key), "type": MACHINE, "id": f"i-{key}", "provider": provider, **more}


def write(path: Path, deployment: Any) -> Path:
    path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": deployment}}))
    return path


def test_resources_have_ids_inputs_and_providers_but_no_secrets() -> None:
    secret = {SIGNATURE: "x", "ciphertext": "abc"}
    (one,) = checkpoint.resources({"resources": [raw("web-1", inputs={"zone": "a", "password": secret})]})

    assert (one.key, one.id, one.provider) == ("web-1", "i-web-1", "provider/local")
    assert one.inputs == {"zone": "a", "password": "[secret]"}


def test_the_stack_and_providers_are_no_resources_of_a_cloud() -> None:
    bookkeeping = [
        {"urn": urn("s", "pulumi:pulumi:Stack"), "type": "pulumi:pulumi:Stack"},
        {"urn": urn("p", "pulumi:providers:fake"), "type": "pulumi:providers:fake"},
    ]

    assert checkpoint.resources({"resources": bookkeeping}) == ()


def test_a_pending_operation_has_its_tags() -> None:
    begun = {"resource": raw("web-1", inputs={"tags": {"mcis": "front"}}), "type": "creating"}

    (one,) = checkpoint.pending({"pending_operations": [begun]})

    assert (one.op, one.resource.key, one.tags) == ("creating", "web-1", {"mcis": "front"})


def test_a_sound_state_file_is_left_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "front.json", {"resources": []})

    assert checkpoint.mend(path, tmp_path / "runs") == ""


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"checkpoint": 3}'])
def test_a_damaged_state_file_is_mended_from_its_backup(tmp_path: Path, damage: str) -> None:
    write(tmp_path / "front.json.bak", {"resources": [raw("web-1")]})
    path = tmp_path / "front.json"
    path.write_text(damage)

    assert "backup is used" in checkpoint.mend(path, tmp_path / "runs")
    assert len(checkpoint.resources(checkpoint.read_file(path))) == 1
    assert (tmp_path / "runs" / "damaged-front.json").read_text() == damage


def test_without_a_sound_backup_the_damage_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "front.json"
    path.write_text("")

    with pytest.raises(EngineError, match="damaged"):
        checkpoint.mend(path, tmp_path / "runs")


# ---------------------------------------------------------------- inventories

ENTRY = {"id": Ref("web-1"), "ip": Ref("web-1", "address.0.ip")}


def graph(*resources: Resource, **entries: Any) -> Graph:
    return Graph(project="shop", stack="front", resources=resources, outputs={"inventory": entries})


def after(new: Any, old: Any, **more: Any) -> Any:
    deployment = more.pop("deployment", {})
    options = {"gone": set(), "graph": None, "deployment": lambda: deployment, **more}
    return inventory.after({"inventory": new}, {"inventory": old}, **options)["inventory"]


def test_a_complete_inventory_needs_no_look_at_the_state() -> None:
    def never() -> Any:
        pytest.fail("the state was read")

    found = inventory.after({"inventory": {"web-1": 1}}, {}, gone=set(), graph=None, deployment=never)
    assert found == {"inventory": {"web-1": 1}}


def test_an_entry_with_an_unknown_value_comes_from_the_state() -> None:
    state = {"resources": [raw("web-1", outputs={"address": [{"ip": "10.0.0.1"}]})]}

    found = after({"web-1": {"id": UNKNOWN}}, {}, graph=graph(**{"web-1": ENTRY}), deployment=state)

    assert found == {"web-1": {"id": "i-web-1", "ip": "10.0.0.1"}}


def test_an_old_entry_stays_while_its_machine_exists() -> None:
    state = {"resources": [raw("web-2")]}

    assert after({}, {"web-2": {"id": "x"}, "web-3": {"id": "y"}}, deployment=state) == {"web-2": {"id": "x"}}


def test_an_entry_of_a_deleted_machine_goes() -> None:
    state = {"resources": [raw("web-2", delete=True)]}

    assert after({}, {"web-2": {"id": "x"}}, gone={"web-2"}, deployment=state) == {}
    assert after({}, {"web-2": {"id": "x"}}, deployment=state) == {}


# ---------------------------------------------------------------- selection


def vm(key: str, *needs: str, **options: Any) -> Resource:
    subject = Subject(group=key.rpartition("-")[0], vm=key)
    inputs = {name: Ref(name) for name in needs}
    return Resource(
        key=key,
        token=MACHINE,
        inputs=inputs,
        provider="provider/local",
        subject=subject,
        options=Options(**options),
    )


def plumbing(key: str, token: str = "fake:index:Net") -> Resource:
    return Resource(key=key, token=token, inputs={})


GRAPH = graph(
    plumbing("provider/local", "pulumi:providers:fake"),
    plumbing("net"),
    plumbing("boot"),
    vm("web-1", "net", depends_on=("boot",), ignore_changes=("boot",)),
    vm("web-2", "net"),
    vm("db-1"),
)
SUBJECTS = Subjects.of(GRAPH, mcis="front", env=None, vm_tokens={MACHINE})


def test_a_target_comes_with_all_it_needs() -> None:
    assert set(selection.targeted(["web-1"], GRAPH, (), SUBJECTS)) == {
        "web-1",
        "net",
        "boot",
        "provider/local",
    }


def test_a_group_is_all_its_machines_also_those_no_longer_declared() -> None:
    state = [StateResource(key="web-9", token=MACHINE, urn=urn("web-9"))]

    chosen = selection.targeted(["web"], GRAPH, state, SUBJECTS)

    assert {"web-1", "web-2", "web-9"} <= set(chosen)
    assert "db-1" not in chosen


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(NotFoundError, match="nope"):
        selection.targeted(["web", "nope"], GRAPH, (), SUBJECTS)


def test_only_machines_are_replaced_and_nothing_is_ignored_about_them() -> None:
    chosen = selection.machines(["web-1"], GRAPH, SUBJECTS)
    rebuilt = selection.rebuilt(GRAPH, (one.key for one in chosen))

    assert [one.key for one in chosen] == ["web-1"]
    assert rebuilt["web-1"].options == Options(depends_on=("boot",))
    assert rebuilt["web-2"] is GRAPH["web-2"]


# ---------------------------------------------------------------- what the engine may see


def test_the_engine_sees_only_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "OS_PASSWORD", "MCIS_LOCAL_DIR"):
        monkeypatch.setenv(name, "x")

    assert not {"AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN"} & set(environment.inherited("file:///x"))
    assert {"AWS_SECRET_ACCESS_KEY", "MCIS_LOCAL_DIR"} <= set(environment.inherited("s3://bucket"))
    assert "OS_PASSWORD" in environment.inherited("file:///x", ("OS_*",))


# ---------------------------------------------------------------- locks


def leave(folder: Path, text: str) -> None:
    place = folder / ".pulumi" / "locks" / "organization" / "shop" / "front"
    place.mkdir(parents=True)
    (place / "a.json").write_text(text)


def lock_text(pid: int, host: str, at: str) -> str:
    return json.dumps({"pid": pid, "username": "kim", "hostname": host, "timestamp": at})


@pytest.mark.parametrize(
    "pid,host,at,dead",
    [
        (2**22 + 5, socket.gethostname(), "2026-11-22T14:03:22.871234567Z", True),
        (1, socket.gethostname(), "2001-01-01T00:00:00Z", True),  # the number belongs to another by now
        (1, socket.gethostname(), "2999-01-01T00:00:00+01:00", False),
        (2**22 + 5, "elsewhere", "2001-01-01T00:00:00Z", False),
    ],
)
def test_whose_lock_is_dead(tmp_path: Path, pid: int, host: str, at: str, dead: bool) -> None:
    leave(tmp_path, lock_text(pid, host, at))

    (lock,) = recovery.locks(tmp_path, "shop", "front")

    assert lock.dead is dead


def test_a_lock_that_was_cut_off_belongs_to_nobody(tmp_path: Path) -> None:
    leave(tmp_path, '{"pid": 1')

    (lock,) = recovery.locks(tmp_path, "shop", "front")

    assert lock.pid == 0


def test_the_words_of_the_cli_about_a_lock_name_its_holder() -> None:
    words = (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end "
        "or delete the lock file with `pulumi cancel`.\n"
        "  s3://b/.pulumi/locks/x.json: created by kim@ci-7 (pid 4121) at 2026-11-22T14:03:22Z"
    )

    refused = recovery.locked_by(words, "front")

    assert isinstance(refused, Locked)
    assert "kim@ci-7 (pid 4121) has held front" in refused.detail
    assert "pulumi cancel" in refused.hint


def test_a_home_knows_no_stack_before_it_has_one(tmp_path: Path) -> None:
    assert StackHome.of(tmp_path, "front").other_stacks() == ()
