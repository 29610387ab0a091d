"""The facts about OpenStack that are kept as data."""

from __future__ import annotations

from datetime import date

import pytest

from mcis_iac.clouds.openstack import datafiles, graph, labels
from mcis_iac.model import Status


@pytest.mark.parametrize("name", ["images", "status"])
def test_facts_say_when_they_were_true_and_where_they_are_from(name: str) -> None:
    found = datafiles.read(name)
    assert date.fromisoformat(found["as_of"]) and found["source"]


def test_patterns_are_written_as_names_are_compared() -> None:
    found = datafiles.read("images")
    patterns = [*found["not"], *(pattern for each in found["aliases"].values() for pattern in each)]
    assert patterns and all(pattern == pattern.lower() for pattern in patterns)
    assert found["arch"].keys() == {"amd64", "arm64"}


def test_every_state_is_one_of_ours() -> None:
    found = datafiles.read("status")
    assert {*found["status"].values(), *found["task"].values()} <= {status.value for status in Status}


def test_regions_and_flavors_are_not_known_without_asking() -> None:
    assert not graph.facts().regions and not graph.facts().types


def test_metadata_has_only_what_its_keys_and_values_may_have() -> None:
    assert labels.metadata({"a/b,c": "x" * 300}) == {"a_b_c": "x" * 255}


def test_words_are_read_as_they_were_written() -> None:
    tags = {"mcis": "shop", "equation": "a=b"}
    assert labels.read([*labels.words(tags), "somebody-elses"]) == tags


@pytest.mark.parametrize("value, fine", [("x" * 57, True), ("x" * 58, False), ("a,b", False), ("a/b", False)])
def test_a_word_is_short_and_has_no_comma_or_slash(value: str, fine: bool) -> None:
    assert labels.fits("ab", value) is fine
