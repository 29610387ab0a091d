"""The command a screen ends with does what the screen spoke of."""

from __future__ import annotations

import pytest
from fakes.ssh import a_vm

from mcis_iac.errors import UsageError
from mcis_iac.flows.apply import go_on
from mcis_iac.flows.placing import Wish
from mcis_iac.flows.scale import parse
from mcis_iac.model import Failure, Inventory, VmFailure
from mcis_iac.pipeline import Request


def failed(name: str, *, stage: str, code: str = "other") -> VmFailure:
    return VmFailure(
        name=name,
        group=name.rpartition("-")[0],
        connection="local",
        cloud="local",
        region="local-seoul",
        failure=Failure(code=code, stage=stage, message="no"),
    )


def left(vms: list[str], *failures: VmFailure) -> Inventory:
    return Inventory(vms=tuple(map(a_vm, vms)), failed=failures)


def test_overrides_and_targets_are_said_again() -> None:
    request = Request(file="my stack", env="prod", sets=("groups.web.count=3", "labels={a: b}"))
    assert Wish(targets=("web", "db-1")).words(request) == (
        "'my stack' -e prod --set groups.web.count=3 --set 'labels={a: b}' --target web --target db-1"
    )
    assert Wish().words(Request()) == ""


def test_what_was_not_made_is_made_by_the_same_command() -> None:
    assert go_on("-e prod", left(["web-1"], failed("web-2", stage="create"))) == "mcis up -e prod"


def test_a_first_boot_that_takes_long_is_only_looked_at_again() -> None:
    assert go_on("", left(["web-1"], failed("web-1", stage="setup", code="timeout"))) == "mcis up"


def test_a_first_boot_that_failed_wants_another_vm() -> None:
    broken = failed("web-2", stage="setup")
    assert go_on("stacks/edge", left(["web-1", "web-2"], broken)) == "mcis up stacks/edge --replace web-2"


def test_a_group_that_is_broken_as_a_whole_is_named_once() -> None:
    broken = [failed(f"web-{n}", stage="setup") for n in (1, 2)]
    assert go_on("", left(["db-1", "web-1", "web-2"], *broken)) == "mcis up --replace web"


def test_a_vms_name_is_no_scale() -> None:
    with pytest.raises(UsageError) as refused:
        parse("web-1")
    assert "--remove takes the names of VMs" in refused.value.hint
