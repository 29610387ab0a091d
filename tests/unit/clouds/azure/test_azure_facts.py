"""Azure's tables and what the names of its sizes tell."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.clouds.azure import facts, pictures, slots

NAMES = st.sets(st.text(min_size=1, max_size=8), max_size=20)


@pytest.mark.parametrize("name", ["regions", "types", "images", "users"])
def test_a_table_says_when_and_from_where_it_is(name: str) -> None:
    table = facts.table(name)
    assert date.fromisoformat(table["as_of"]) and table["source"]


def test_every_region_has_zones_and_a_place_on_earth() -> None:
    for region in facts.facts().regions.values():
        assert region.zones == ("1", "2", "3")
        assert region.latitude is not None and -90 <= region.latitude <= 90
        assert region.longitude is not None and -180 <= region.longitude <= 180


def test_what_a_size_is_called_tells_its_processor() -> None:
    for name, row in facts.table("types")["types"].items():
        assert facts.arch(name) == row["arch"], name


@pytest.mark.parametrize(
    ("size", "arch", "premium", "nvme"),
    [
        ("Standard_B2s", "amd64", True, False),
        ("Standard_D2_v5", "amd64", False, False),
        ("Standard_D2pds_v5", "arm64", True, False),
        ("Standard_D2ps_v6", "arm64", True, True),
        ("Standard_E4-2as_v6", "amd64", True, True),
        ("Standard_NP10s", "amd64", True, False),
        ("Standard_NC4as_T4_v3", "amd64", True, False),
        ("Standard_DC2s_v3", "amd64", True, False),
        ("nonsense", "amd64", False, False),
    ],
)
def test_a_size_nobody_listed_is_read_from_its_name(size: str, arch: str, premium: bool, nvme: bool) -> None:
    assert (facts.arch(size), facts.takes_premium(size), facts.shows_nvme(size)) == (arch, premium, nvme)


def test_every_alias_is_three_parts_for_both_processors() -> None:
    for alias in facts.facts().image_aliases:
        for arch in ("amd64", "arm64"):
            urn = pictures.urn_of(alias, arch)
            assert urn and len(urn.split(":")) == 3


@given(NAMES)
def test_numbers_are_each_ones_own(names: set[str]) -> None:
    numbers = slots.numbered(names, range(100, 130))
    assert numbers.keys() == names and len(set(numbers.values())) == len(names)
    assert all(number in range(100, 130) for number in numbers.values())


@given(NAMES, st.randoms())
def test_numbers_do_not_know_an_order(names: set[str], random: object) -> None:
    shuffled = sorted(names, reverse=True)
    assert slots.numbered(names, range(64)) == slots.numbered(shuffled, range(64))


def test_a_newcomer_hardly_ever_moves_anybody() -> None:
    names = [f"rule {number}" for number in range(30)]
    moved = 0
    for count in range(1, 30):
        before, after = (slots.numbered(names[:n], range(100, 4096)) for n in (count, count + 1))
        moved += sum(before[name] != after[name] for name in before)
    assert moved == 0


def test_more_names_than_numbers_are_a_fault() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        slots.numbered("abc", range(2))
