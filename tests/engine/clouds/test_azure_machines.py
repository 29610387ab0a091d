"""Azure's machines through the real engine: what may change under them and how they move."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes.standin.lab import Lab
from fakes.standin.shop import DATA, applied, with_another_first_boot
from fakes.standin.stacks import group, over_clouds, plan_of, vm_tokens

from mcis_iac.clouds.azure import slots, walls
from mcis_iac.model import Firewall, FirewallRule, Mcis, Network, Op, Plan
from mcis_iac.program.build import build

pytestmark = pytest.mark.engine


def a_shop(count: int = 1, **fields: Any) -> Mcis:
    """A group with disks and addresses, and one without."""
    pin = {name: fields.pop(name) for name in ("region", "zone", "spot") if name in fields}
    api = group("api", count, "azure", **({"disks": (DATA,), "type": "Standard_D2s_v5"} | fields))
    api = replace(api, firewalls=(), placement=replace(api.placement, **pin))
    mcis = over_clouds(api, replace(group("db", 1, "azure", public_ip="none"), firewalls=()))
    return replace(mcis, networks={**mcis.networks, "back": Network(name="back")})


@pytest.fixture
def shop(lab: Lab) -> Lab:
    lab.vm_tokens, lab.connections = vm_tokens(a_shop()), {"azure": "azure"}
    return lab


def ids(lab: Lab) -> dict[str, str]:
    return {thing.name: thing.id for thing in lab.clouds.things("azure-native", "%")}


def test_a_newer_image_setup_or_host_key_touches_no_machine(shop: Lab) -> None:
    shop.stood(build(plan_of(a_shop())))
    newer = "Canonical:ubuntu-24_04-lts:server:24.04.202699990"
    assert applied(shop, with_another_first_boot(a_shop(), newer)) == {}


def test_a_larger_size_restarts_a_machine_and_keeps_it(shop: Lab) -> None:
    shop.stood(build(plan_of(a_shop())))
    assert applied(shop, plan_of(a_shop(type="Standard_D4s_v5"))) == {"api-1": Op.UPDATE}


@pytest.mark.parametrize("change", [{"user": "ops"}, {"spot": True}])
def test_a_rebuilt_machine_keeps_its_disk_and_address(shop: Lab, change: dict[str, Any]) -> None:
    shop.stood(build(plan_of(a_shop())))
    before = ids(shop)
    plan = plan_of(a_shop(**change))
    spot = tuple(replace(m, spot=bool(change.get("spot")) and m.group == "api") for m in plan.members)
    assert applied(shop, replace(plan, members=spot)) == {"api-1": Op.REPLACE}
    assert ids(shop) == before


def test_a_machine_in_another_zone_gets_another_disk_and_keeps_its_address(shop: Lab) -> None:
    shop.stood(build(plan_of(a_shop(zone="1"))))
    steps = applied(shop, plan_of(a_shop(zone="2")))
    assert steps == {"api-1": Op.REPLACE, "disk/api-1/data": Op.REPLACE}


@pytest.mark.parametrize("change", [{"region": "eastus2"}, {"network": "back"}])
def test_a_machine_moves_with_all_it_has(shop: Lab, change: dict[str, Any]) -> None:
    before = plan_of(a_shop())
    applied(shop, before)
    moved = staying(before, plan_of(a_shop(**change)))
    steps = applied(shop, moved)
    own = {key: op for key, op in steps.items() if key.endswith("api-1")}
    assert own == dict.fromkeys(("api-1", "nic/api-1", "ip/api-1"), Op.REPLACE)
    assert applied(shop, moved) == {}
    assert "db-1" not in steps


def staying(before: Plan, after: Plan) -> Plan:
    """Networks keep their ranges where they are, as the lock has it."""
    ranges = {
        name: {place: before.ranges.get(name, {}).get(place, "10.20.240.0/20") for place in blocks}
        for name, blocks in after.ranges.items()
    }
    return replace(after, ranges=ranges)


def test_a_machine_may_leave_a_network_that_moves_at_the_same_time(shop: Lab) -> None:
    shop.stood(build(plan_of(a_shop())))
    elsewhere = plan_of(a_shop(region="eastus2"))
    blocks = {place: f"10.20.{128 + 16 * n}.0/20" for n, place in enumerate(sorted(elsewhere.ranges["main"]))}
    both = replace(elsewhere, ranges={"main": blocks})
    steps = applied(shop, both)
    assert {steps[key] for key in ("api-1", "nic/api-1", "db-1")} == {Op.REPLACE}
    assert applied(shop, both) == {}
    assert shop.down().ok and shop.there() == []


def test_the_first_machine_without_an_address_disturbs_nobody(shop: Lab) -> None:
    public = a_shop()
    public = replace(public, groups={"api": public.groups["api"]})
    applied(shop, plan_of(public))
    steps = applied(shop, plan_of(a_shop()))
    assert set(steps.values()) == {Op.CREATE}


def priority(*ports: int) -> int:
    """The number of the first port's rule beside those of the others."""
    return slots.numbered([f"tcp-{port} ranges" for port in ports], walls.PRIORITIES)[
        f"tcp-{ports[0]} ranges"
    ]


def test_rules_that_trade_places_never_claim_one_priority(shop: Lab) -> None:
    def walled(*ports: int) -> Plan:
        rule = FirewallRule(sources=("anywhere",), ports=tuple((port, port) for port in ports))
        mcis = a_shop()
        groups = {"api": replace(mcis.groups["api"], firewalls=("w",))}
        return plan_of(replace(mcis, groups=groups, firewalls={"w": Firewall(name="w", rules=(rule,))}))

    rival = next(port for port in range(1001, 65_536) if priority(1000, port) != priority(1000))
    assert priority(rival, 1000) == priority(1000)
    applied(shop, walled(1000))
    wall = "rule/api/azure/koreacentral"
    steps = applied(shop, walled(1000, rival))
    assert steps == {f"{wall}/{priority(1000)}": Op.UPDATE, f"{wall}/{priority(1000, rival)}": Op.CREATE}
    steps = applied(shop, walled(1000))
    assert steps == {f"{wall}/{priority(1000)}": Op.UPDATE, f"{wall}/{priority(1000, rival)}": Op.DELETE}


def test_everything_goes_in_one_down(shop: Lab) -> None:
    shop.stood(build(plan_of(a_shop(2))))
    assert shop.down().ok
    assert shop.there() == []
