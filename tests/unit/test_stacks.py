"""The example stacks cannot rot: each is valid, its locks are true, and its graph is what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes.ejected import of_graph, of_project

from mcis_iac import pipeline
from mcis_iac.eject.files import Ejected
from mcis_iac.flows.ground import ground, lock_to_write, place
from mcis_iac.placement import lock as locks
from mcis_iac.placement.members import fresh

ROOT = Path(__file__).parents[2]
STACKS = sorted(path.parent for path in ROOT.glob("stacks/*/mcis.yaml"))
NOT_OVERLAYS = {"mcis"}


def variants() -> list[tuple[Path, str | None]]:
    """Every stack, as it is and with each of its overlays."""
    found: list[tuple[Path, str | None]] = []
    for stack in STACKS:
        overlays = sorted(path.stem for path in stack.glob("*.yaml") if path.stem not in NOT_OVERLAYS)
        found += [(stack, env) for env in (None, *overlays)]
    return found


VARIANTS = [pytest.param(stack, env, id=f"{stack.name}.{env or 'base'}") for stack, env in variants()]


@pytest.mark.parametrize("stack,env", VARIANTS)
def test_a_stack_is_valid_without_warnings(stack: Path, env: str | None) -> None:
    checked = pipeline.check(pipeline.Request(file=str(stack), env=env))
    assert checked.mcis is not None and checked.diagnostics == ()


@pytest.mark.parametrize("stack,env", VARIANTS)
def test_a_stack_fits_the_typed_packages(stack: Path, env: str | None) -> None:
    checked = pipeline.check(pipeline.Request(file=str(stack), env=env), types=True)
    assert checked.diagnostics == ()


@pytest.mark.parametrize("stack,env", VARIANTS)
def test_its_committed_lock_is_fresh_and_sufficient(
    stack: Path, env: str | None, pytestconfig: pytest.Config
) -> None:
    request = pipeline.Request(file=str(stack), env=env)
    here = ground(request)
    if pytestconfig.getoption("--update-golden"):  # no account is needed for a lock without ids of images
        locks.write(here.lock_path, lock_to_write(here, place(here)))
        here = ground(request)
    assert here.lock_path.exists() and fresh(here.mcis, here.lock)
    pipeline.render(request, locked=True)


@pytest.fixture
def copy(stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stack as a fresh clone has it: a generated key of this checkout would stand in what is made."""
    made = tmp_path / stack.name
    made.mkdir()
    for path in stack.iterdir():
        if path.is_file():
            (made / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv(
        "MCIS_BACKEND", "https://state.example.test"
    )  # or the folder would be in what is ejected
    return made


@pytest.mark.parametrize("stack,env", VARIANTS)
def test_its_graph_is_as_reviewed(stack: Path, env: str | None, golden, copy: Path) -> None:
    graph = pipeline.render(pipeline.Request(file=str(copy), env=env))
    golden(f"render/stacks/{stack.name}.{env or 'base'}.json", pipeline.graph_text(graph, "json"))


@pytest.mark.parametrize("stack,env", VARIANTS)
def test_it_ejects_as_a_program_that_was_reviewed(
    stack: Path, env: str | None, golden, copy: Path, tmp_path: Path
) -> None:
    made = tmp_path / "ejected"
    paths = sorted(pipeline.eject(pipeline.Request(file=str(copy), env=env), made))
    texts = {path.relative_to(made): path.read_text(encoding="utf-8") for path in paths}
    for path, text in texts.items():
        if path.suffix == ".py":
            compile(text, str(path), "exec")
    if env is None:
        whole = (f"==> {path}\n{text}" for path, text in texts.items() if text)
        golden(f"eject/stacks/{stack.name}.txt", "\n".join(whole))


@pytest.mark.process  # an ejected program runs as a program
@pytest.mark.parametrize("stack", STACKS, ids=[stack.name for stack in STACKS])
def test_its_program_registers_the_same_resources(stack: Path, copy: Path, tmp_path: Path) -> None:
    request = pipeline.Request(file=str(copy))
    graph = pipeline.render(request)
    pipeline.eject(request, tmp_path / "ejected")
    counts = {group.name: group.count for group in pipeline.load(request).groups.values()}
    ours, theirs = of_graph(graph), of_project(tmp_path / "ejected", graph, Ejected(files={}), counts)
    assert inputs(theirs) == inputs(ours)
    assert theirs["outputs"] == ours["outputs"]


def inputs(told: dict[str, Any]) -> dict[str, Any]:
    """Type and inputs of everything that was registered, by name."""
    return {name: (each["type"], each["inputs"]) for name, each in told["resources"].items()}


def test_every_stack_has_a_readme_that_names_it() -> None:
    for stack in STACKS:
        assert stack.name in (stack / "README.md").read_text(encoding="utf-8")


def test_nothing_of_this_machine_is_in_what_is_committed() -> None:
    for stack in STACKS:
        for lock in stack.glob("*.lock"):
            assert "ssh-" not in lock.read_text(encoding="utf-8")  # the key made in a checkout
