"""Spot requests as EC2 keeps them: they outlive their machines and start others when they like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from fakes.mcis import a_group, a_plan

from mcis_iac.clouds.aws import kinds, lookup, spot, sweeping
from mcis_iac.clouds.base import CanRelease, Found
from mcis_iac.clouds.gcp import lookup as other
from mcis_iac.model import Connection, Pin
from mcis_iac.program.build import build

SHOP = {"mcis": "shop", "Name": "shop-web-1"}


class Ec2:
    """Machines with the requests they come from, and requests with what they launch."""

    def __init__(self) -> None:
        self.machines: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, dict[str, Any]] = {}
        self.quick: dict[str, str] = {}  # request -> the machine it starts just before it is cancelled

    def runs(self, id: str, *, request: str = "", state: str = "running") -> None:
        self.machines[id] = {"InstanceId": id, "State": {"Name": state}}
        if request:
            self.machines[id][spot.ID] = request

    def wants(self, request: str, *, machine: str = "", groups: Sequence[str] = ()) -> None:
        launch = {"NetworkInterfaces": [{"Groups": list(groups)}]}
        self.requests[request] = {spot.ID: request, "State": "open", "LaunchSpecification": launch}
        if machine:
            self.requests[request] |= {"InstanceId": machine, "State": "active"}

    # ------------------------------------------------------------ the client

    def can_paginate(self, _: str) -> bool:
        return False

    def describe_instances(self, Filters: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        wanted = {each["Name"]: each["Values"] for each in Filters}
        states = wanted.get("instance-state-name", (*kinds.ALIVE, "terminated"))
        found = [self.machines[id] for id in wanted["instance-id"] if id in self.machines]
        return {"Reservations": [{"Instances": [m for m in found if m["State"]["Name"] in states]}]}

    def describe_spot_instance_requests(self, Filters: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        fields = {"state": "State", "spot-instance-request-id": spot.ID}
        found = list(self.requests.values())
        for each in Filters:
            found = [request for request in found if request[fields[each["Name"]]] in each["Values"]]
        return {"SpotInstanceRequests": found}

    def cancel_spot_instance_requests(self, SpotInstanceRequestIds: Sequence[str]) -> None:
        for id in SpotInstanceRequestIds:
            if id in self.quick:
                self.runs(self.quick[id])
                self.requests[id]["InstanceId"] = self.quick[id]
            self.requests[id]["State"] = "cancelled"

    def terminate_instances(self, InstanceIds: Sequence[str]) -> None:
        for id in InstanceIds:
            self.machines[id]["State"] = {"Name": "terminated"}

    def get_waiter(self, _: str) -> Any:
        return self

    def wait(self, **_: Any) -> None: ...


@pytest.fixture
def ec2() -> Ec2:
    return Ec2()


def lingering(ec2: Ec2, *ours: str) -> list[str]:
    return [each.id for each in spot.lingering(ec2, dict.fromkeys(ours, SHOP))]


def living(ec2: Ec2) -> set[str]:
    return {id for id, machine in ec2.machines.items() if machine["State"]["Name"] in kinds.ALIVE}


def test_a_terminated_machine_still_tells_the_request_it_came_from(ec2: Ec2) -> None:
    ec2.runs("i-1", request="sir-1", state="terminated")
    ec2.wants("sir-1")
    assert lingering(ec2, "i-1") == ["sir-1"]


def test_machines_on_demand_hide_no_request(ec2: Ec2) -> None:
    ec2.runs("i-1", request="sir-1", state="terminated")
    ec2.runs("i-2")
    ec2.wants("sir-1")
    assert lingering(ec2, "i-1", "i-2") == ["sir-1"]


@pytest.mark.parametrize("state", kinds.ALIVE)
def test_the_request_of_a_machine_that_is_there_does_not_linger(ec2: Ec2, state: str) -> None:
    ec2.runs("i-1", request="sir-1", state=state)
    ec2.wants("sir-1", groups=["sg-1"])
    assert lingering(ec2, "i-1", "sg-1") == []


def test_what_only_partly_is_in_our_groups_is_not_ours(ec2: Ec2) -> None:
    ec2.wants("sir-1", groups=["sg-1", "sg-2"])
    ec2.wants("sir-2", groups=["sg-1"])
    ec2.wants("sir-3")
    assert lingering(ec2, "sg-1") == ["sir-2"]


def test_a_request_with_our_tags_is_ours(ec2: Ec2) -> None:
    ec2.wants("sir-1")
    assert lingering(ec2, "sir-1") == ["sir-1"]


def test_where_nothing_is_ours_nobody_is_asked() -> None:
    assert list(spot.lingering(object(), {})) == []


def test_a_machine_that_was_started_in_the_last_moment_goes_too(ec2: Ec2) -> None:
    ec2.runs("i-1", request="sir-1", state="terminated")
    ec2.wants("sir-1")
    ec2.quick["sir-1"] = "i-2"
    sweeping.delete(ec2, list(spot.lingering(ec2, {"i-1": SHOP})))
    assert ec2.requests["sir-1"]["State"] == "cancelled" and living(ec2) == set()


def test_a_machine_that_is_swept_takes_its_request_along(ec2: Ec2) -> None:
    ec2.runs("i-1", request="sir-1")
    ec2.wants("sir-1", machine="i-1")
    ec2.runs("i-2")
    ec2.wants("sir-2", machine="i-2")
    sweeping.delete(ec2, [Found(kind="instance", id="i-1", name="shop-web-1", tags=SHOP)])
    assert ec2.requests["sir-1"]["State"] == "cancelled" and ec2.requests["sir-2"]["State"] == "active"
    assert living(ec2) == {"i-2"}


# ---------------------------------------------------------------- before machines go


PERSISTENT = {
    "instanceMarketOptions": {"marketType": "spot", "spotOptions": {"spotInstanceType": "persistent"}}
}


def test_before_machines_go_their_requests_are_cancelled_and_no_other(ec2: Ec2) -> None:
    for number in (1, 2):
        ec2.runs(f"i-{number}", request=f"sir-{number}")
        ec2.wants(f"sir-{number}", machine=f"i-{number}")
    sweeping.cancel(ec2, ["i-1"])
    assert [request["State"] for request in ec2.requests.values()] == ["cancelled", "active"]
    assert living(ec2) == {"i-1", "i-2"}
    sweeping.cancel(ec2, ["i-1"])
    assert ec2.requests["sir-1"]["State"] == "cancelled"


def test_only_machines_with_persistent_requests_hold_one() -> None:
    assert lookup.holds(PERSISTENT)
    assert not lookup.holds({})
    assert not lookup.holds({"instanceMarketOptions": {"marketType": "capacity-block"}})


def test_the_graph_makes_spot_machines_that_hold_a_request() -> None:
    pin = Pin(connection="aws", region="us-east-1", spot=True)
    plan = a_plan(
        replace(a_group("web", cloud="aws"), placement=pin),
        connections={"aws": Connection(name="aws", cloud="aws")},
    )
    assert lookup.holds(build(plan)["web-1"].inputs)


def test_what_can_be_released_is_declared() -> None:
    assert isinstance(lookup, CanRelease) and not isinstance(other, CanRelease)
