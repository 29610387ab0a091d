"""Existing VMs keep their image and their first boot; the user is told, and how to renew them."""

from __future__ import annotations

from dataclasses import replace

from fakes.mcis import a_group, an_mcis, settled

from mcis_iac.flows.ground import card_of
from mcis_iac.flows.views import kept
from mcis_iac.model import Change, Diff, Disk, Mcis, Op, Setup, Subject
from mcis_iac.placement.lock import Lock

OLD = an_mcis(a_group("web", 2))
LOCK = settled(OLD).lock
NOTHING = Diff(changes=(), same=2, vms_before=2, vms_after=2)


def with_web(**fields: object) -> Mcis:
    return replace(OLD, groups={"web": replace(OLD.groups["web"], **fields)})


def replaced(*names: str) -> Diff:
    changes = tuple(
        Change(key=name, token="t", op=Op.REPLACE, subject=Subject(group="web", vm=name), is_vm=True)
        for name in names
    )
    return replace(NOTHING, changes=changes)


def said(mcis: Mcis, diff: Diff = NOTHING, lock: Lock = LOCK) -> tuple[str, ...]:
    return kept(mcis, lock, card_of(OLD).setups, diff)


def test_nothing_is_said_when_nothing_differs() -> None:
    assert said(OLD) == ()


def test_another_image_is_for_new_vms_only() -> None:
    (notice,) = said(with_web(image="debian-12"))
    assert notice == "web: existing VMs keep their image; `mcis up --replace web` makes them anew"


def test_another_setup_is_for_new_vms_only() -> None:
    (notice,) = said(with_web(setup=Setup(run=("true",)), image="debian-12"))
    assert "keep their image and setup" in notice


def test_a_login_and_mounts_are_made_at_the_first_boot_too() -> None:
    data = Disk(name="data", size_gib=10, mount="/data")
    for changed in (with_web(user="ops"), with_web(disks=(data,))):
        (notice,) = said(changed)
        assert "keep their setup" in notice


def test_vms_that_are_made_anew_keep_nothing() -> None:
    changed = with_web(image="debian-12")
    assert said(changed, replaced("web-1", "web-2")) == ()
    assert said(changed, replaced("web-1")) != ()


def test_a_group_without_vms_has_nothing_to_keep() -> None:
    assert said(with_web(image="debian-12"), lock=Lock()) == ()


def test_a_checkout_that_never_changed_the_stack_knows_no_setup() -> None:
    assert kept(with_web(setup=Setup(run=("true",))), LOCK, {}, NOTHING) == ()
