"""Names are identity: a changed key replaces users' machines."""

from __future__ import annotations

import json
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.model import Mcis, Subject
from mcis_iac.program import naming

WORD = st.text(max_size=40)
PLAIN = st.from_regex(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)
MAKERS = {
    "provider": (naming.provider, 1),
    "net": (naming.network, 3),
    "subnet": (naming.subnet, 4),
    "sg": (naming.security_group, 3),
    "key": (naming.key_pair, 2),
    "boot": (naming.boot_config, 2),
    "ip": (naming.address, 1),
    "disk": (naming.disk, 2),
}


def an_mcis(name: str = "shop", namespace: str = "default", env: str | None = None, **labels: str) -> Mcis:
    return Mcis(
        name=name, namespace=namespace, env=env, labels=labels, file="mcis.yaml", folder=Path("/"), groups={}
    )


def every_key() -> dict[str, str]:
    return {
        "a machine": naming.vm("web", 1),
        "a provider": naming.provider("local"),
        "a network": naming.network("main", "local", "local-seoul"),
        "a subnet": naming.subnet("main", "local", "local-seoul", "a"),
        "a security group": naming.security_group("web", "local", "local-seoul"),
        "a key pair": naming.key_pair("generated", "local"),
        "a boot config": naming.boot_config("web", "local"),
        "an address": naming.address("web-1"),
        "a disk": naming.disk("web-1", "data"),
    }


def test_every_key_and_every_name_is_what_it_has_always_been(golden) -> None:
    shop, prod = an_mcis(), an_mcis(env="prod", namespace="team")
    shown = {
        what: {
            "key": key,
            "name": naming.cloud_name(shop, key),
            "in an env": naming.cloud_name(prod, key),
            "short": naming.cloud_name(shop, key, limit=20),
            "letters": naming.cloud_name(shop, key, allowed=string.ascii_lowercase + string.digits),
        }
        for what, key in every_key().items()
    }
    golden("render/names.json", json.dumps(shown, indent=2))


@given(st.data())
def test_no_two_things_share_a_key(data: st.DataObject) -> None:
    def a_thing() -> tuple[str, tuple[str, ...]]:
        kind = data.draw(st.sampled_from(sorted(MAKERS)))
        return kind, tuple(data.draw(WORD) for _ in range(MAKERS[kind][1]))

    one, other = a_thing(), a_thing()
    same_key = MAKERS[one[0]][0](*one[1]) == MAKERS[other[0]][0](*other[1])
    assert same_key == (one == other)


@given(PLAIN, st.integers(1, 10**6), PLAIN, st.integers(1, 10**6))
def test_no_two_machines_share_a_key(one: str, first: int, other: str, second: int) -> None:
    assert (naming.vm(one, first) == naming.vm(other, second)) == ((one, first) == (other, second))


@given(PLAIN, WORD, st.integers(16, 63))
def test_a_cloud_name_keeps_to_the_characters_and_the_length(name: str, key: str, limit: int) -> None:
    made = naming.cloud_name(an_mcis(name), key, limit=limit)
    assert len(made) <= limit
    assert set(made) <= set(naming.DNS_CHARACTERS)
    assert made[0].isalpha() and not made.endswith("-")


@given(PLAIN, WORD)
def test_a_cloud_without_dashes_gets_names_without_dashes(name: str, key: str) -> None:
    letters = string.ascii_lowercase + string.digits
    assert set(naming.cloud_name(an_mcis(name), key, allowed=letters)) <= set(letters)


@given(st.sets(st.tuples(PLAIN, PLAIN, st.none() | PLAIN), min_size=2, max_size=4))
def test_two_mcis_never_share_a_name(owners: set[tuple[str, str, str | None]]) -> None:
    made = {naming.cloud_name(an_mcis(n, ns, env), "web-1", limit=20) for n, ns, env in owners}
    assert len(made) == len(owners)


def test_keys_that_look_alike_when_squeezed_keep_different_names() -> None:
    shop = an_mcis()
    assert naming.cloud_name(shop, "a/b") != naming.cloud_name(shop, "a-b")


def test_tags_say_whose_a_thing_is() -> None:
    tags = naming.tags(an_mcis(env="prod", team="x"), group="web", vm="web-1", labels={"role": "front"})
    assert tags == {
        "team": "x",
        "role": "front",
        "mcis": "shop",
        "mcis-namespace": "default",
        "mcis-env": "prod",
        "mcis-group": "web",
        "mcis-vm": "web-1",
    }


def test_a_label_never_hides_a_tag_of_ours() -> None:
    tags = naming.tags(an_mcis(), group="web", labels={"mcis": "another", "mcis-group": "x"})
    assert (tags["mcis"], tags["mcis-group"]) == ("shop", "web")


@pytest.mark.parametrize(
    ("key", "subject"),
    [
        ("web-1", Subject(group="web", vm="web-1")),
        ("a-b-12", Subject(group="a-b", vm="a-b-12")),
        ("ip/web-1", Subject(group="web", vm="web-1")),
        ("disk/web-1/data", Subject(group="web", vm="web-1")),
        ("net/main/local/local-seoul", Subject(connection="local", region="local-seoul")),
        ("subnet/main/local/local-seoul/a", Subject(connection="local", region="local-seoul")),
        ("sg/web/lab/RegionOne", Subject(group="web", connection="lab", region="RegionOne")),
        ("key/generated/local", Subject(connection="local")),
        ("boot/web/local", Subject(group="web", connection="local")),
        ("provider/local", Subject(connection="local")),
        ("something", Subject()),
        ("net/main", Subject()),
        ("web-0", Subject()),
        ("unknown/web-1/x", Subject()),
    ],
)
def test_a_key_found_in_state_tells_whom_it_serves(key: str, subject: Subject) -> None:
    assert naming.subject_of(key) == subject


@given(WORD, WORD, WORD)
def test_a_subject_gets_the_names_back_as_they_were(group: str, connection: str, region: str) -> None:
    found = naming.subject_of(naming.security_group(group, connection, region))
    assert (found.group, found.connection, found.region) == (group, connection, region)
