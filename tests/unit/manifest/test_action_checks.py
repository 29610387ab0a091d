"""The section `actions`: what is refused, at which character, and what it becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcis_iac.model import ActionFile
from tests.unit.manifest.manifests import HERE, SMALL, codes, loaded, marked, only

LABELLED = SMALL.replace(HERE, f"{HERE}\n    labels: {{role: front}}")


def manifest(*actions: str, base: str = LABELLED) -> str:
    return base + "actions:\n" + "".join(f"  - {action}\n" for action in actions)


def test_an_action_has_its_defaults():
    found = loaded(manifest("{name: hi, run: [date]}"))
    (action,) = found.mcis.actions
    assert (action.on, action.when, action.only, action.serial) == ((), "changed", "each", None)
    assert (action.timeout_s, action.sudo, action.continue_on_error) == (600, True, False)


@pytest.mark.parametrize(
    "on,names,labels",
    [
        ("all", (), {}),
        ("web", ("web",), {}),
        ("[web, web-2, web]", ("web", "web-2"), {}),
        ("[web, all]", (), {}),
        ("{labels: {role: front}}", (), {"role": "front"}),
    ],
)
def test_on_is_everybody_groups_vms_or_labels(on, names, labels):
    (action,) = loaded(manifest(f"{{name: hi, on: {on}, run: [date]}}")).mcis.actions
    assert (action.on, action.labels) == (names, labels)


def test_times_and_files_become_values(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a.j2").write_bytes(b"{{ vm.name }}\r\n")
    files = "[{path: /a, template: files/a.j2}, {path: /b, content: x, owner: a:b}]"
    text = manifest(f"{{name: hi, timeout: 2h, files: {files}}}")
    (action,) = loaded(text, folder=tmp_path).mcis.actions
    assert action.timeout_s == 7200
    assert action.files == (
        ActionFile(path="/a", text="{{ vm.name }}\n", source="files/a.j2"),
        ActionFile(path="/b", text="x", owner="a:b"),
    )


@pytest.mark.parametrize(
    "action,code,word",
    [
        ("{name: hi, on: wbe, run: [a]}", "MCIS235", "wbe"),
        ("{name: hi, on: [web, db-1], run: [a]}", "MCIS235", "db-1"),
        ("{name: hi, on: {labels: {role: frnt}}, run: [a]}", "MCIS235", "on"),
        ("{name: hi}", "MCIS102", "hi"),
        ("{name: Hi, run: [a]}", "MCIS115", "Hi"),
        ("{name: hi, run: [a], when: never}", "MCIS103", "never"),
        ("{name: hi, run: [a], timeout: 10}", "MCIS105", "10"),
        ("{name: hi, run: [a], files: [{path: b, content: c}]}", "MCIS113", "b"),
        ("{name: hi, files: [{path: /b, template: nope}]}", "MCIS234", "nope"),
        ("{name: hi, files: [{path: /b, template: ../mcis.yaml}]}", "MCIS234", "../mcis.yaml"),
        ("{name: hi, files: [{path: /b, template: /etc/passwd}]}", "MCIS234", "/etc/passwd"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(action, code, word, tmp_path):
    found = loaded(manifest(action), folder=tmp_path)
    assert marked(found, only(found, code.removeprefix("MCIS"))) == word


def test_the_text_of_a_file_is_here_or_in_a_template(tmp_path):
    (tmp_path / "d").write_text("")
    found = loaded(manifest("{name: hi, files: [{path: /b, content: c, template: d}]}"), folder=tmp_path)
    only(found, "117")


def test_a_name_is_used_once():
    found = loaded(manifest("{name: hi, run: [a]}", "{name: hi, run: [b]}"))
    assert only(found, "236").related[0].label == "first used here"


@pytest.mark.parametrize(
    "scalar,line,word",
    [
        ("echo {{ vm.nam }}", 0, "vm"),
        ('"a\\"\\u00e9\\n{{ foo }}"', 0, "foo"),
        ("'it''s {{ foo }}'", 0, "foo"),
        ("|\n        echo\n          {{ foo }}\n", 2, "foo"),
        ("|-\n        {{ groups.wbe }}", 1, "groups"),
        ("plain\n        folded {{ foo }}", 1, "foo"),
        ("echo {{ vm.name | shh }}", 0, "shh"),
        ("echo {% fi %}", 0, "fi"),
        ("echo {% include 'x' %}", 0, "include"),
    ],
)
def test_a_flaw_of_a_template_is_shown_inside_the_scalar(scalar, line, word):
    text = LABELLED + f"actions:\n  - name: hi\n    run:\n      - {scalar}\n"
    found = loaded(text)
    flaw = only(found, "233")
    assert marked(found, flaw) == word
    assert flaw.span.line == text[: text.index("- name: hi")].count("\n") + 3 + line


def test_a_flaw_in_a_template_file_names_its_line_and_who_uses_it(tmp_path):
    (tmp_path / "a.j2").write_text("one\n  {{ vm.nam }}\n")
    found = loaded(manifest("{name: hi, files: [{path: /b, template: a.j2}]}"), folder=tmp_path)
    flaw = only(found, "233")
    assert str(flaw.span) == "a.j2:2:6"
    assert (flaw.detail, flaw.hint) == ("`vm` has no `nam`", "did you mean `name`?")
    assert flaw.related[0].label == "used here"


@pytest.mark.parametrize("data,why", [(b"\xff", "UTF-8"), (b"x" * (1 << 20) + b"y", "1 MiB")])
def test_a_template_file_is_text_of_some_length(data, why, tmp_path):
    (tmp_path / "a.j2").write_bytes(data)
    found = loaded(manifest("{name: hi, files: [{path: /b, template: a.j2}]}"), folder=tmp_path)
    assert why in only(found, "234").detail


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("x")
    Path(tmp_path / "in/a.j2").symlink_to(tmp_path / "secret")
    found = loaded(manifest("{name: hi, files: [{path: /b, template: a.j2}]}"), folder=tmp_path / "in")
    assert "outside" in only(found, "234").detail


def test_flawed_actions_hide_no_other_problem():
    found = loaded(manifest("{name: hi, run: ['{{ foo']}", base=SMALL.replace("local-seoul", "nowhere")))
    assert "233" in codes(found)
    assert found.drafts
    assert found.drafts[0].groups["web"].count == 3


def test_a_name_set_in_the_template_itself_is_known():
    text = "{% set a = 1 %}{% for vm in vms.values() %}{{ vm.anything }}{{ a }}{{ loop.index }}{% endfor %}"
    assert codes(loaded(manifest(f'{{name: hi, run: ["{text}"]}}'))) == []
