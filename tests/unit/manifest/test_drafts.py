"""A refused manifest still shows later stages its sound parts, and never what nobody wrote."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from manifests import EVERYTHING, HEAD, HERE, SMALL, TREES, loaded

from mcis_iac.manifest.diagnostics import STAND_IN, credible
from mcis_iac.manifest.load import Loaded
from mcis_iac.model import Diagnostic, Mcis
from mcis_iac.placement.lock import Lock
from mcis_iac.placement.members import settle

dumped = partial(yaml.dump, Dumper=yaml.CSafeDumper)
GENERATED = {"generated": "ssh-ed25519 AAAA"}


def draft(text: str) -> Mcis:
    """The one draft of a manifest that is refused."""
    found = loaded(text)
    assert found.mcis is None
    (only,) = found.drafts
    return only


def later(found: Loaded) -> list[Diagnostic]:
    """What the stages after the manifest find in its drafts."""
    settled = [settle(mcis, Lock(), public_keys=known(mcis)) for mcis in found.drafts]
    return [each for one in settled for each in credible(one.diagnostics)]


def known(mcis: Mcis) -> dict[str, str]:
    """The public keys of a manifest, and the generated one."""
    return GENERATED | {name: key.public_key for name, key in mcis.keys.items() if key.public_key}


def told(text: str) -> list[tuple[str, str | None]]:
    """The same, as code and group."""
    return [(each.code.removeprefix("MCIS"), each.group) for each in later(loaded(text))]


def test_a_valid_manifest_has_no_draft() -> None:
    assert loaded(SMALL).drafts == ()


def test_a_text_that_cannot_be_read_has_a_draft_without_groups() -> None:
    mcis = draft(f"{HEAD}groups: {{web: [")
    assert (mcis.file, mcis.groups) == ("mcis.yaml", {})


def test_a_group_keeps_what_is_sound_of_it() -> None:
    mcis = draft(f"{HEAD}groups:\n  web: {{cuont: 3, disk: {{size: 30}}, user: ops, {HERE}}}\n")
    web = mcis.groups["web"]
    assert (web.count, web.user, web.disk.size_gib, web.placement.region) == (1, "ops", None, "local-seoul")


@pytest.mark.parametrize(
    "broken",
    [
        "{placement: {cloud: lcoal, region: mars}}",
        "{placement: {connection: nobody, region: mars}}",
        "{placement: {cloud: local, connection: here, region: mars}}",
        "{image: ubuntu-24.04}",
        "3",
    ],
)
def test_a_group_that_leads_to_no_cloud_is_left_out(broken: str) -> None:
    text = f"{HEAD}connections: {{here: {{cloud: local}}}}\ngroups: {{web: {broken}, db: {{{HERE}}}}}\n"
    assert list(draft(text).groups) == ["db"]
    assert told(text) == []


def test_a_group_that_is_left_out_is_nobodys_unknown_source() -> None:
    text = f"""{HEAD}firewalls: {{in: [{{from: ["group:web"]}}]}}
groups: {{web: 3, db: {{{HERE}, firewall: in}}}}
"""
    assert [each.code for each in loaded(text).diagnostics] == ["MCIS105"]
    assert told(text) == []


@pytest.mark.parametrize("wrong", ["", "region: 7,", "regoin: local-seoul,"])
def test_without_a_region_the_type_is_still_checked(wrong: str) -> None:
    text = f"{HEAD}groups: {{web: {{placement: {{cloud: local, {wrong} type: huge}}}}}}\n"
    assert told(text) == [("242", "web")]


def test_mistakes_in_the_head_hide_none_in_the_groups() -> None:
    assert told("groups: {web: {placement: {cloud: local, region: mars}}}\n") == [("240", "web")]


def test_a_bad_name_hides_no_mistake_in_what_it_names() -> None:
    text = f"{HEAD}groups: {{Web: {{placement: {{cloud: local, region: mars}}}}, all: {{{HERE}}}}}\n"
    assert told(text) == [("240", "Web")]


def test_both_bodies_of_a_repeated_key_are_looked_at() -> None:
    place = "{{placement: {{cloud: local, region: {}}}}}"
    text = f"{HEAD}groups:\n  web: {place.format('mars')}\n  web: {place.format('venus')}\n"
    assert [each.span.line for each in later(loaded(text))] == [4, 5]


@pytest.mark.parametrize(
    "image", ["{local: 7}", "{local: {hsot: true}}", "{local: {host: true, dir: /}}", "7"]
)
def test_a_refused_image_is_not_reported_again_where_it_is_used(image: str) -> None:
    text = f"{HEAD}images: {{own: {image}}}\ngroups: {{web: {{image: own, {HERE}}}}}\n"
    assert loaded(text).mcis is None
    assert told(text) == []


def test_a_sound_image_is_checked_beside_a_refused_one() -> None:
    images = "images: {own: {local: {dir: /no/such/folder}}, bad: 7}"
    assert told(f"{HEAD}{images}\ngroups: {{web: {{image: own, {HERE}}}}}\n") == [("251", "web")]


def test_a_group_whose_key_is_refused_gets_no_other_groups_key() -> None:
    keys = "keys: {a: {public_key: nonsense}, b: {public_key_file: /no/such/file}}"
    assert told(f"{HEAD}{keys}\ngroups: {{web: {{key: a, {HERE}}}}}\n") == []
    assert told(f"{HEAD}{keys}\ngroups: {{web: {{key: b, {HERE}}}}}\n") == [("245", "web")]


def test_a_range_is_not_too_small_for_a_group_without_a_region() -> None:
    head = f"{HEAD}networks: {{main: {{cidr: 10.0.0.0/26}}}}\n"
    assert told(f"{head}groups: {{web: {{{HERE}}}, db: {{placement: {{cloud: local}}}}}}\n") == []


def test_a_range_that_is_too_small_is_reported_once() -> None:
    other = "placement: {cloud: local, region: local-tokyo}"
    text = f"{HEAD}networks: {{main: {{cidr: 10.0.0.0/26}}}}\ngroups: {{web: {{{HERE}}}, db: {{{other}}}}}\n"
    assert [each.code for each in loaded(text).diagnostics] == ["MCIS213"]
    assert told(text) == []


def test_what_the_defaults_got_wrong_is_wrong_in_no_group() -> None:
    defaults = "defaults: {image: nope, placement: {cloud: local, region: 7}}"
    assert told(f"{HEAD}{defaults}\ngroups: {{web: {{}}, db: {{placement: {{type: huge}}}}}}\n") == [
        ("242", "db")
    ]


def test_without_the_overlay_that_was_meant_there_is_no_draft(tmp_path: Any) -> None:
    from mcis_iac.manifest.load import load

    (tmp_path / "mcis.yaml").write_text(SMALL)
    assert load(str(tmp_path), env="nope").drafts == ()


# ---------------------------------------------------------------- whatever comes


@given(TREES, TREES, st.booleans())
def test_the_draft_of_any_tree_can_be_looked_at(base: object, over: object, layered: bool) -> None:
    text = dumped({"version": 1, "name": "x", **base} if isinstance(base, dict) else base)
    found = loaded(text, overlay=dumped(over) if layered else None)
    assert STAND_IN not in [each.span for each in (*found.diagnostics, *later(found))]
    assert (found.mcis is None) == bool(found.drafts)


@given(st.binary(max_size=80), st.integers(0, len(EVERYTHING)), st.integers(0, 60))
def test_the_draft_of_a_mutated_manifest_can_be_looked_at(noise: bytes, at: int, drop: int) -> None:
    later(loaded(EVERYTHING[:at] + noise.decode("utf-8", "ignore") + EVERYTHING[at + drop :]))


WHOLE = yaml.safe_load(EVERYTHING.replace("/srv/root", "/"))


def ways(node: object, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value, as keys and indexes."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, inner in inside:
        yield (*way, step)
        yield from ways(inner, (*way, step))


def test_the_whole_manifest_has_no_problem_later() -> None:
    mcis = loaded(dumped(WHOLE)).mcis
    assert settle(mcis, Lock(), public_keys=known(mcis)).diagnostics == ()


def test_a_refused_value_is_reported_once_and_has_no_follow_up() -> None:
    values: tuple[object, ...] = (None, 7, "?", [[]], {"zz": 1})
    for (*way, last), value in zip(ways(WHOLE), cycle(values), strict=False):
        tree = node = copy.deepcopy(WHOLE)
        for step in way:
            node = node[step]
        node[last] = value
        found = loaded(dumped(tree))
        assert later(found) == [], (*way, last)
        if not isinstance(value, dict):  # a map without what belongs into it has many mistakes
            assert len(found.diagnostics) <= 1, (*way, last)


def test_a_missing_or_misspelt_field_has_no_follow_up() -> None:
    for (*way, last), misspelt in zip(ways(WHOLE), cycle((False, True)), strict=False):
        tree = node = copy.deepcopy(WHOLE)
        for step in way:
            node = node[step]
        value = node.pop(last)
        if misspelt and isinstance(node, dict):
            node[f"{last}{str(last)[-1:]}"] = value
        found = loaded(dumped(tree))
        assert later(found) == [], (*way, last, misspelt)
        if misspelt and isinstance(last, str) and len(way) != 1:  # the names of things are free
            assert len(found.diagnostics) <= 1, (*way, last, misspelt)


def test_a_value_that_cannot_be_read_is_the_only_problem() -> None:
    for *way, last in ways(WHOLE):
        tree = node = copy.deepcopy(WHOLE)
        for step in way:
            node = node[step]
        node[last] = "UNREADABLE"
        found = loaded(dumped(tree).replace("UNREADABLE", "*nobody"))
        assert [each.code for each in found.diagnostics] == ["MCIS109"], (*way, last)
        assert later(found) == [], (*way, last)


@pytest.mark.parametrize("section", ["connections", "keys", "images", "networks", "firewalls", "groups"])
def test_a_section_of_the_wrong_type_is_reported_once(section: str) -> None:
    found = loaded(dumped(WHOLE | {section: 3}))
    assert [each.code for each in found.diagnostics] == ["MCIS105"]
    assert later(found) == []
