"""What is left when somebody stops or kills an operation, and how the next one continues."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from fakes import engine_provider as provider

from mcis_iac.engine import checkpoint
from mcis_iac.engine.held import hold
from mcis_iac.errors import Cancelled, EngineError, Locked, McisError, TimedOut

pytestmark = pytest.mark.engine
SLOW: dict[str, dict[str, Any]] = {f"web-{n}": {"delay": 1.5} for n in range(1, 4)}


def pending(lab: Any) -> list[str]:
    return sorted(one.resource.key for one in checkpoint.pending(lab.session.deployment()))


def locks_of(lab: Any) -> list[Path]:
    return sorted(lab.home.state.glob(".pulumi/locks/organization/shop/front/*.json"))


def test_one_interrupt_finishes_what_is_being_created_and_starts_nothing_new(lab: Any) -> None:
    lab.signal_once("op_start")  # the network's: its create is quick, the machines' are not

    outcome = lab.up(SLOW, parallel=1)

    assert outcome.cancelled
    assert lab.machines() == sorted(outcome.outputs.get("inventory", {}))
    assert (pending(lab), locks_of(lab)) == ([], [])
    assert lab.up(SLOW).ok
    assert lab.machines() == ["web-1", "web-2", "web-3"]


def test_the_interrupt_is_told_with_what_it_means(lab: Any) -> None:
    lab.signal_once("op_start")

    lab.up(SLOW)

    told = [event.fields["summary"] for event in lab.events if event.kind == "diagnostic"]
    assert any("finished and kept" in words for words in told)


def test_two_interrupts_leave_pending_operations_that_recovery_clears(lab: Any) -> None:
    slow = {name: {"delay": 3} for name in SLOW}
    started = []
    lab.on_event = lambda event: (
        started.append(event.subject.vm) if event.kind == "op_start" and event.subject.vm else None
    )
    sent: list[int] = []

    def insist(event: Any) -> None:
        if event.kind == "op_start" and event.subject.vm and not sent:
            sent.append(1)
            os.kill(os.getpid(), signal.SIGINT)
        if event.kind == "diagnostic" and len(sent) == 1:
            sent.append(2)
            os.kill(os.getpid(), signal.SIGINT)

    lab.on_event = insist

    outcome = lab.up(slow)

    assert outcome.cancelled
    assert {step.failure.code for step in outcome.failed if step.failure} <= {"cancelled", "other"}
    assert pending(lab)
    time.sleep(0.2)
    assert lab.recover()
    assert pending(lab) == []


def test_a_pending_create_is_adopted_by_the_id_its_cloud_knows(lab: Any) -> None:
    lab.up({"web-1": {}})
    lost = forget_the_end_of_a_create(lab, "web-1")

    (notice,) = lab.recover(lambda one: lost["id"] if one.tags == {"mcis-vm": "web-1"} else None)

    assert lost["id"] in notice
    assert lab.up({"web-1": {}}).steps == ()
    assert lab.machines() == ["web-1"]


def forget_the_end_of_a_create(lab: Any, key: str) -> dict[str, Any]:
    """Make the state look as if the engine had been killed while it created that resource."""
    path = lab.session.checkpoint_file
    state = json.loads(path.read_text())
    latest = state["checkpoint"]["latest"]
    lost = next(raw for raw in latest["resources"] if raw["urn"].endswith(f"::{key}"))
    latest["resources"].remove(lost)
    begun = {name: value for name, value in lost.items() if name not in {"id", "outputs"}}
    latest["pending_operations"] = [{"resource": begun, "type": "creating"}]
    path.write_text(json.dumps(state))
    return lost


def test_a_create_that_got_no_answer_is_looked_for_before_it_is_repeated(lab: Any) -> None:
    outcome = lab.up({"web-1": {"fail": "timed out while waiting for the machine"}, "web-2": {}})
    assert [step.key for step in outcome.failed] == ["web-1"]
    assert pending(lab) == ["web-1"]
    (lab.cloud / "i-late.json").write_text(json.dumps({"name": "web-1"}))

    (notice,) = lab.recover(lambda one: "i-late" if one.tags == {"mcis-vm": "web-1"} else None)

    assert "adopted it as i-late" in notice
    assert lab.up({"web-1": {}, "web-2": {}}).ok
    assert lab.machines() == ["web-1", "web-2"]


def test_a_create_that_was_refused_leaves_nothing_to_look_for(lab: Any) -> None:
    lab.up({"web-1": {"fail": "quota: no more machines"}})

    assert (pending(lab), lab.recover()) == ([], ())


def test_a_dead_plugin_leaves_what_it_was_creating_in_doubt(lab: Any) -> None:
    lab.up({"web-1": {"die": True}})

    assert pending(lab) == ["web-1"]
    assert lab.recover() == ("web-1: creating had never ended; it is begun again",)
    assert lab.up({"web-1": {}}).ok
    assert lab.machines() == ["web-1"]


def test_a_stack_in_doubt_can_be_taken_down_and_removed(lab: Any) -> None:
    lab.up({"web-1": {"die": True}})
    lab.recover()

    assert lab.down(remove=True).ok
    assert lab.session.absent


def test_a_killed_engine_is_reported_and_the_next_up_continues(lab: Any) -> None:
    def kill(event: Any) -> None:
        if event.kind == "op_start" and event.subject.vm:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                os.kill(json.loads((lab.home.folder / "engine.json").read_text())["pid"], signal.SIGKILL)

    lab.on_event = kill
    outcome = lab.up(SLOW)
    lab.on_event = lambda _: None

    assert not outcome.ok
    assert "was killed" in outcome.message
    assert locks_of(lab)
    assert any("lock" in notice for notice in lab.recover())
    assert lab.up({name: {} for name in SLOW}).ok
    assert pending(lab) == []


def test_a_deadline_ends_an_operation_like_an_interrupt(lab: Any) -> None:
    lab.preview(SLOW)

    outcome = lab.up({name: {"delay": 2} for name in SLOW}, timeout_s=1.5)

    assert (outcome.cancelled, outcome.timed_out) == (True, True)
    assert locks_of(lab) == []


def test_a_preview_that_takes_too_long_raises(lab: Any) -> None:
    with pytest.raises(TimedOut):
        lab.preview(SLOW, timeout_s=0.05)


def test_an_interrupted_preview_raises_cancelled(lab: Any) -> None:
    lab.session.make()
    timer = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -INT {os.getpid()}"])
    try:
        with pytest.raises(Cancelled):
            lab.preview(SLOW)
    finally:
        timer.wait()


def test_the_lock_of_a_dead_process_is_taken_over(lab: Any) -> None:
    lab.up({"web-1": {}})
    leave_lock(lab, pid=2**22 + 7, host=socket.gethostname())

    (notice,) = lab.recover()

    assert "pid 4194311" in notice
    assert lab.down().ok


def test_a_dead_lock_that_only_the_engine_meets_is_broken_on_the_spot(lab: Any) -> None:
    lab.up({"web-1": {}})
    leave_lock(lab, pid=2**22 + 7, host=socket.gethostname())

    assert lab.up({"web-1": {}, "web-2": {}}).ok
    assert lab.machines() == ["web-1", "web-2"]


def test_a_preview_beside_an_operation_leaves_its_card(lab: Any) -> None:
    lab.home.create()
    card = lab.home.folder / "engine.json"
    card.write_text("of another mcis")

    lab.preview({"web-1": {}})

    assert card.read_text() == "of another mcis"


def test_the_lock_of_a_living_process_is_respected(lab: Any) -> None:
    lab.up({"web-1": {}})
    leave_lock(lab, pid=os.getpid(), host=socket.gethostname())

    with pytest.raises(Locked, match=f"pid {os.getpid()}"):
        lab.recover()
    with pytest.raises(Locked, match=f"pid {os.getpid()}"):
        lab.down()


def test_the_lock_of_another_machine_is_respected_and_says_what_to_remove(lab: Any) -> None:
    lab.up({"web-1": {}})
    path = leave_lock(lab, pid=1, host="ci-7")

    with pytest.raises(Locked) as refused:
        lab.recover()

    assert "kim@ci-7" in refused.value.detail
    assert str(path) in refused.value.hint


def leave_lock(lab: Any, *, pid: int, host: str) -> Path:
    folder = lab.home.state / ".pulumi/locks/organization/shop/front"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4()}.json"
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime())
    path.write_text(json.dumps({"pid": pid, "username": "kim", "hostname": host, "timestamp": stamp}))
    return path


def test_an_engine_whose_mcis_was_killed_is_waited_for(lab: Any) -> None:
    child = run_elsewhere(lab, "lab.up({'web-1': {'delay': 3}, 'web-2': {'delay': 3}})")
    card = lab.home.folder / "engine.json"
    wait_until(lambda: card.exists() and lab.session.deployment().get("pending_operations"))
    child.kill()
    child.communicate()

    notices = lab.recover()

    assert any("whose mcis had ended" in notice for notice in notices)
    assert lab.notices
    assert locks_of(lab) == []
    assert lab.up({"web-1": {}, "web-2": {}}).ok
    assert sorted(set(lab.machines())) == ["web-1", "web-2"]


def test_a_second_operation_is_told_who_holds_the_stack(lab: Any) -> None:
    lab.home.create()
    child = run_elsewhere(lab, "\nwith hold(lab.home, 'up'):\n    print('held', flush=True)\n    input()")
    try:
        assert child.stdout.readline() == "held\n"

        with pytest.raises(Locked) as refused, hold(lab.home, "down", "stacks/edge"):
            pass
    finally:
        child.communicate("\n")

    assert f"(pid {child.pid}) has held front for 0 min." in refused.value.detail
    assert "mcis down stacks/edge" in refused.value.hint


def test_a_holder_that_was_killed_holds_nothing(lab: Any) -> None:
    lab.home.create()
    child = run_elsewhere(lab, "\nwith hold(lab.home, 'up'):\n    print('held', flush=True)\n    input()")
    assert child.stdout.readline() == "held\n"
    child.kill()
    child.communicate()

    with hold(lab.home, "down"):
        assert json.loads(lab.home.held.read_text())["verb"] == "down"


def run_elsewhere(lab: Any, code: str) -> subprocess.Popen[str]:
    """Run code that knows this lab in another process."""
    here = Path(__file__).parent
    head = f"""
        import sys
        sys.path[:0] = [{str(here)!r}, {str(here.parents[1])!r}]
        from pathlib import Path
        from conftest import Lab
        from mcis_iac.engine.bootstrap import Found
        from mcis_iac.engine.held import hold
        found = Found(path=Path({str(lab.engine.path)!r}), version={lab.engine.version!r}, source="", why="")
        lab = Lab(root=Path({str(lab.root)!r}), engine=found)
    """
    program = textwrap.dedent(head) + code
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True)


def wait_until(true: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def test_two_stacks_work_at_once(lab: Any) -> None:
    child = run_elsewhere(lab, "\nlab.stack = 'back'\nprint(lab.up({'db-1': {'delay': 1}}).ok, flush=True)")

    outcome = lab.up({"web-1": {"delay": 1}})

    assert child.communicate()[0] == "True\n"
    assert outcome.ok
    assert lab.machines() == ["db-1", "web-1"]


def test_an_empty_state_file_is_mended_from_its_backup(lab: Any) -> None:
    lab.up({"web-1": {}})
    lab.up({"web-1": {}, "web-2": {}})
    lab.session.checkpoint_file.write_text("")

    with pytest.raises(EngineError, match="damaged") as refused:
        lab.preview({})
    (notice,) = lab.recover()

    assert "mcis up" in refused.value.hint

    assert "backup is used" in notice
    assert lab.up({"web-1": {}, "web-2": {}}).ok
    assert lab.down().ok


def test_a_state_file_without_a_sound_backup_is_a_clear_error(lab: Any) -> None:
    lab.up({"web-1": {}})
    path = lab.session.checkpoint_file
    path.write_text("{")
    path.with_name(path.name + ".bak").write_text("")

    with pytest.raises(EngineError, match="damaged"):
        lab.recover()


def test_another_passphrase_is_named_as_the_trouble(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.up({"web-1": {}})
    monkeypatch.setenv("MCIS_PASSPHRASE", "another")
    lab.open()

    with pytest.raises(McisError, match="passphrase") as refused:
        lab.up({"web-1": {}})

    assert "MCIS_PASSPHRASE" in refused.value.hint


def test_lost_work_files_are_made_again_from_the_state(lab: Any) -> None:
    lab.up({"web-1": {}})
    for path in lab.home.work.iterdir():
        path.unlink()
    lab.open()

    assert lab.up({"web-1": {}}).steps == ()


def test_a_backend_given_as_a_relative_folder_lies_beside_the_manifest(blank: Any) -> None:
    blank.backend_url = "file://some state"

    assert blank.up({"web-1": {}}).ok
    assert (blank.root / "project" / "some state" / ".pulumi" / "stacks" / "shop" / "front.json").exists()


def test_an_unreachable_backend_is_a_clear_error_without_its_password(blank: Any) -> None:
    blank.backend_url = "postgres://kim:hush@127.0.0.1:9/state"

    with pytest.raises(McisError) as refused:
        blank.preview({"web-1": {}})

    assert "backend" in refused.value.summary
    assert "hush" not in f"{refused.value} {refused.value.hint}"


def test_a_missing_plugin_is_a_clear_error(lab: Any) -> None:
    lab.home.create()
    lab.session  # noqa: B018 opened before the plugin goes
    (lab.root / "plugins" / f"pulumi-resource-{provider.PACKAGE}").unlink()

    with pytest.raises(EngineError, match="plugin"):
        lab.preview({"web-1": {}})


@pytest.mark.parametrize("name", ["stacks/{project}/{stack}.json.attrs", "meta.yaml.attrs"])
def test_a_note_that_a_kill_left_half_written_is_no_obstacle(lab: Any, name: str) -> None:
    lab.up({"web-1": {}})
    file = lab.session.checkpoint_file
    note = file.parents[2] / name.format(project=file.parent.name, stack=file.stem)
    note.write_bytes(b"")
    lab.recover()
    assert lab.up({"web-1": {}, "web-2": {}}).ok
