"""Address arithmetic: nothing is given twice, everything lies where it should."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.local_cloud import addresses, facts
from mcis_iac.local_cloud.types import LocalCloudError

POOL = IPv4Network("10.100.0.0/16")
PUBLIC = IPv4Network("198.18.0.0/17")
REGION = addresses.region_range(POOL, 2)
blocks = st.lists(st.integers(0, 15).map(lambda n: list(REGION.subnets(new_prefix=24))[n]), max_size=16)


def test_regions_of_the_pool_do_not_overlap() -> None:
    found = [addresses.region_range(POOL, region.index) for region in facts.regions().values()]

    assert [str(block) for block in found[:2]] == ["10.100.0.0/20", "10.100.16.0/20"]
    assert not any(a.overlaps(b) for a in found for b in found if a is not b)


def test_the_region_of_an_address_is_in_its_third_byte() -> None:
    for region in facts.regions().values():
        for address in addresses.region_range(POOL, region.index):
            assert address.packed[2] >> 4 == region.index


def test_a_pool_of_half_the_size_still_holds_the_built_in_regions() -> None:
    last = max(region.index for region in facts.regions().values())
    assert addresses.region_range(PUBLIC, last).subnet_of(PUBLIC)


def test_a_region_outside_the_pool_is_refused() -> None:
    with pytest.raises(LocalCloudError, match="too small"):
        addresses.region_range(PUBLIC, 8)


@given(blocks)
def test_a_free_block_meets_no_taken_one(taken: list[IPv4Network]) -> None:
    found = addresses.free_block(REGION, taken)

    if found is None:
        assert len(set(taken)) == 16
    else:
        assert found.subnet_of(REGION)
        assert not any(found.overlaps(block) for block in taken)


def test_a_range_smaller_than_a_block_is_given_as_a_whole() -> None:
    small = IPv4Network("10.1.2.0/26")
    assert addresses.free_block(small, []) == small
    assert addresses.free_block(small, [small]) is None


def test_a_block_has_250_hosts_from_4_to_253() -> None:
    found = list(addresses.hosts(IPv4Network("10.1.2.0/24")))
    assert (len(found), found[0] & 255, found[-1] & 255) == (250, 4, 253)


@given(st.sets(st.integers(int(REGION[0]), int(REGION[-1]))))
def test_a_free_host_is_not_in_use_and_can_be_a_host(used: set[int]) -> None:
    for found in (addresses.first_free([REGION], used), addresses.last_free(REGION, used)):
        assert found is not None
        assert found in REGION
        assert int(found) not in used
        assert 4 <= found.packed[3] <= 253


def test_a_full_range_has_no_free_host() -> None:
    block = IPv4Network("10.1.2.0/24")
    used = set(addresses.hosts(block))
    assert addresses.first_free([block], used) is None
    assert addresses.last_free(block, used) is None


@given(st.lists(st.sampled_from(list(addresses.hosts(REGION))), unique=True, max_size=60))
def test_public_addresses_are_never_given_twice(privates: list[int]) -> None:
    outside = addresses.region_range(PUBLIC, 2)
    used: set[int] = set()
    for private in privates:
        found = addresses.public_for(IPv4Address(private), (POOL, PUBLIC), outside, used)
        assert found is not None
        assert found in outside
        assert int(found) & 0xFFFF == private & 0xFFFF
        used.add(int(found))
    assert len(used) == len(privates)


def test_a_private_address_of_a_users_range_gets_the_first_free_public_one() -> None:
    outside = addresses.region_range(PUBLIC, 0)
    found = addresses.public_for(IPv4Address("10.20.0.9"), (POOL, PUBLIC), outside, {int(outside[4])})
    assert str(found) == "198.18.0.5"


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_hardware_addresses_are_as_different_as_the_addresses(one: int, two: int) -> None:
    macs = {addresses.mac_of(IPv4Address(one)), addresses.mac_of(IPv4Address(two))}
    assert len(macs) == len({one, two})


@pytest.mark.parametrize("text", ["", "10.0.0.1/24", "10.0.0.0/33", "fd00::/64", "a/b"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(LocalCloudError):
        addresses.parse(text)
