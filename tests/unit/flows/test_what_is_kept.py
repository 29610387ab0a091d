"""Existing VMs keep what they were made with; the user is told, and how to renew them."""

from __future__ import annotations

from dataclasses import make_dataclass, replace
from typing import Any

import pytest
from fakes.mcis import KEY, SEOUL, a_group, an_mcis, settled

from mcis_iac.clouds import registry
from mcis_iac.flows import kept
from mcis_iac.flows.placing import Placed
from mcis_iac.model import Change, Connection, Diff, Disk, Group, Key, Mcis, Op, Setup, SetupFile, Subject
from mcis_iac.placement import lock_outcome
from mcis_iac.placement.lock import Lock
from mcis_iac.placement.made import made_by
from mcis_iac.program.build import build

REGIONS = {"aws": "us-east-1", "azure": "westeurope", "gcp": "us-central1", "openstack": "RegionOne"}
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q"
DATA = Disk(name="data", size_gib=10, mount="/data")
NOTHING = Diff(changes=(), same=2, vms_before=2, vms_after=2)


def a_shop(cloud: str = "aws", **fields: Any) -> Mcis:
    group = a_group("web", 2, cloud=cloud, region=REGIONS.get(cloud, SEOUL), type="t", key="ops")
    settings = {"external_network": "public", "project": "p"}
    return an_mcis(
        replace(group, **fields),
        connections={cloud: Connection(name=cloud, cloud=cloud, settings=settings)},
        keys={"ops": Key(name="ops")},
    )


def placed(mcis: Mcis, lock: Lock | None = None, key: str = KEY) -> Placed:
    found = settled(mcis, lock, keys={"ops": key, "generated": key})
    return Placed(plan=found.plan, graph=build(found.plan), lock=found.lock, lock_changed=found.changed)


def changing(op: Op, *names: str) -> Diff:
    changes = tuple(
        Change(key=name, token="t", op=op, subject=Subject(group="web", vm=name), is_vm=True)
        for name in names
    )
    return replace(NOTHING, changes=changes)


def made(mcis: Mcis) -> Lock:
    """The lock once all VMs were made."""
    return kept.begun(placed(mcis), changing(Op.CREATE, "web-1", "web-2"))


def said(mcis: Mcis, diff: Diff = NOTHING, lock: Lock | None = None, key: str = KEY) -> tuple[str, ...]:
    before = made(a_shop()) if lock is None else lock
    return kept.notices(placed(mcis, before, key).plan, before, diff)


def digest_of(group: Group) -> str:
    plan = placed(a_shop()).plan
    made = made_by(replace(plan, mcis=replace(plan.mcis, groups={"web": group})))
    return made(plan.members[0]).setup


def logins(found: Placed) -> dict[str, str]:
    return {name: entry["user"] for name, entry in found.graph.outputs["inventory"].items()}  # type: ignore


def test_nothing_is_said_when_nothing_differs() -> None:
    assert said(a_shop()) == ()


def test_another_image_is_for_new_vms_only() -> None:
    (notice,) = said(a_shop(image="debian-12"))
    assert notice == "web: existing VMs keep their image; `mcis replace web` makes them anew"


def test_it_is_said_as_long_as_it_is_so() -> None:
    changed = a_shop(image="debian-12")
    later = placed(changed, made(a_shop())).lock
    assert said(changed, lock=later) == said(changed)


def test_another_setup_is_for_new_vms_only() -> None:
    (notice,) = said(a_shop(setup=Setup(run=("true",)), image="debian-12"))
    assert "keep their image and setup;" in notice


def test_mounts_are_made_at_the_first_boot_too() -> None:
    (notice,) = said(a_shop(disks=(DATA,)))
    assert "keep their mounts;" in notice


def test_a_cloud_that_mounts_disks_of_machines_there_are_is_believed() -> None:
    assert said(a_shop("local", disks=(DATA,)), lock=made(a_shop("local"))) == ()


def test_a_disk_that_is_mounted_nowhere_changes_nothing() -> None:
    assert said(a_shop(disks=(Disk(name="raw", size_gib=10),))) == ()


def test_a_login_and_its_key_are_told_as_what_they_are() -> None:
    (notice,) = said(a_shop(user="ops"), key=OTHER_KEY)
    assert "keep their user and key;" in notice


def test_a_key_pair_of_another_name_with_the_same_key_changes_nothing() -> None:
    same = replace(a_shop(key="root"), keys={"root": Key(name="root")})
    before = made(a_shop())
    plan = settled(same, before, keys={"root": KEY}).plan
    assert kept.notices(plan, before, NOTHING) == ()


@pytest.mark.parametrize("cloud", sorted(registry.CLOUDS))
def test_what_is_ignored_is_said_on_every_cloud(cloud: str) -> None:
    shop = a_shop(cloud)
    changed = a_shop(cloud, user="ops", setup=Setup(run=("true",)))
    (notice,) = said(changed, lock=made(shop), key=OTHER_KEY)
    seen = kept._ignoring(placed(shop).plan)
    member = placed(shop).plan.members[0]
    assert "setup" in notice
    assert all((part in notice.split("; ")[0]) == seen(member, part) for part in ("user", "key"))


@pytest.mark.parametrize("cloud", ["azure", "gcp"])
def test_what_the_difference_shows_is_not_said(cloud: str) -> None:
    assert said(a_shop(cloud, user="ops"), lock=made(a_shop(cloud)), key=OTHER_KEY) == ()


@pytest.mark.parametrize("op", [Op.REPLACE, Op.CREATE])
def test_vms_that_are_made_anew_keep_nothing(op: Op) -> None:
    changed = a_shop(image="debian-12", user="ops")
    assert said(changed, changing(op, "web-1", "web-2")) == ()
    assert said(changed, changing(op, "web-1")) != ()


def test_vms_that_go_keep_nothing() -> None:
    assert said(a_shop(image="debian-12", count=0)) == ()


def test_a_group_without_vms_has_nothing_to_keep() -> None:
    assert said(a_shop(image="debian-12"), lock=Lock()) == ()


def test_a_lock_that_does_not_tell_what_vms_were_made_with_knows_their_image_only() -> None:
    old = placed(a_shop()).lock
    assert said(a_shop(setup=Setup(run=("true",)), user="ops"), lock=old, key=OTHER_KEY) == ()
    assert said(a_shop(image="debian-12"), lock=old) != ()


# ---------------------------------------------------------------- what the lock remembers


def test_only_what_succeeded_is_remembered_of_vms_made_anew() -> None:
    now = placed(a_shop(user="ops"), made(a_shop()))
    lock = kept.done(now, {"web-2": Op.REPLACE})
    assert [offer.made.user for _, _, offer in lock.members() if offer.made] == ["mcis", "ops"]


def test_an_update_brings_what_the_cloud_does_not_ignore() -> None:
    before = made(a_shop("gcp"))
    now = placed(a_shop("gcp", user="ops", setup=Setup(run=("true",))), before)
    found = kept.done(now, {"web-1": Op.UPDATE, "web-2": Op.UPDATE}).groups["web"].offers()[1].made
    was = before.groups["web"].offers()[1].made
    assert found is not None and was is not None
    assert (found.user, found.setup) == ("ops", was.setup)


def test_an_update_tells_nothing_of_a_vm_of_which_nothing_is_known() -> None:
    now = placed(a_shop(), placed(a_shop()).lock)
    assert kept.done(now, {"web-1": Op.UPDATE}) == now.lock


def test_a_vm_that_moves_is_made_anew() -> None:
    elsewhere = a_shop()
    pin = replace(elsewhere.groups["web"].placement, region="us-west-2")
    now = placed(a_shop(placement=pin), made(a_shop()))
    assert all(offer.made is None for _, _, offer in now.lock.members())


def test_a_field_that_is_added_with_a_default_leaves_digests_alone() -> None:
    group = a_shop(setup=Setup(packages=("nginx",), files=(SetupFile(path="/a", content="b"),))).groups["web"]
    later = make_dataclass("Later", [*((name, Any, ()) for name in Setup.__slots__), ("reboot", bool, False)])
    same = {name: getattr(group.setup, name) for name in Setup.__slots__}
    assert digest_of(replace(group, setup=later(**same))) == digest_of(group)
    assert digest_of(replace(group, setup=later(**same, reboot=True))) != digest_of(group)


def test_the_digest_of_a_first_boot_is_what_it_always_was() -> None:
    setup = Setup(packages=("nginx",), files=(SetupFile(path="/a", content="b"),), run=("true",))
    plan = placed(a_shop(setup=setup, disks=(DATA, Disk(name="raw")))).plan
    found = made_by(plan)(plan.members[0])
    assert (found.setup, found.mounts) == ("12a3d271a7186518", "a47d7a8bb96f4514")
    assert found.key == "f8a73e39f9f905e1"


# ---------------------------------------------------------------- logins


def test_existing_vms_are_logged_in_to_as_they_were_made() -> None:
    now = placed(a_shop(user="ops", count=3), made(a_shop()))
    found = kept.foreseen(now, changing(Op.CREATE, "web-3"))
    assert logins(found) == {"web-1": "mcis", "web-2": "mcis", "web-3": "ops"}


def test_vms_made_anew_have_the_new_login() -> None:
    now = placed(a_shop(user="ops"), made(a_shop()))
    assert logins(kept.foreseen(now, changing(Op.REPLACE, "web-1"))) == {"web-1": "ops", "web-2": "mcis"}


def test_a_login_that_is_updated_in_place_is_the_new_one() -> None:
    now = placed(a_shop("gcp", user="ops"), made(a_shop("gcp")))
    found = kept.foreseen(now, changing(Op.UPDATE, "web-1", "web-2"))
    assert set(logins(found).values()) == {"ops"}


def test_a_graph_that_foresaw_every_login_is_used_as_it_is() -> None:
    now = placed(a_shop(), made(a_shop()))
    assert kept.foreseen(now, NOTHING) is now


def test_a_lock_of_dropped_vms_forgets_what_they_were_made_with() -> None:
    lock = lock_outcome.drop(made(a_shop()), {"web-2": "quota"})
    again = settled(a_shop(), lock, retry_dropped=True, keys={"ops": KEY}).lock
    assert [offer.made is None for _, _, offer in again.members()] == [False, True]
