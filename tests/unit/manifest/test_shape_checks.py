"""The schema pass: every violation at its place, in the manifest's own words, one diagnostic each."""

# ruff: noqa: E501 - one case is one line

from __future__ import annotations

import pytest
from manifests import HEAD, HERE, PUBLIC_KEY, SMALL, codes, loaded, marked, only

GROUP = f"groups:\n  web: {{{HERE}"


def group(field: str) -> str:
    return f"{HEAD}{GROUP}, {field}}}\n"


@pytest.mark.parametrize(
    ("text", "code", "word", "detail"),
    [
        (f"{HEAD}{GROUP}}}\nservices: {{}}\n", "101", "services", "a manifest has no such field"),
        (group("cuont: 3"), "101", "cuont", "did you mean `count`?"),
        (group("colour: red"), "101", "colour", "a group has no such field"),
        (group("power: off"), "103", "off", None),
        (f"version: 1\nnaem: x\n{GROUP}}}\n", "101", "naem", "did you mean `name`? (name is required here)"),
        (f"version: 1\n{GROUP}}}\n", "102", "version", "`name` is required in a manifest"),
        (f"{HEAD}", "102", "version", "`groups` is required in a manifest"),
        (f"{HEAD}groups: {{}}\n", "114", "groups", "this is empty; at least one entry is needed"),
        (f"version: 2\nname: x\n{GROUP}}}\n", "103", "2", "expected 1"),
        (group("public_ip: yes"), "103", "yes", "public_ip has no such value"),
        (f"{HEAD}on_failure: keeep\n{GROUP}}}\n", "103", "keeep", "did you mean `keep`?"),
        (group("count: {min: 1}"), "105", "count", "expected a whole number, this is a map"),
        (group("count: 3.0"), "105", "3.0", "expected a whole number, this is a number"),
        (group("count: '3'"), "105", "'3'", "expected a whole number, this is text"),
        (group("count: true"), "105", "true", "expected a whole number, this is true or false"),
        (group("count: -1"), "114", "-1", "at least 0"),
        (group("count: 10001"), "114", "10001", "at most 10,000"),
        (group("count: "), "105", "count", "expected a whole number, this is nothing"),
        (group("labels: {tier: 1}"), "105", "1", "expected text, this is a number"),
        (group("disk: {size: 30}"), "105", "30", "expected a size with its unit, such as 30GiB, this is a number"),
        (group("disk: {size: 30GB}"), "113", "30GB", "expected a size with its unit, such as 30GiB"),
        (group("disk: {type: fsat}"), "103", "fsat", "did you mean `fast`?"),
        (group("firewall: {}"), "105", "firewall", "expected text or a list, this is a map"),
        (group("user: Root"), "113", "Root", "expected a user name: lower-case letters, digits, `-` and `_`, at most 32"),
        (group("setup: {run: ls}"), "105", "ls", "expected a list, this is text"),
        (group("setup: {files: [{path: a, content: b}]}"), "113", "a", "expected an absolute path"),
        (group("disks: [{name: a, mount: /a}]"), "102", "{name: a, mount: /a}", "`size` is required in a data disk"),
        (f"{HEAD}name2: 1\n{GROUP}}}\n", "101", "name2", "did you mean `name`?"),
        (f"{HEAD}groups:\n  Web: {{{HERE}}}\n", "115", "Web", None),
        (f"version: 1\nname: Edge\n{GROUP}}}\n", "115", "Edge", None),
        (f"{HEAD}backend: /tmp/x\n{GROUP}}}\n", "113", "/tmp/x", None),
        (f"{HEAD}keys: {{k: {{agent: true}}}}\n{GROUP}}}\n", "102", "k", "`public_key_file` is required in a key from a file"),
        (f"{HEAD}images: {{i: {{local: x}}}}\n{GROUP}}}\n", "105", "x", "an image on local is a map, this is text"),
        (f"{HEAD}images: {{i: {{local: {{host: true, dir: /x}}}}}}\n{GROUP}}}\n", "117", "dir", "not together with `host`"),
        ("- a\n", "105", "a", "expected a map, this is a list"),
        ("just text\n", "105", "just text", "expected a map, this is text"),
    ],
)  # fmt: skip
def test_a_violation_is_said_at_its_place(text: str, code: str, word: str, detail: str | None) -> None:
    found = loaded(text)
    diagnostic = only(found, code)
    assert marked(found, diagnostic) == word
    if detail is not None:
        assert diagnostic.detail == detail


def test_an_unknown_field_lists_the_nearest_known_ones() -> None:
    diagnostic = only(loaded(group("cuont: 3")), "101")
    assert diagnostic.notes == (
        "fields of a group: count, user, disk, disks, image, key, power, protect, ... 8 more",
    )


def test_a_number_meant_as_text_is_told_to_have_quotes() -> None:
    text = group("setup: {files: [{path: /a, content: b, mode: 0644}]}")
    assert only(loaded(text), "105").hint == "put it in quotes"


def test_a_single_item_is_told_to_have_brackets() -> None:
    text = f"{HEAD}firewalls: {{a: [{{from: anywhere}}]}}\n{GROUP}}}\n"
    assert only(loaded(text), "105").hint == "put it in brackets: [...]"


def test_a_truth_value_of_yaml_1_1_is_told_how_to_be_written() -> None:
    assert only(loaded(group("public_ip: off")), "103").hint == "write false"


def test_a_key_of_the_other_form_says_so() -> None:
    text = f"{HEAD}keys: {{k: {{public_key: {PUBLIC_KEY}, public_key_file: /x}}}}\n{GROUP}}}\n"
    found = loaded(text)
    assert "117" in codes(found)
    assert [d.detail for d in found.diagnostics if d.code == "MCIS117"] == [
        "not together with `public_key_file`"
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"{SMALL}x-any: [1, {{a: b}}]\n",
        group("x-mine: 1"),
        group("disk: {x-why: because}"),
        f"{HEAD}firewalls: {{a: [{{from: [me], x-note: y}}]}}\n{GROUP}}}\n",
        f"{HEAD}connections: {{c: {{cloud: local, x-owner: kim}}}}\n{GROUP}}}\n",
    ],
)
def test_keys_with_x_are_free_wherever_fields_are_fixed(text: str) -> None:
    assert not loaded(text).diagnostics


def test_an_error_in_one_group_hides_none_in_another() -> None:
    text = f"{HEAD}groups:\n  web: {{cuont: 1, {HERE}}}\n  db: {{count: x, {HERE}}}\n"
    assert [(d.code, d.group) for d in loaded(text).diagnostics] == [("MCIS101", "web"), ("MCIS105", "db")]


def test_both_bodies_of_a_duplicate_key_are_checked() -> None:
    text = f"{HEAD}groups:\n  db: {{cuont: 1, {HERE}}}\n  db: {{{HERE}, disk: {{size: 1}}}}\n"
    assert codes(loaded(text)) == ["101", "104", "105"]


def test_diagnostics_are_sorted_by_position_base_first() -> None:
    found = loaded(SMALL + "zzz: 1\n", overlay="aaa: 1\ngroups: {web: {count: x}}\n")
    assert [str(d.span) for d in found.diagnostics] == ["mcis.yaml:7:1", "prod.yaml:1:1", "prod.yaml:2:23"]
