"""What the clouds are asked at plan time, and where the answers go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes.mcis import TOKYO, a_group, an_mcis, settled

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import ImageQuery
from mcis_iac.clouds.local import graph as local
from mcis_iac.engine.home import StackHome
from mcis_iac.errors import ManifestError
from mcis_iac.flows.asking import answered
from mcis_iac.model import Connection, Image
from mcis_iac.placement.members import Settled


class Images:
    """A cloud that has every image but those called `gone`, and knows a gateway per region."""

    def __init__(self) -> None:
        self.asked: list[ImageQuery] = []

    def resolve(self, connection: Connection, queries: Sequence[ImageQuery]) -> Mapping[ImageQuery, str]:
        self.asked += queries
        return {query: f"img-{query.alias}-{query.region}" for query in queries if query.alias != "gone"}

    def places(self, connection: Connection, regions: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        return {region: {"gateway": f"gw-{region}"} for region in regions}


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> Images:
    module = Images()
    monkeypatch.setattr(registry, "images", lambda cloud: module)
    monkeypatch.setattr(local, "INJECTS_HOST_KEYS", True)
    monkeypatch.setenv("MCIS_PASSPHRASE", "secret")
    return module


HOME = StackHome.of(Path("/nowhere"), "shop")


def asked(found: Settled) -> Settled:
    answer, silent = answered(found, HOME)
    assert silent == ()
    return answer


def test_each_image_is_asked_for_once_and_kept_in_the_lock(images: Images) -> None:
    found = asked(settled(an_mcis(a_group("web", 3), a_group("api", region=TOKYO))))
    assert [(query.alias, query.region) for query in images.asked] == [
        ("ubuntu-24.04", "local-seoul"),
        ("ubuntu-24.04", TOKYO),
    ]
    assert {member.image.id for member in found.plan.members if member.group == "web"} == {
        "img-ubuntu-24.04-local-seoul"
    }
    assert [offer.image.id for _, _, offer in found.lock.members()] == [
        m.image.id for group in ("api", "web") for m in found.plan.members if m.group == group
    ]


def test_what_the_lock_knows_is_not_asked_again(images: Images) -> None:
    mcis = an_mcis(a_group("web"))
    first = asked(settled(mcis))
    images.asked.clear()
    assert asked(settled(mcis, first.lock)).lock == first.lock
    assert images.asked == []


def test_a_new_member_gets_the_image_its_neighbours_have(images: Images) -> None:
    first = asked(settled(an_mcis(a_group("web"))))
    images.asked.clear()
    grown = asked(settled(an_mcis(a_group("web", 2)), first.lock))
    assert {member.image for member in grown.plan.members} == {first.plan.members[0].image}
    assert images.asked == []


def test_the_manifest_s_own_words_for_an_image_are_passed_on(images: Images) -> None:
    entry: dict[str, Any] = {"local": {"family": "x", "project": "y"}}
    asked(settled(an_mcis(a_group("web", image="base"), images={"base": Image(name="base", by_cloud=entry)})))
    (query,) = images.asked
    assert query.entry == (("family", "x"), ("project", "y"))


def test_an_image_that_is_not_there_is_named_once_per_group(images: Images) -> None:
    gone = {"gone": Image(name="gone", by_cloud={"local": {"host": True}})}
    mcis = an_mcis(a_group("web", 2, image="gone"), a_group("api", image="gone"), images=gone)
    with pytest.raises(ManifestError) as refused:
        asked(settled(mcis))
    assert [(each.code, each.group) for each in refused.value.diagnostics] == [
        ("MCIS247", "web"),
        ("MCIS247", "api"),
    ]


def test_places_are_asked_for_per_region_in_use(images: Images) -> None:
    found = asked(settled(an_mcis(a_group("web"), a_group("api", region=TOKYO))))
    assert found.plan.places == {
        "local/local-seoul": {"gateway": "gw-local-seoul"},
        f"local/{TOKYO}": {"gateway": f"gw-{TOKYO}"},
    }


def test_machines_that_tell_no_host_key_are_given_one(images: Images) -> None:
    first, again = (asked(settled(an_mcis(a_group("web", 2)))).plan.host_keys for _ in range(2))
    assert first == again
    assert set(first) == {"web-1", "web-2"}


def test_a_cloud_without_ids_for_images_is_asked_nothing() -> None:
    found = settled(an_mcis(a_group("web")))
    assert asked(found) == found
