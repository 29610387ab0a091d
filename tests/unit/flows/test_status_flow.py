"""Status from several clouds: what each says, what it said a while ago, what is counted where."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fakes.mcis import KEY

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions import sightings
from mcis_iac.actions.sightings import Sighting
from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Observed
from mcis_iac.errors import CredentialsError, McisError, NotFoundError, OperationError
from mcis_iac.flows import asked, look
from mcis_iac.flows.ground import ground
from mcis_iac.flows.look import Sight
from mcis_iac.model import Connection, Failure, Inventory, Status, Vm, VmFailure
from mcis_iac.pipeline import Request, Selection, StatusReport
from mcis_iac.placement import lock as locks
from mcis_iac.placement.members import settle

MANIFEST = """
version: 1
name: shop
connections:
  near: {cloud: local}
  far: {cloud: aws}
groups:
  web: {count: 3, placement: {connection: near, region: local-seoul}}
  api: {count: 2, placement: {connection: far, region: ap-northeast-2}}
"""
R, S = Status.RUNNING, Status.SUSPENDED


@dataclass
class Sky:
    """What all clouds say: VMs by name, and the connections that say nothing, with the reason."""

    states: dict[str, Status] = field(default_factory=dict)
    silent: dict[str, McisError] = field(default_factory=dict)
    told: dict[str, tuple[str, ...]] = field(default_factory=dict)
    calls: list[tuple[str, int]] = field(default_factory=list)
    together: threading.Barrier | None = None

    def observe(self, connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Observed]:
        self.calls.append((connection.name, len(vms)))
        if self.together is not None:
            self.together.wait(timeout=20)
        if connection.name in self.silent:
            raise self.silent[connection.name]
        return {vm.name: Observed(status=self.states.get(vm.name, R), native="on") for vm in vms}

    def notices(self, connection: Connection) -> Sequence[str]:
        return self.told.get(connection.name, ())


@pytest.fixture
def sky(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sky]:
    sky = Sky()
    registry._load.cache_clear()
    for cloud in ("local", "aws"):
        module = ModuleType(f"{registry.CLOUDS[cloud]}.lifecycle")
        module.observe, module.notices = sky.observe, sky.notices  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
    yield sky
    registry._load.cache_clear()


def vm(name: str, connection: str = "near", **more: Any) -> Vm:
    group, _, ordinal = name.rpartition("-")
    cloud = {"near": "local", "far": "aws"}[connection]
    known = {
        "region": "r", "zone": "a", "type": "small", "id": f"i-{name}", "private_ip": "10.0.0.1",
        "public_ip": None, "user": "mcis", "host_key": None,
    }  # fmt: skip
    return Vm(
        name=name, group=group, ordinal=int(ordinal), connection=connection, cloud=cloud, **(known | more)
    )


ALL = (vm("api-1", "far"), vm("api-2", "far"), vm("web-1"), vm("web-2"), vm("web-3"))


class Shop:
    """A checkout with an inventory."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / ".mcis/shop"
        self.request = Request(file=str(folder))
        (folder / "mcis.yaml").write_text(MANIFEST)
        self.has(*ALL)

    def has(self, *vms: Vm, operation: str = "up", failed: tuple[VmFailure, ...] = ()) -> None:
        known = Inventory(vms=vms, failed=failed, operation=operation, as_of="2026-11-22T12:00:00Z", by="kim")
        inventories.write(self.home / "inventory.json", known)

    def plans(self) -> None:
        """A lock for everything the manifest asks for."""
        here = ground(self.request)
        locks.write(here.lock_path, settle(here.mcis, here.lock, public_keys={"generated": KEY}).lock)

    def saw(self, name: str, status: Status, ago_s: float, id: str | None = None) -> None:
        at = (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat()
        known = sightings.read(self.home / "seen.json")
        known[name] = Sighting(id=id or f"i-{name}", status=status, at=at)
        sightings.write(self.home / "seen.json", known, known)

    def __call__(self, *words: str, timeout_s: float | None = None, **sight: Any) -> StatusReport:
        selection = Selection(groups=words)
        return look.status(replace(self.request, timeout_s=timeout_s), selection, Sight(**sight))


@pytest.fixture
def shop(tmp_path: Path, sky: Sky) -> Shop:
    return Shop(tmp_path)


def statuses(report: StatusReport) -> dict[str, str]:
    return {row.name: row.status.value for row in report.rows}


NO_KEY = CredentialsError(summary="no credentials", detail="far: no credentials for aws", hint="aws login")
NO_ANSWER = OperationError(summary="no answer", detail="far: connection refused")


def test_every_connection_is_asked_once_for_all_of_its_vms(shop: Shop, sky: Sky) -> None:
    assert set(statuses(shop()).values()) == {"Running"}
    assert sorted(sky.calls) == [("far", 2), ("near", 3)]


def test_connections_are_asked_at_the_same_time(shop: Shop, sky: Sky) -> None:
    sky.together = threading.Barrier(2)  # each waits for the other
    assert len(shop().rows) == 5


def test_groups_clouds_and_the_whole_are_counted_apart(shop: Shop, sky: Sky) -> None:
    sky.states = {"web-2": S, "api-1": Status.FAILED}
    report = shop()
    assert report.groups["web"]["counts"] == {"Running": 2, "Suspended": 1}
    assert report.groups["web"]["display"] == "Partial-Running (R:2 S:1)"
    assert (report.clouds["far"]["status"], report.clouds["far"]["partial"]) == ("Failed", True)
    assert report.summary["status"] == "Failed" and report.summary["total"] == 5


@pytest.mark.parametrize(("error", "code"), [(NO_KEY, 3), (NO_ANSWER, 0)])
def test_one_silent_cloud_leaves_the_answers_of_the_others(
    shop: Shop, sky: Sky, error: McisError, code: int
) -> None:
    sky.silent = {"far": error}
    report = shop()
    assert statuses(report) == {
        "api-1": "Undefined", "api-2": "Undefined",
        "web-1": "Running", "web-2": "Running", "web-3": "Running",
    }  # fmt: skip
    assert report.rows[0].detail == error.detail.removeprefix("far: ")
    assert (report.exit_code, report.summary["stale"]) == (code, ["far"])
    assert [(each.connection, each.vms) for each in report.silent] == [("far", 2)]


def test_vms_of_a_silent_cloud_keep_their_last_status_for_five_minutes(shop: Shop, sky: Sky) -> None:
    sky.silent = {"far": NO_ANSWER}
    shop.saw("api-1", S, ago_s=240)
    shop.saw("api-2", S, ago_s=310)
    found = {row.name: row for row in shop().rows}
    assert (found["api-1"].status, found["api-2"].status) == (S, Status.UNDEFINED)
    assert found["api-1"].detail == "seen 240s ago: connection refused"


def test_what_was_seen_is_remembered_for_when_the_cloud_is_silent(shop: Shop, sky: Sky) -> None:
    sky.states = {"api-1": S}
    shop()
    sky.silent = {"far": NO_ANSWER}
    assert statuses(shop())["api-1"] == "Suspended"


def test_a_machine_made_anew_has_no_last_status(shop: Shop, sky: Sky) -> None:
    sky.silent = {"far": NO_ANSWER}
    shop.saw("api-1", R, ago_s=5, id="i-of-the-old-one")
    assert statuses(shop())["api-1"] == "Undefined"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"vms": {"api-1": {"id": 1}}}', '{"vms": 3}'])
def test_a_broken_memory_is_none(shop: Shop, sky: Sky, text: str) -> None:
    (shop.home / "seen.json").write_text(text)
    sky.silent = {"far": NO_ANSWER}
    assert statuses(shop())["api-1"] == "Undefined"


def test_a_cloud_that_takes_too_long_is_silent(shop: Shop, sky: Sky) -> None:
    sky.together = threading.Barrier(3)  # nobody else comes
    report = shop(timeout_s=0.05)
    sky.together.abort()
    assert {each.connection for each in report.silent} == {"near", "far"}
    assert report.silent[0].why.endswith("no answer within 0.05 s")


def test_a_fault_of_ours_is_not_taken_for_a_silent_cloud() -> None:
    with pytest.raises(ZeroDivisionError):
        asked.at_once({"one": lambda: 1 // 0, "two": lambda: 2})


def test_filters_narrow_what_is_asked_and_counted(shop: Shop, sky: Sky) -> None:
    report = shop("web")
    assert set(report.groups) == {"web"} and sky.calls == [("near", 3)]
    assert set(statuses(shop(clouds=("aws",)))) == {"api-1", "api-2"}
    assert set(statuses(shop(clouds=("near",)))) == {"web-1", "web-2", "web-3"}
    assert shop("web", clouds=("far",)).rows == ()


def test_a_wish_for_statuses_hides_rows_that_are_counted_all_the_same(shop: Shop, sky: Sky) -> None:
    sky.states = {"web-2": S}
    report = shop(statuses=(S,))
    assert (list(statuses(report)), report.left_out) == (["web-2"], 4)
    assert report.summary["counts"] == {"Running": 4, "Suspended": 1}


def test_a_cloud_nobody_has_is_refused_with_the_one_meant(shop: Shop) -> None:
    with pytest.raises(NotFoundError) as refused:
        shop(clouds=("neer",))
    assert refused.value.summary == "no such connection or cloud" and "`near`" in refused.value.hint


def test_vms_the_lock_plans_and_nobody_tried_to_make_are_pending(shop: Shop) -> None:
    shop.plans()
    failure = Failure(code="quota", stage="create", message="no quota")
    lost = VmFailure(name="web-2", group="web", connection="near", cloud="local", region="r", failure=failure)
    shop.has(vm("web-1"), failed=(lost,))
    report = shop()
    assert (report.summary["pending"], report.summary["status"]) == (3, "Failed")
    assert {name: part["pending"] for name, part in report.groups.items()} == {"web": 1, "api": 2}
    assert {name: part["pending"] for name, part in report.clouds.items()} == {"near": 1, "far": 2}
    assert report.groups["api"]["status"] == "Empty"
    assert shop(clouds=("far",)).summary["pending"] == 2


def test_after_down_nothing_is_pending_and_all_is_terminated(shop: Shop) -> None:
    shop.plans()
    shop.has(operation="down")
    report = shop()
    assert (report.summary["status"], report.summary["pending"]) == ("Terminated", 0)


def test_notices_of_all_clouds_are_told_once(shop: Shop, sky: Sky) -> None:
    sky.told = {"near": ("be careful",), "far": ("be careful", "far away")}
    assert sorted(shop().notices) == ["be careful", "far away"]


def test_a_vm_whose_connection_is_gone_says_so(shop: Shop, tmp_path: Path) -> None:
    text = MANIFEST.replace("far: {cloud: aws}", "other: {cloud: aws}").replace(
        "connection: far", "connection: other"
    )
    (tmp_path / "mcis.yaml").write_text(text)
    report = shop()
    assert (
        report.rows[0].status is Status.UNDEFINED and report.rows[0].detail == "there is no connection `far`"
    )


def test_a_thousand_vms_are_asked_for_in_one_call_each(shop: Shop, sky: Sky) -> None:
    shop.has(*(vm(f"web-{n}") for n in range(1, 1001)))
    report = shop()
    assert (len(report.rows), sky.calls) == (1000, [("near", 1000)])
    assert [row.name for row in report.rows[:3]] == ["web-1", "web-2", "web-3"]
