"""What the clouds are asked at plan time, and where the answers go."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.mcis import TOKYO, a_group, an_mcis, settled

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import ImageQuery, PlaceQuery
from mcis_iac.clouds.local import graph as local
from mcis_iac.engine.home import StackHome
from mcis_iac.errors import ManifestError
from mcis_iac.flows.asking import answered
from mcis_iac.model import Connection, Group, Image, Mcis
from mcis_iac.placement.lock import Place
from mcis_iac.placement.members import Settled


class Images:
    """A cloud that has every image but those called `gone`, and any gateway."""

    def __init__(self) -> None:
        self.asked: list[ImageQuery] = []
        self.places_asked: list[PlaceQuery] = []

    def resolve(self, connection: Connection, queries: Sequence[ImageQuery]) -> Mapping[ImageQuery, str]:
        self.asked += queries
        return {query: f"img-{query.alias}-{query.region}" for query in queries if query.alias != "gone"}

    def places(self, connection: Connection, queries: Sequence[PlaceQuery]) -> Mapping[PlaceQuery, str]:
        self.places_asked += queries
        return {query: f"id-{query.name}-{query.region}" for query in queries}


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


@pytest.fixture
def gateways(images: Images, monkeypatch: pytest.MonkeyPatch) -> Images:
    """Manifests name the gateway of each region in the connection."""

    def names(connection: Connection, region: str) -> Mapping[str, str]:
        name = connection.settings.get("gateway", "main")
        return {"gateway": str(name)} if name else {}

    monkeypatch.setattr(local, "names", names, raising=False)
    return images


def through(gateway: str, *groups: Group) -> Mcis:
    connection = Connection(name="local", cloud="local", settings={"gateway": gateway})
    return an_mcis(*groups, connections={"local": connection})


def test_a_name_that_stands_for_an_id_is_asked_for_per_region_in_use(gateways: Images) -> None:
    found = asked(settled(an_mcis(a_group("web", 2), a_group("api", region=TOKYO))))
    assert found.plan.places == {
        "local/local-seoul": {"gateway": "id-main-local-seoul"},
        f"local/{TOKYO}": {"gateway": f"id-main-{TOKYO}"},
    }
    assert [query.region for query in gateways.places_asked] == ["local-seoul", TOKYO]


def test_an_id_the_lock_has_is_not_asked_for_again_and_known_offline(gateways: Images) -> None:
    first = asked(settled(an_mcis(a_group("web"))))
    gateways.places_asked.clear()
    offline = settled(an_mcis(a_group("web")), first.lock)
    assert (offline.changed, offline.stale) == (False, False)
    assert offline.plan.places == first.plan.places
    assert asked(offline).lock == first.lock
    assert gateways.places_asked == []


def test_another_region_asks_for_its_own_id_alone(gateways: Images) -> None:
    first = asked(settled(an_mcis(a_group("web"))))
    gateways.places_asked.clear()
    found = asked(settled(an_mcis(a_group("web"), a_group("api", region=TOKYO)), first.lock))
    assert [query.region for query in gateways.places_asked] == [TOKYO]
    assert set(found.lock.places) == {"local/local-seoul", f"local/{TOKYO}"}


def test_another_name_is_asked_for_anew(gateways: Images) -> None:
    first = asked(settled(through("one", a_group("web"))))
    changed = settled(through("two", a_group("web")), first.lock)
    assert changed.stale and changed.plan.places == {}
    found = asked(changed)
    assert found.lock.places == {"local/local-seoul": {"gateway": Place(name="two", id="id-two-local-seoul")}}


def test_what_is_named_no_longer_leaves_the_lock(gateways: Images) -> None:
    first = asked(settled(through("one", a_group("web"))))
    assert settled(through("", a_group("web")), first.lock).lock.places == {}
    assert settled(through("one", a_group("web", region=TOKYO)), first.lock).lock.places == {}


def test_a_lock_from_before_ids_were_kept_in_it_still_fits(gateways: Images) -> None:
    first = asked(settled(an_mcis(a_group("web"))))
    old = replace(first.lock, places={})
    found = settled(an_mcis(a_group("web")), old)
    assert (found.stale, found.plan.places) == (False, {})
    assert asked(found).lock == first.lock


def test_a_cloud_that_is_not_asked_keeps_the_ids_it_told_before(gateways: Images) -> None:
    first = asked(settled(an_mcis(a_group("web"))))
    found, _ = answered(settled(an_mcis(a_group("web")), first.lock), HOME, without=["local"])
    assert found.plan.places == first.plan.places


def test_machines_that_tell_no_host_key_are_given_one(images: Images) -> None:
    first, again = (asked(settled(an_mcis(a_group("web", 2)))).plan.host_keys for _ in range(2))
    assert first == again
    assert set(first) == {"web-1", "web-2"}


def test_a_cloud_without_ids_for_images_is_asked_nothing() -> None:
    found = settled(an_mcis(a_group("web")))
    assert asked(found) == found


def test_connections_are_asked_at_once(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(2)

    def resolve(connection: Connection, queries: Sequence[ImageQuery]) -> Mapping[ImageQuery, str]:
        together.wait(10)  # fails when nobody else comes
        return dict.fromkeys(queries, f"img-of-{connection.name}")

    monkeypatch.setattr(images, "resolve", resolve)
    names = ("one", "two")
    connections = {name: Connection(name=name, cloud="local") for name in names}
    groups = (a_group(f"in-{name}", 1, connection=name) for name in names)
    found = asked(settled(an_mcis(*groups, connections=connections)))
    assert [member.image.id for member in found.plan.members] == ["img-of-one", "img-of-two"]
