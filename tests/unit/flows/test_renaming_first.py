"""What has to wait until a rename is carried out."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcis_iac.actions import inventory as inventories
from mcis_iac.errors import OperationError
from mcis_iac.flows import eject, guard
from mcis_iac.model import Inventory, Vm
from mcis_iac.pipeline import Request
from mcis_iac.placement import lock as locks
from mcis_iac.placement.lock import GroupLock, Lock

NAMES = {"database": "db"}


def test_targets_wait_while_the_state_has_old_names() -> None:
    with pytest.raises(OperationError) as refused:
        guard.rename_first(["net/main/local/r", "disk/database-1/data"], NAMES, "stacks/shop")
    assert "`database` is now `db`" in refused.value.detail
    assert refused.value.hint == "mcis up stacks/shop, then repeat"


def test_nothing_waits_once_all_keys_are_new() -> None:
    guard.rename_first(["db-1", "sg/db/local/r", "database-proxy-1"], NAMES, "")


def test_a_program_is_not_ejected_before_the_rename_is_carried_out(tmp_path: Path) -> None:
    group = "{placement: {cloud: local, region: local-seoul}, formerly: database}"
    (tmp_path / "mcis.yaml").write_text(f"version: 1\nname: shop\ngroups:\n  db: {group}\n")
    locks.write(tmp_path / "mcis.lock", Lock(groups={"database": GroupLock(highest=1)}))
    vm = Vm(
        name="database-1", group="database", ordinal=1, connection="local", cloud="local",
        region="local-seoul", zone="a", type="small", id="i-1", private_ip="10.0.0.1",
        public_ip=None, user="mcis", host_key=None,
    )  # fmt: skip
    inventories.write(tmp_path / ".mcis/shop/inventory.json", Inventory(vms=(vm,), operation="up"))
    with pytest.raises(OperationError, match="`database` is now `db`"):
        eject.eject(Request(file=str(tmp_path)), tmp_path / "out")
    assert not (tmp_path / "out").exists()
