"""The example stacks cannot rot: each is valid, its locks are true, and its graph is what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcis_iac import pipeline
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


@pytest.mark.parametrize("stack,env", VARIANTS)
def test_its_graph_is_as_reviewed(stack: Path, env: str | None, golden, tmp_path: Path) -> None:
    # A copy: a generated key of this checkout would stand in the graph.
    copy = tmp_path / stack.name
    copy.mkdir()
    for path in stack.iterdir():
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())
    graph = pipeline.render(pipeline.Request(file=str(copy), env=env))
    golden(f"render/stacks/{stack.name}.{env or 'base'}.json", pipeline.graph_text(graph, "json"))


def test_every_stack_has_a_readme_that_names_it() -> None:
    for stack in STACKS:
        assert stack.name in (stack / "README.md").read_text(encoding="utf-8")


def test_nothing_of_this_machine_is_in_what_is_committed() -> None:
    for stack in STACKS:
        for lock in stack.glob("*.lock"):
            assert "generated" not in lock.read_text(encoding="utf-8")
