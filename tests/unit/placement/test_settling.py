"""Who is a member: ordinals are never given twice, and nobody moves without being told to."""

from __future__ import annotations

import pytest
from fakes.mcis import KEY, TOKYO, a_group, an_mcis, settled
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.model import Group, Network
from mcis_iac.placement import lock_outcome
from mcis_iac.placement.lock import Lock
from mcis_iac.placement.members import Settled, fresh


def names(found: Settled) -> list[str]:
    return [member.name for member in found.plan.members]


def after(*groups: Group, **fields: object) -> Lock:
    return settled(an_mcis(*groups, **fields)).lock


def test_a_new_group_has_members_from_one() -> None:
    assert names(settled(an_mcis(a_group("web", 3)))) == ["web-1", "web-2", "web-3"]


def test_members_follow_the_order_of_groups_and_ordinals() -> None:
    mcis = an_mcis(a_group("web", 11), a_group("api", 1))
    assert names(settled(mcis)) == [f"web-{n}" for n in range(1, 12)] + ["api-1"]


def test_scaling_out_takes_the_next_ordinals() -> None:
    assert names(settled(an_mcis(a_group("web", 4)), after(a_group("web", 2))))[2:] == ["web-3", "web-4"]


def test_scaling_in_removes_the_highest() -> None:
    assert names(settled(an_mcis(a_group("web", 1)), after(a_group("web", 3)))) == ["web-1"]


def test_a_named_member_leaves_for_good() -> None:
    once = settled(an_mcis(a_group("web", 2)), after(a_group("web", 3)), remove=["web-2"])
    again = settled(an_mcis(a_group("web", 3)), once.lock)
    assert names(once) == ["web-1", "web-3"]
    assert names(again) == ["web-1", "web-3", "web-4"]


def test_removing_the_same_one_twice_changes_nothing() -> None:
    once = settled(an_mcis(a_group("web", 2)), after(a_group("web", 3)), remove=["web-2"])
    twice = settled(an_mcis(a_group("web", 2)), once.lock, remove=["web-2"])
    assert (twice.changed, twice.diagnostics, twice.lock) == (False, (), once.lock)


@pytest.mark.parametrize("name", ["web-4", "api-1", "web", "web-0", "web-x", ""])
def test_removing_what_never_was_is_an_error(name: str) -> None:
    found = settled(an_mcis(a_group("web", 3)), after(a_group("web", 3)), remove=[name])
    assert [problem.code for problem in found.diagnostics] == ["MCIS244"]


def test_removing_without_lowering_the_count_brings_a_new_one() -> None:
    found = settled(an_mcis(a_group("web", 2)), after(a_group("web", 2)), remove=["web-1"])
    assert names(found) == ["web-2", "web-3"]


def test_a_group_may_have_no_members() -> None:
    found = settled(an_mcis(a_group("web", 0)), after(a_group("web", 2)))
    assert (names(found), found.lock.groups["web"].highest, found.diagnostics) == ([], 2, ())


def test_a_group_that_comes_back_gets_new_ordinals() -> None:
    gone = settled(an_mcis(a_group("api")), after(a_group("api"), a_group("web", 2)))
    back = settled(an_mcis(a_group("api"), a_group("web", 2)), gone.lock)
    assert names(gone) == ["api-1"]
    assert names(back) == ["api-1", "web-3", "web-4"]


COUNTS = st.lists(st.tuples(st.integers(0, 6), st.sets(st.integers(1, 8), max_size=2)), max_size=6)


@given(COUNTS)
def test_no_ordinal_is_ever_given_to_another_machine(steps: list[tuple[int, set[int]]]) -> None:
    lock, gone, highest = Lock(), set[int](), 0
    for count, leavers in steps:
        known = [f"web-{n}" for n in sorted(leavers) if n <= highest]
        before = set(lock.groups["web"].offers()) if "web" in lock.groups else set()
        lock = settled(an_mcis(a_group("web", count)), lock, remove=known).lock
        now = set(lock.groups["web"].offers())
        gone |= before - now
        assert len(now) == count and not now & gone
        assert all(n > highest for n in now - before)
        highest = lock.groups["web"].highest


@given(COUNTS)
def test_settling_again_changes_nothing(steps: list[tuple[int, set[int]]]) -> None:
    lock = Lock()
    for count, _ in steps:
        lock = settled(an_mcis(a_group("web", count)), lock).lock
        again = settled(an_mcis(a_group("web", count)), lock)
        assert (again.changed, again.stale, again.lock) == (False, False, lock)


# ---------------------------------------------------------------- given up


def given_up(count: int = 3) -> Lock:
    return lock_outcome.drop(after(a_group("web", count)), {f"web-{count}": "quota"})


def test_what_was_given_up_is_not_planned_again() -> None:
    found = settled(an_mcis(a_group("web", 3)), given_up())
    assert (names(found), found.changed) == (["web-1", "web-2"], False)


def test_what_was_given_up_returns_when_asked_for() -> None:
    found = settled(an_mcis(a_group("web", 3)), given_up(), retry_dropped=True)
    assert names(found) == ["web-1", "web-2", "web-3"]
    assert not found.lock.groups["web"].dropped


def test_what_was_given_up_returns_first_when_the_count_changes() -> None:
    assert names(settled(an_mcis(a_group("web", 4)), given_up())) == ["web-1", "web-2", "web-3", "web-4"]


def test_a_lower_count_forgets_what_was_given_up() -> None:
    found = settled(an_mcis(a_group("web", 2)), given_up())
    assert names(found) == ["web-1", "web-2"]
    assert not found.lock.groups["web"].dropped
    assert names(settled(an_mcis(a_group("web", 3)), found.lock))[-1] == "web-4"


def test_what_was_given_up_can_be_removed_by_name() -> None:
    found = settled(an_mcis(a_group("web", 2)), given_up(), remove=["web-3"])
    assert (names(found), found.lock.groups["web"].dropped) == (["web-1", "web-2"], {})


# ---------------------------------------------------------------- where


def places(found: Settled) -> list[tuple[str, str, str]]:
    return [(member.region, member.zone, member.type) for member in found.plan.members]


def test_zones_go_round_and_the_type_is_the_clouds_default() -> None:
    found = settled(an_mcis(a_group("web", 4)))
    assert places(found) == [("local-seoul", zone, "small") for zone in "abca"]


def test_a_pin_decides_zone_and_type() -> None:
    found = settled(an_mcis(a_group("web", 2, zone="b", type="micro")))
    assert places(found) == [("local-seoul", "b", "micro")] * 2


def test_members_stay_in_their_zone_when_others_leave() -> None:
    found = settled(an_mcis(a_group("web", 2)), after(a_group("web", 3)), remove=["web-1"])
    assert [(member.name, member.zone) for member in found.plan.members] == [("web-2", "b"), ("web-3", "c")]


def test_taking_a_pin_away_moves_nobody() -> None:
    found = settled(an_mcis(a_group("web", 2)), after(a_group("web", 2, zone="c", type="large")))
    assert places(found) == [("local-seoul", "c", "large")] * 2


def test_a_new_pin_moves_everybody() -> None:
    found = settled(an_mcis(a_group("web", 3, region=TOKYO)), after(a_group("web", 3, type="micro")))
    assert places(found) == [("local-tokyo", zone, "micro") for zone in "abc"]
    assert names(found) == ["web-1", "web-2", "web-3"]


def test_a_new_image_forgets_the_old_images_id() -> None:
    found = settled(an_mcis(a_group("web", image="debian-12")), after(a_group("web")))
    assert found.plan.members[0].image.alias == "debian-12"


# ---------------------------------------------------------------- what goes with it


def test_the_lock_of_a_new_mcis_is_changed_and_stale() -> None:
    mcis = an_mcis(a_group("web"))
    found = settled(mcis)
    assert (found.changed, found.stale) == (True, True)
    assert not fresh(mcis, Lock()) and fresh(mcis, found.lock)


def test_another_version_of_the_tool_makes_no_lock_stale() -> None:
    lock = after(a_group("web"))
    older = Lock(**{**{name: getattr(lock, name) for name in Lock.__slots__}, "tool": "0.0.1"})
    found = settled(an_mcis(a_group("web")), older)
    assert (found.changed, found.stale) == (False, False)


def test_the_plugin_of_every_cloud_in_use_is_pinned() -> None:
    assert list(after(a_group("web")).plugins) == ["mcislocal"]
    assert not after(a_group("web", 0)).plugins


def test_a_key_is_kept_without_its_comment() -> None:
    found = settled(an_mcis(a_group("web")), keys={"generated": f"{KEY} kim@laptop\n"})
    assert found.lock.keys == {"generated": KEY} == found.plan.public_keys


def test_the_lock_stands_in_for_a_key_that_is_not_on_this_machine() -> None:
    found = settled(an_mcis(a_group("web")), after(a_group("web")), keys={})
    assert (found.plan.public_keys, found.diagnostics, found.changed) == ({"generated": KEY}, (), False)


def test_a_key_known_nowhere_is_an_error() -> None:
    found = settled(an_mcis(a_group("web")), keys={})
    assert [problem.code for problem in found.diagnostics] == ["MCIS245"]


def test_a_network_with_a_range_is_cut_and_one_without_is_left_to_the_cloud() -> None:
    groups = (a_group("web", 2), a_group("api", 1, region=TOKYO), a_group("db", 1, network="own"))
    networks = {"main": Network(name="main", cidr="10.20.0.0/14"), "own": Network(name="own")}
    found = settled(an_mcis(*groups, networks=networks))
    assert found.lock.ranges == {
        "main": {"local/local-seoul": "10.20.0.0/20", "local/local-tokyo": "10.20.16.0/20"}
    }
    assert found.plan.ranges["main"]["local/local-seoul/b"] == "10.20.1.0/24"


def test_a_region_keeps_its_range_when_another_one_comes_first() -> None:
    networks = {"main": Network(name="main", cidr="10.20.0.0/14")}
    seoul, tokyo = a_group("web"), a_group("api", region=TOKYO)
    lock = after(seoul, networks=networks)
    found = settled(an_mcis(tokyo, seoul, networks=networks), lock)
    assert found.lock.ranges["main"]["local/local-seoul"] == "10.20.0.0/20"


def test_a_network_too_small_is_an_error_at_its_range() -> None:
    networks = {"main": Network(name="main", cidr="10.20.0.0/26")}
    found = settled(an_mcis(a_group("web"), a_group("api", region=TOKYO), networks=networks))
    assert [problem.code for problem in found.diagnostics] == ["MCIS246"]
    assert "local/local-tokyo" in found.diagnostics[0].detail
