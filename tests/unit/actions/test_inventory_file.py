"""The inventory: out of the stack's output, through its file, and selected by the user."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.actions import inventory
from mcis_iac.errors import McisError, NotFoundError, OperationError
from mcis_iac.model import Failure, Inventory, VmFailure
from tests.fakes.ssh import a_vm

FAILED = VmFailure(
    name="web-3",
    group="web",
    connection="local",
    cloud="local",
    region="local-seoul",
    failure=Failure(code="capacity", stage="create", message="no capacity"),
)
FULL = Inventory(
    vms=(
        a_vm("db-1", public_ip=None, hourly_usd=Decimal("0.1281")),
        a_vm("web-1"),
        a_vm("web-2", ssh_port=2222),
    ),
    failed=(FAILED,),
    as_of="2026-11-22T14:03:22Z",
    operation="up",
    by="kim",
    duration_s=41.5,
)


def entry(name: str, **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in asdict(a_vm(name)).items() if key != "name"} | changes


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    inventory.write(tmp_path / "a" / "inventory.json", FULL)
    assert inventory.read(tmp_path / "a" / "inventory.json") == FULL


def test_only_the_owner_may_read_the_file_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "inventory.json"
    inventory.write(path, FULL)
    inventory.write(path, Inventory())
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_no_file_is_an_empty_inventory(tmp_path: Path) -> None:
    assert inventory.read(tmp_path / "none") == Inventory()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 1}',
        '{"version": 9, "vms": []}',
        "\x00",
        '{"version": 1, "vms": [{}]}',
    ],
)
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "inventory.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OperationError) as refused:
        inventory.read(path)
    assert str(path) in refused.value.detail


@given(st.binary(max_size=200))
def test_no_bytes_at_all_end_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random-inventory.json"
    path.write_bytes(data)
    with pytest.raises(OperationError):
        inventory.read(path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(McisError) as refused:
        inventory.write(tmp_path / "file" / "inventory.json", FULL)
    assert "inventory.json" in refused.value.detail


def test_outputs_become_vms_sorted_by_group_and_number() -> None:
    entries = {name: entry(name) for name in ("web-10", "web-2", "db-1")}
    assert [vm.name for vm in inventory.from_outputs({"inventory": entries})] == ["db-1", "web-2", "web-10"]


def test_the_engines_numbers_and_blanks_are_understood() -> None:
    values = entry(
        "web-1", ordinal=1.0, ssh_port=2222.0, public_ip="", host_key=None, hourly_usd=0.0104, new=1
    )
    (vm,) = inventory.from_outputs({"inventory": {"web-1": values}})
    assert (vm.ordinal, vm.ssh_port, vm.public_ip, vm.host_key) == (1, 2222, None, None)
    assert vm.hourly_usd == Decimal("0.0104")


def test_what_may_be_unknown_may_be_missing() -> None:
    values = entry("web-1")
    for name in ("ssh_port", "created_at", "hourly_usd", "public_ip"):
        del values[name]
    (vm,) = inventory.from_outputs({"inventory": {"web-1": values}})
    assert (vm.ssh_port, vm.created_at, vm.public_ip) == (22, None, None)


def test_a_vm_that_was_never_made_is_not_in_the_inventory() -> None:
    entries = {"web-1": entry("web-1"), "web-2": entry("web-2", id=None, private_ip=None), "web-3": None}
    assert [vm.name for vm in inventory.from_outputs({"inventory": entries})] == ["web-1"]


def test_no_output_is_no_vms() -> None:
    assert inventory.from_outputs({}) == ()


@pytest.mark.parametrize("damage", [{"group": None}, {"ordinal": "x"}, {"hourly_usd": "cheap"}])
def test_an_output_that_makes_no_sense_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(OperationError):
        inventory.from_outputs({"inventory": {"web-1": entry("web-1", **damage)}})


@pytest.mark.parametrize(
    ("groups", "vms", "chosen"),
    [
        ((), (), ["db-1", "web-1", "web-2"]),
        (("web",), (), ["web-1", "web-2"]),
        ((), ("web-2", "db-1"), ["db-1", "web-2"]),
        (("db",), ("web-1",), ["db-1", "web-1"]),
    ],
)
def test_groups_and_names_select_together(
    groups: tuple[str, ...], vms: tuple[str, ...], chosen: list[str]
) -> None:
    assert [vm.name for vm in inventory.select(FULL, groups, vms)] == chosen


def test_a_group_whose_vms_all_failed_selects_nothing() -> None:
    assert inventory.select(Inventory(failed=(FAILED,)), groups=("web",)) == ()


def test_an_unknown_group_names_the_one_that_was_meant() -> None:
    with pytest.raises(NotFoundError) as refused:
        inventory.select(FULL, groups=("wbe",))
    assert (refused.value.exit_code, refused.value.hint) == (6, "did you mean `web`?")


def test_an_unknown_vm_says_which_there_are() -> None:
    with pytest.raises(NotFoundError) as refused:
        inventory.select(FULL, vms=("web-7",))
    assert refused.value.detail == "`web-7`; there is db-1, web[1-2]"
    assert refused.value.hint == ""


def test_a_vm_that_failed_to_be_created_says_why() -> None:
    with pytest.raises(NotFoundError) as refused:
        inventory.select(FULL, vms=("web-3",))
    assert refused.value.detail == "web-3: no capacity"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("web", "web", 0),
        ("wbe", "web", 1),
        ("web", "we", 1),
        ("web", "wep", 1),
        ("", "abc", 3),
        ("ca", "abc", 3),
    ],
)
def test_a_swap_of_neighbours_is_one_typo(one: str, other: str, expected: int) -> None:
    assert inventory.distance(one, other) == expected


def test_two_equally_near_names_are_no_guess() -> None:
    assert inventory.closest("web-3x", ["web-3a", "web-3b"]) is None
