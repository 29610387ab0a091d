"""Machines through the real engine, where clouds are alike: what may change under them and what may not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from fakes.standin.lab import Lab
from fakes.standin.shop import DATA, a_shop, applied, with_another_first_boot
from fakes.standin.stacks import plan_of

from mcis_iac.model import Disk, Op
from mcis_iac.program.build import build

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Words:
    """One cloud's words for the same things."""

    cloud: str
    larger: str
    newer: str


CLOUDS = (
    Words("aws", "t3.large", "ami-0f0f0f0f"),
    Words("gcp", "e2-medium", "projects/p/global/images/newer"),
)


@pytest.fixture(params=CLOUDS, ids=lambda words: words.cloud)
def words(request: pytest.FixtureRequest) -> Words:
    found: Words = request.param
    return found


@pytest.fixture
def shop(lab: Lab, words: Words) -> Lab:
    return lab.knows(a_shop(words.cloud))


def test_a_newer_image_setup_or_host_key_touches_no_machine(shop: Lab, words: Words) -> None:
    shop.stood(build(plan_of(a_shop(words.cloud))))
    assert applied(shop, with_another_first_boot(a_shop(words.cloud), words.newer)) == {}


def test_a_plan_without_host_keys_touches_no_machine(shop: Lab, words: Words) -> None:
    shop.stood(build(plan_of(a_shop(words.cloud))))
    assert applied(shop, replace(plan_of(a_shop(words.cloud)), host_keys={})) == {}


def test_a_larger_type_restarts_a_machine_and_keeps_it(shop: Lab, words: Words) -> None:
    shop.stood(build(plan_of(a_shop(words.cloud))))
    steps = applied(shop, plan_of(a_shop(words.cloud, type=words.larger)))
    assert steps == {"api-1": Op.UPDATE, "api-2": Op.UPDATE}


def test_a_further_disk_is_attached_to_the_machine_there_is(shop: Lab, words: Words) -> None:
    shop.stood(build(plan_of(a_shop(words.cloud, 1))))
    more = Disk(name="logs", size_gib=20, mount="/logs")
    steps = applied(shop, plan_of(a_shop(words.cloud, 1, disks=(DATA, more))))
    assert steps == {"disk/api-1/logs": Op.CREATE, "attach/api-1/logs": Op.CREATE}


def test_a_disk_grows_in_place_and_is_never_made_anew(shop: Lab, words: Words) -> None:
    shop.stood(build(plan_of(a_shop(words.cloud, 1))))
    steps = applied(shop, plan_of(a_shop(words.cloud, 1, disks=(replace(DATA, size_gib=40),))))
    assert steps == {"disk/api-1/data": Op.UPDATE}


def test_everything_goes_and_the_private_key_was_nowhere(shop: Lab, words: Words) -> None:
    shop.stood(build(plan_of(a_shop(words.cloud))))
    assert shop.files_with("private-host-key-of-api-1") == []
    assert shop.down().ok
    assert shop.there() == []
