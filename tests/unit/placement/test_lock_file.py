"""The lock file: what is written is read back, and what people break is named by line and column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
import yaml
from fakes.mcis import a_group, an_mcis, settled
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac import bundled
from mcis_iac.errors import ManifestError, OperationError
from mcis_iac.model import Connection, Firewall, FirewallRule, Image, ImageChoice, Network
from mcis_iac.placement import lock, lock_outcome
from mcis_iac.placement.lock import GroupLock, Lock, Made, Offer, Place, Price

NAME = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
# Words that YAML readers like to take for something else.
WORD = NAME | st.sampled_from(
    ["no", "on", "null", "~", "010", "22:22", "1e3", "true", "2026-06-18", "é: x", "#a"]
)
OFFER = st.builds(
    Offer,
    connection=WORD,
    region=WORD,
    zone=WORD | st.just(""),
    type=WORD,
    image=st.builds(ImageChoice, alias=WORD, id=st.none() | WORD),
    purchase=st.sampled_from(["ondemand", "spot"]),
    hourly_usd=st.none() | st.decimals(0, 99, places=4),
    price=st.none() | st.builds(Price, as_of=WORD, source=WORD),
    why=WORD,
    made=st.none() | st.builds(Made, image=WORD, setup=WORD, mounts=WORD, user=WORD, key=WORD),
)


@st.composite
def groups(draw: st.DrawFn) -> GroupLock:
    ordinals = draw(st.sets(st.integers(1, 40), max_size=8))
    given_up = draw(st.sets(st.sampled_from(sorted(ordinals)))) if ordinals else set()
    offers = draw(st.lists(OFFER, min_size=1, max_size=3))
    members = {n: draw(st.sampled_from(offers)) for n in ordinals - given_up}
    return GroupLock(
        highest=max(ordinals, default=0) + draw(st.integers(0, 3)),
        members=lock.rows(members),
        dropped={n: draw(WORD) for n in given_up},
        formerly=tuple(draw(st.lists(NAME, max_size=2))),
    )


LOCK = st.builds(
    Lock,
    tool=WORD,
    inputs=st.just(f"sha256:{'0' * 64}"),
    plugins=st.dictionaries(NAME, WORD, max_size=2),
    me=st.none() | st.just("198.51.100.7/32"),
    keys=st.dictionaries(NAME, WORD, max_size=2),
    ranges=st.dictionaries(NAME, st.dictionaries(NAME, WORD, min_size=1, max_size=2), max_size=2),
    places=st.dictionaries(
        NAME,
        st.dictionaries(NAME, st.builds(Place, name=WORD, id=WORD), min_size=1, max_size=2),
        max_size=2,
    ),
    groups=st.dictionaries(NAME, groups(), max_size=3),
)


def schema() -> Mapping[str, object]:
    text = (bundled.root("schemas") / "v1" / "lock.schema.json").read_text(encoding="utf-8")
    return json.loads(text)


@given(LOCK)
def test_what_is_written_is_read_back(written: Lock) -> None:
    assert lock.parse(lock.dump(written), "mcis.lock") == written


@given(LOCK)
def test_what_is_written_meets_the_schema(written: Lock) -> None:
    data = yaml.safe_load(lock.dump(written))
    for group in data.get("groups", {}).values():
        group["dropped"] = {str(ordinal): why for ordinal, why in group.get("dropped", {}).items()}
    jsonschema.Draft202012Validator(schema()).validate(data)


def test_the_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_file_looks_as_it_always_has(golden) -> None:
    mcis = an_mcis(a_group("web", 4), a_group("api", 1, region="local-tokyo", zone="b", type="micro"))
    found = settled(mcis).lock
    offer = Offer(
        connection="aws",
        region="ap-northeast-2",
        zone="a",
        type="t3.medium",
        image=ImageChoice(alias="ubuntu-24.04", id="ami-0abc"),
        purchase="spot",
        hourly_usd=Decimal("0.0520"),
        price=Price(as_of="2026-06-18", source="starter"),
        made=Made(image="ami-0abc", setup="4f53cda18c2baa0c", mounts="none", user="mcis", key="generated"),
    )
    db = GroupLock(highest=5, members=lock.rows({1: offer, 2: offer}), dropped={5: "quota"})
    whole = replace(
        found,
        tool="0.1.0",
        plugins={"mcislocal": "0.1.0"},
        places={"lab/RegionOne": {"external_network": Place(name="public", id="77fe")}},
        groups={**found.groups, "db": db},
    )
    golden("render/mcis.lock.txt", lock.dump(whole))


def test_a_missing_file_is_an_empty_lock(tmp_path: Path) -> None:
    assert lock.read(tmp_path / "mcis.lock") == Lock()


def test_an_empty_file_is_an_empty_lock() -> None:
    assert lock.parse("", "mcis.lock") == Lock()


def test_a_file_nested_too_deeply_is_refused() -> None:
    with pytest.raises(ManifestError):
        lock.parse(f"version: 1\nplan: {'[' * 5000}", "mcis.lock")


def test_writing_twice_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "mcis.lock"
    lock.write(path, Lock(tool="0.1.0"))
    path.chmod(0o640)
    before = path.stat()
    lock.write(path, Lock(tool="0.1.0"))
    assert path.stat() == before
    lock.write(path, Lock(tool="0.2.0"))
    assert path.stat().st_mode & 0o777 == 0o640
    assert lock.read(path).tool == "0.2.0"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OperationError) as refused:
        lock.write(tmp_path / "gone" / "mcis.lock", Lock())
    assert "nothing was changed" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "place", "detail"),
    [
        ("version: 2\n", (1, 10), "version 1"),
        ("groups: {}\n", (1, 1), "`version: 1` is missing"),
        ("- 1\n", (1, 1), "a map is expected"),
        ("version: 1\ntols: x\n", (2, 1), "`tols` is not a field"),
        ("version: 1\ngroups:\n  web: {}\n", (3, 8), "`highest` is missing"),
        ("version: 1\ngroups:\n  web: {highest: -1}\n", (3, 18), "a whole number"),
        ("version: 1\ngroups:\n  web: {highest: 1}\n  web: {highest: 2}\n", (4, 3), "written twice"),
        ("version: 1\ngroups:\n  web: {highest: 1, dropped: {2: quota}}\n", (3, 8), "above `highest: 1`"),
        ("version: 1\ngroups:\n  web: {highest: 1, dropped: {x: quota}}\n", (3, 31), "a whole number"),
        ("version: 1\ninputs: sha1:00\n", (2, 9), "64 hex digits"),
        ("version: 1\nkeys: {generated: }\n", (2, 19), "text is expected"),
        ("version: 1\ngroups:\n  web: {highest: 1, members: {}}\n", (3, 30), "a list is expected"),
        ("version: 1\nplaces: {lab/R: {network: {name: public}}}\n", (2, 27), "`id` is missing"),
        ("version: 1\ngroups: [\n", None, ""),
        ("version: 1\nplan: &a {x: *a}\n", (2, 7), "contains itself"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(
    text: str, place: tuple[int, int] | None, detail: str
) -> None:
    with pytest.raises(ManifestError) as refused:
        lock.parse(text, "mcis.lock")
    problem = refused.value.diagnostics[0]
    assert problem.code == "MCIS249" and problem.span is not None
    assert detail in problem.detail
    if place:
        assert (problem.span.line, problem.span.column) == place


ROW = "{ordinals: [1], connection: a, region: b, zone: c, type: d, image: {alias: e}}"


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        (ROW.replace("type: d, ", ""), "`type` is missing"),
        (ROW.replace("[1]", "[0]"), "ordinals count from 1"),
        (ROW.replace("[1]", "[1, 1]"), "ordinal 1 is given twice"),
        (ROW.replace("{alias: e}", "{id: e}"), "`alias` is missing"),
        (ROW.replace("}}", "}, hourly_usd: cheap}"), "USD per hour"),
        (ROW.replace("}}", "}, purchase: lease}"), "ondemand or spot"),
        (ROW.replace("}}", "}, price: {as_of: x}}"), "`source` is missing"),
    ],
)
def test_a_broken_row_is_refused(row: str, detail: str) -> None:
    with pytest.raises(ManifestError) as refused:
        lock.parse(f"version: 1\ngroups:\n  web:\n    highest: 1\n    members:\n    - {row}\n", "mcis.lock")
    assert detail in " ".join(problem.detail for problem in refused.value.diagnostics)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ManifestError) as refused:
        lock.parse("version: 1\nnope: 1\ngroups:\n  a: {}\n  b: {highest: x}\n", "mcis.lock")
    assert [problem.span.line for problem in refused.value.diagnostics] == [2, 4, 5]


def test_a_merge_conflict_is_called_by_its_name() -> None:
    text = "version: 1\n<<<<<<< ours\ntool: a\n=======\ntool: b\n>>>>>>> theirs\n"
    with pytest.raises(ManifestError) as refused:
        lock.parse(text, "mcis.lock")
    assert refused.value.diagnostics[0].detail == "a merge conflict is left in line 2"


@given(st.text(max_size=200) | LOCK.map(lock.dump).flatmap(lambda text: st.just(text[: len(text) // 2])))
def test_any_text_ends_in_a_lock_or_in_diagnostics(text: str) -> None:
    try:
        lock.parse(text, "mcis.lock")
    except ManifestError as error:
        assert error.diagnostics


@pytest.mark.parametrize(
    "change",
    [
        {"groups": {"web": a_group("web", 3)}},
        {"groups": {"web": a_group("web", 2, zone="b")}},
        {"groups": {"web": a_group("web", 2, image="debian-12")}},
        {"groups": {"web": a_group("web", 2, key="ops")}},
        {"groups": {"web": a_group("web", 2), "api": a_group("api")}},
        {"networks": {"main": Network(name="main", cidr="10.0.0.0/16")}},
        {"connections": {"local": Connection(name="local", cloud="local", settings={"site": "x"})}},
        {"images": {"base": Image(name="base", by_cloud={"local": {"host": True}})}},
    ],
)
def test_what_decides_members_and_places_makes_a_lock_stale(change: dict[str, object]) -> None:
    assert lock.digest(an_mcis(a_group("web", 2))) != lock.digest(an_mcis(a_group("web", 2), **change))


def test_what_decides_nothing_leaves_a_lock_fresh() -> None:
    wall = Firewall(name="w", rules=(FirewallRule(sources=("anywhere",)),))
    plain, other = a_group("web", 2), a_group("web", 2, firewalls=("w",), labels={"a": "b"}, protect=True)
    changed = an_mcis(other, firewalls={"w": wall}, description="text", labels={"team": "x"})
    assert lock.digest(an_mcis(plain)) == lock.digest(changed)


def test_the_order_of_groups_does_not_make_a_lock_stale() -> None:
    one, other = a_group("web", 2), a_group("api")
    assert lock.digest(an_mcis(one, other)) == lock.digest(an_mcis(other, one))


def test_dropping_keeps_the_reason_and_the_highest_ordinal() -> None:
    found = lock_outcome.drop(
        settled(an_mcis(a_group("web", 3))).lock, {"web-3": "quota", "api-1": "unknown"}
    )
    assert list(found.groups["web"].offers()) == [1, 2]
    assert (found.groups["web"].dropped, found.groups["web"].highest) == ({3: "quota"}, 3)


def test_forgetting_gives_everything_back() -> None:
    found = lock_outcome.forget(settled(an_mcis(a_group("web", 3))).lock)
    assert (found.groups, found.ranges, found.keys, found.me, found.inputs) == ({}, {}, {}, None, "")
