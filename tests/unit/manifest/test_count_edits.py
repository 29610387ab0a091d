"""Editing counts: one number changes, everything else stays byte for byte."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifests import HEAD, HERE, SMALL, loaded

from mcis_iac.errors import ManifestError, NotFoundError, OperationError, UsageError
from mcis_iac.manifest.edit import Edit, apply, plan_counts
from mcis_iac.manifest.load import Loaded, load, with_text
from mcis_iac.model import NOTHING, Mcis


def after(found: Loaded, **counts: int) -> dict[str, str]:
    return {edit.path.name: edit.after for edit in plan_counts(found, counts)}


def bare(mcis: Mcis) -> Mcis:
    return replace(mcis, spans=NOTHING)


@pytest.mark.parametrize(
    ("written", "edited"),
    [
        ("count: 3", "count: 5"),
        ("count: 0x3  # three", "count: 5  # three"),
        ("count:   3", "count:   5"),
        ('"count": 3', '"count": 5'),
        ("count: !!int 3", "count: !!int 5"),
        ("? count\n    : 3", "? count\n    : 5"),
    ],
)
def test_the_number_alone_is_replaced(written: str, edited: str) -> None:
    text = f"{HEAD}groups:\n  web:\n    {written}\n    {HERE}\n"
    assert after(loaded(text), web=5) == {"mcis.yaml": text.replace(written, edited)}


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (f"  web:\n    {HERE}\n", f"  web:\n    count: 5\n    {HERE}\n"),
        (f"  web:   # ключ\n      {HERE}", f"  web:   # ключ\n      count: 5\n      {HERE}"),
        (f"  web: {{{HERE}}}\n", f"  web: {{count: 5, {HERE}}}\n"),
        (f"  web: {{ {HERE} }}\n", f"  web: {{ count: 5, {HERE} }}\n"),
        (f"  web: {{\n    {HERE}\n  }}\n", f"  web: {{count: 5,\n    {HERE}\n  }}\n"),
        (f"  web: &w\n    {HERE}\n", f"  web: &w\n    count: 5\n    {HERE}\n"),
        (f"  web: !!map {{{HERE}}}\n", f"  web: !!map {{count: 5, {HERE}}}\n"),
    ],
)
def test_a_count_that_is_not_there_is_inserted_into_the_group(before: str, expected: str) -> None:
    head = f"{HEAD}groups:\n"
    assert after(loaded(head + before), web=5) == {"mcis.yaml": head + expected}


def test_a_count_of_the_defaults_is_overruled_in_the_group() -> None:
    text = f"{HEAD}defaults: {{count: 2, {HERE}}}\ngroups: {{web: {{}}, api: {{}}}}\n"
    edited = after(loaded(text), web=5)["mcis.yaml"]
    assert edited == text.replace("web: {}", "web: {count: 5}")


def test_windows_line_ends_stay() -> None:
    text = f"{HEAD}groups:\n  web:\n    {HERE}".replace("\n", "\r\n")
    assert after(loaded(text), web=5)["mcis.yaml"] == text.replace("placement", "count: 5\r\n    placement")


def test_the_overlay_is_edited_where_it_won() -> None:
    found = loaded(SMALL, overlay="groups: {web: {count: 4}}\n")
    assert after(found, web=5) == {"prod.yaml": "groups: {web: {count: 5}}\n"}


def test_the_base_is_edited_where_the_overlay_says_nothing() -> None:
    assert after(loaded(SMALL, overlay="labels: {a: b}\n"), web=5) == {"mcis.yaml": SMALL.replace("3", "5")}


def test_a_null_of_the_overlay_becomes_the_number() -> None:
    found = loaded(SMALL, overlay="groups:\n  web:\n    count:\n")
    assert after(found, web=5) == {"prod.yaml": "groups:\n  web:\n    count: 5\n"}


def test_a_missing_count_goes_to_the_overlay_that_writes_the_group() -> None:
    base = f"{HEAD}groups: {{web: {{{HERE}}}}}\n"
    found = loaded(base, overlay="groups: {web: {labels: {a: b}}}\n")
    assert after(found, web=5) == {"prod.yaml": "groups: {web: {count: 5, labels: {a: b}}}\n"}


def test_several_groups_change_in_one_edit() -> None:
    text = f"{HEAD}groups:\n  a: {{count: 1, {HERE}}}\n  b: {{{HERE}}}\n  c: {{count: 12, {HERE}}}\n"
    edited = after(loaded(text), a=100, b=2, c=0)["mcis.yaml"]
    counts = {name: group.count for name, group in loaded(edited).mcis.groups.items()}
    assert counts == {"a": 100, "b": 2, "c": 0}


def test_a_count_that_is_so_already_needs_no_edit() -> None:
    assert plan_counts(loaded(SMALL), {"web": 3}) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{HEAD}x-n: &n 3\ngroups: {{web: {{count: *n, {HERE}}}}}\n", "mcis.yaml:4:22"),
        (f"{HEAD}x-w: &w {{count: 3, {HERE}}}\ngroups: {{web: *w}}\n", "mcis.yaml:4:15"),
        (f"{HEAD}x-w: &w {{count: 3}}\ngroups: {{web: {{<<: *w, {HERE}}}}}\n", "mcis.yaml:3:17"),
        (f"{HEAD}groups:\n  web: &w {{count: 3, {HERE}}}\n  api: *w\n", "mcis.yaml:4:19"),
        (f"{HEAD}groups:\n  web: &w {{{HERE}}}\n  api: {{<<: *w}}\n", "mcis.yaml:4:3"),
        (f"{HEAD}groups:\n  web: {{count: &n 3, {HERE}}}\n  api: {{count: *n, {HERE}}}\n", "mcis.yaml:4:16"),
    ],
)
def test_a_count_that_others_share_is_refused_with_its_line(text: str, words: str) -> None:
    text = text.replace("mcis.yaml:3", "")
    with pytest.raises(UsageError) as caught:
        plan_counts(loaded(text), {"web": 5})
    assert words.rpartition(":")[0] in caught.value.detail


def test_a_count_from_set_is_refused() -> None:
    with pytest.raises(UsageError, match="--set:1:18"):
        plan_counts(loaded(SMALL, sets=["groups.web.count=4"]), {"web": 5})


def test_a_group_that_only_set_makes_is_refused() -> None:
    found = loaded(SMALL, sets=["groups.api={placement: {cloud: local, region: x}}"])
    with pytest.raises(UsageError, match="--set"):
        plan_counts(found, {"api": 5})


def test_an_unknown_group_is_not_found() -> None:
    with pytest.raises(NotFoundError) as caught:
        plan_counts(loaded(SMALL), {"wbe": 5})
    assert caught.value.hint == "did you mean web?"


@pytest.mark.parametrize("count", [-1, 10_001])
def test_a_count_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(UsageError):
        plan_counts(loaded(SMALL), {"web": count})


def test_a_manifest_with_errors_is_not_edited() -> None:
    with pytest.raises(ManifestError):
        plan_counts(loaded("a: 1\n"), {"web": 5})


# ---------------------------------------------------------------- any manifest

NAMES = st.sampled_from(["web", "api", "db", "edge"])
COMMENTS = st.sampled_from(["", "  # three", "  # ключ 🦊", " # {count: 9}"])


@st.composite
def groups(draw: st.DrawFn, name: str) -> str:
    """A group in one of the ways people write them."""
    count = draw(st.none() | st.integers(0, 999))
    comment = draw(COMMENTS)
    fields = [HERE, "labels: {count: '7'}", "x-note: ключ"] + (
        [f"count: {count}"] if count is not None else []
    )
    fields = draw(st.permutations(fields))
    if draw(st.booleans()):
        space = draw(st.sampled_from(["", " "]))
        return f"  {name}: {{{space}{', '.join(fields)}{space}}}{comment}\n"
    if draw(st.booleans()):
        return (
            f"  {name}: {json.dumps({'count': count or 0, 'placement': {'cloud': 'local', 'region': 'x'}})}\n"
        )
    indent = " " * draw(st.integers(3, 8))
    return f"  {name}:{comment}\n" + "".join(f"{indent}{field}{comment}\n" for field in fields)


@st.composite
def manifests(draw: st.DrawFn) -> Loaded:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    head = draw(
        st.sampled_from(["", "# ключ\n", "x-a: &a {count: 4}\n", f"defaults: {{count: 7, {HERE}}}\n"])
    )
    text = f"{HEAD}{head}groups:\n" + "".join(draw(groups(name)) for name in names)
    overlay = None
    if draw(st.booleans()):
        some = draw(st.lists(st.sampled_from(names), unique=True))
        overlay = "groups:\n" + "".join(
            draw(
                st.sampled_from(
                    [f"  {n}: {{count: 2}}\n", f"  {n}: {{labels: {{x: y}}}}\n", f"  {n}:\n    count:\n"]
                )
            )
            for n in some
        )
        overlay = overlay if some else "{}\n"
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    final = draw(st.booleans())
    text = text if final else text.rstrip("\n")
    return loaded(text.replace("\n", newline), overlay=overlay and overlay.replace("\n", newline))


@given(manifests(), st.data())
def test_the_edited_manifest_differs_by_the_counts_alone(found: Loaded, data: st.DataObject) -> None:
    assert found.mcis is not None
    some = data.draw(st.lists(st.sampled_from(sorted(found.mcis.groups)), min_size=1, unique=True))
    counts = {name: data.draw(st.integers(0, 10_000)) for name in some}
    edits = plan_counts(found, counts)
    fresh = with_text(found, {edit.path.name: edit.after for edit in edits}).mcis
    groups = {n: replace(g, count=counts.get(n, g.count)) for n, g in found.mcis.groups.items()}
    assert bare(fresh) == bare(replace(found.mcis, groups=groups))
    for edit in edits:
        assert len(edit.before.splitlines()) <= len(edit.after.splitlines())
        assert edit.before.count("#") == edit.after.count("#")


# ---------------------------------------------------------------- files


def on_disk(folder: Path, data: bytes) -> Loaded:
    (folder / "mcis.yaml").write_bytes(data)
    return load(str(folder))


def test_writing_keeps_mode_mark_and_line_ends(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()
    found = on_disk(tmp_path, data)
    (tmp_path / "mcis.yaml").chmod(0o640)
    apply(plan_counts(found, {"web": 50}))
    path = tmp_path / "mcis.yaml"
    assert path.read_bytes() == data.replace(b"count: 3", b"count: 50")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["mcis.yaml"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text(SMALL)
    (tmp_path / "mcis.yaml").symlink_to("real.yaml")
    apply(plan_counts(load(str(tmp_path)), {"web": 4}))
    assert (tmp_path / "mcis.yaml").is_symlink()
    assert "count: 4" in (tmp_path / "real.yaml").read_text()


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    edits = plan_counts(on_disk(tmp_path, SMALL.encode()), {"web": 4})
    changed = SMALL + "# somebody was here\n"
    (tmp_path / "mcis.yaml").write_text(changed)
    with pytest.raises(OperationError):
        apply(edits)
    assert (tmp_path / "mcis.yaml").read_text() == changed


def test_a_file_that_vanished_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OperationError):
        apply([Edit(tmp_path / "gone.yaml", "", "")])
