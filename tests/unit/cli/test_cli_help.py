"""Help: every verb has it, this folder's README repeats it, and asking for it is cheap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from mcis_iac import cli
from mcis_iac.cli.app import Verbs
from mcis_iac.cli.app import cli as program
from mcis_iac.cli.reference import ALIASES, BY_NAME, SECTIONS, VERBS, markdown

README = Path(cli.__file__).parent / "README.md"
COSTLY = {"pulumi", "asyncssh", "rich", "jsonschema", "jinja2", "yaml", "cryptography"}
COMMON = {
    "file",
    "env",
    "sets",
    "output",
    "json",
    "events",
    "progress",
    "color",
    "verbose",
    "quiet",
    "log_file",
}
FULL = {
    "render", "preview", "up", "scale", "replace", "heal", "refresh", "down", "terminate", "status",
    "outputs", "exec", "suspend",
}  # fmt: skip


def verbs() -> list[click.Command]:
    assert isinstance(program, Verbs)
    context = click.Context(program)
    found = [program.get_command(context, name) for name in BY_NAME]
    assert None not in found
    return [command for command in found if command is not None]


@pytest.mark.parametrize("command", verbs(), ids=lambda command: command.name)
def test_every_verb_has_help_its_summary_and_described_flags(command):
    assert command.short_help == BY_NAME[command.name].summary
    assert command.help.startswith(command.short_help)
    flags = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert [flag.name for flag in flags if not flag.help] == []


def test_these_are_the_verbs_of_this_release():
    assert set(BY_NAME) == {
        "init", "validate", "explain", "render", "preview", "up", "down", "refresh", "status", "history",
        "outputs", "known-hosts",
        "scale", "replace", "heal", "terminate", "suspend", "resume", "reboot", "exec",
        "cp", "run", "ssh", "doctor", "eject", "completion",
    }  # fmt: skip
    ours = {"plan": "preview", "apply": "up", "destroy": "down", "stop": "suspend", "start": "resume"}
    assert ours == ALIASES
    assert {verb.section for verb in VERBS} == set(SECTIONS)


@pytest.mark.parametrize("name", sorted(FULL))
def test_verbs_share_the_common_flags(name):
    command = next(command for command in verbs() if command.name == name)
    missing = COMMON - {parameter.name for parameter in command.params}
    assert missing <= ({"events", "progress"} if name == "render" else set())


@pytest.mark.parametrize("command", verbs(), ids=lambda command: command.name)
def test_no_flag_is_declared_twice(command):
    names = [name for parameter in command.params for name in parameter.opts]
    assert len(names) == len(set(names))


def test_the_help_of_the_program_names_every_verb_and_its_own_flag(mcis, golden):
    assert mcis("--help").code == 0
    text = sys.stdout.getvalue()
    assert all(verb.summary in text for verb in VERBS)
    assert "-h, --help" in text
    golden("screens/help.txt", text)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_the_help_of_a_verb_is_as_reviewed(mcis, golden, name):
    assert mcis(name, "-h").code == 0
    text = sys.stdout.getvalue()
    assert "-h, --help" in text
    golden(f"screens/help-{name}.txt", text)


def test_the_table_of_verbs_in_the_readme_is_current(request):
    text = README.read_text(encoding="utf-8")
    begin, end = "<!-- verbs: begin -->\n", "<!-- verbs: end -->"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    wanted = f"{head}{begin}{markdown()}{end}{tail}"
    if request.config.getoption("--update-golden"):
        README.write_text(wanted, encoding="utf-8")
    assert README.read_text(encoding="utf-8") == wanted, "stale; run pytest --update-golden"


@pytest.mark.process  # what an import loads is only seen in a fresh interpreter
@pytest.mark.parametrize("words", [["--help"], ["up", "--help"], ["completion", "bash"]])
def test_asking_for_help_loads_nothing_costly(words):
    code = (
        f"import sys; from mcis_iac.cli.app import run; run({words!r}); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in done.stderr.split()} & COSTLY
    assert "mcis_iac.pipeline" not in done.stderr.split()
