"""Blocks of one network never overlap, never move, and fit what they were cut from."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.placement.ranges import choose, cut, part

PLACES = [f"local/region-{n}" for n in range(20)]
NETWORK = st.builds(
    lambda address, size: IPv4Network((address, size), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(8, 30),
)


@given(NETWORK, st.lists(st.sampled_from(PLACES), unique=True))
def test_blocks_lie_inside_the_network_and_apart(network: IPv4Network, places: list[str]) -> None:
    done = cut(str(network), places, {})
    blocks = [IPv4Network(block) for block in done.blocks.values()]
    assert set(done.blocks) | set(done.left_out) == set(places)
    assert all(block.subnet_of(network) for block in blocks)
    assert not any(one.overlaps(other) for one, other in combinations(blocks, 2))


@given(
    NETWORK, st.lists(st.sampled_from(PLACES), unique=True), st.lists(st.sampled_from(PLACES), unique=True)
)
def test_a_place_keeps_its_block_while_it_is_used(
    network: IPv4Network, first: list[str], later: list[str]
) -> None:
    before = cut(str(network), first, {}).blocks
    after = cut(str(network), later, before).blocks
    assert all(after[place] == before[place] for place in later if place in before)


@given(NETWORK, st.integers(0, 3))
def test_parts_lie_inside_their_block_and_apart(network: IPv4Network, zone: int) -> None:
    block = cut(str(network), ["a/b"], {}).blocks.get("a/b")
    if block is None:
        return
    zones = ("a", "b", "c", "d")
    parts = [IPv4Network(found) for name in zones if (found := part(block, name, zones))]
    assert len(parts) == len(zones)
    assert all(found.subnet_of(IPv4Network(block)) for found in parts)
    assert not any(one.overlaps(other) for one, other in combinations(parts, 2))


@pytest.mark.parametrize(
    ("cidr", "block", "zone"),
    [
        ("10.0.0.0/8", "10.0.0.0/20", "10.0.1.0/24"),
        ("10.20.0.0/16", "10.20.0.0/20", "10.20.1.0/24"),
        ("10.20.0.0/20", "10.20.0.0/24", "10.20.0.16/28"),
        ("10.20.0.0/24", "10.20.0.0/26", "10.20.0.16/28"),
        ("10.20.0.0/26", "10.20.0.0/26", "10.20.0.16/28"),
    ],
)
def test_small_networks_are_cut_smaller(cidr: str, block: str, zone: str) -> None:
    assert cut(cidr, ["a/b"], {}).blocks == {"a/b": block}
    assert part(block, "b", ("a", "b", "c")) == zone


def test_a_network_below_the_smallest_block_has_room_for_nobody() -> None:
    assert cut("10.20.0.0/27", ["a/b"], {}).left_out == ("a/b",)


def test_a_place_no_longer_used_keeps_its_block_until_the_space_is_needed() -> None:
    before = cut("10.20.0.0/25", ["a", "b"], {}).blocks
    assert cut("10.20.0.0/25", ["b"], before).blocks == before
    assert cut("10.20.0.0/25", ["b", "c"], before).blocks == {"b": before["b"], "c": before["a"]}


def test_a_block_outside_a_changed_network_is_cut_anew() -> None:
    assert cut("10.30.0.0/16", ["a"], {"a": "10.20.0.0/20"}).blocks == {"a": "10.30.0.0/20"}


def test_a_block_stays_when_its_network_grows() -> None:
    assert cut("10.16.0.0/12", ["a"], {"a": "10.20.0.0/20"}).blocks == {"a": "10.20.0.0/20"}


def test_a_zone_that_is_not_known_or_finds_no_room_has_no_part() -> None:
    assert part("10.0.0.0/26", "z", ("a", "b")) is None
    assert part("10.0.0.0/26", "e", ("a", "b", "c", "d", "e")) is None


def test_a_network_without_a_range_gets_a_free_one() -> None:
    assert choose([], {}) == "10.32.0.0/14"
    assert choose(["10.32.0.0/16"], {}) == "10.36.0.0/14"
    assert choose(["10.0.0.0/8"], {}) is None


def test_a_chosen_range_stays_where_its_blocks_are() -> None:
    assert choose(["10.36.0.0/14"], {"aws/us-east-1": "10.40.16.0/20"}) == "10.40.0.0/14"
