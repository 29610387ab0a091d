"""What the tests over four clouds share: a lab of their own each."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.standin import Standin
from fakes.standin.lab import CREDENTIALS, Lab

from mcis_iac.engine import bootstrap


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the plugins read from the typed packages; one folder for all workers of a test run."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if base.name.startswith("popen-") else base) / "shapes"


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory, engine: str, shapes: Path) -> Path:
    """A project whose stack has just been made, which labs begin with copies of."""
    root = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch:
        a_lab(root, engine, shapes, patch).session.make()
    return root / "project"


@pytest.fixture
def lab(tmp_path: Path, engine: str, shapes: Path, begun: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    shutil.copytree(begun, tmp_path / "project")
    return replace(a_lab(tmp_path, engine, shapes, monkeypatch), begun=True)


def a_lab(root: Path, engine: str, shapes: Path, patch: pytest.MonkeyPatch) -> Lab:
    """A lab below that folder; what its session reads from the environment is there as long as the patch."""
    judged = bootstrap.judge(Path(engine), "path")
    patch.setenv("MCIS_DATA_DIR", str(root / "data"))
    for name, value in CREDENTIALS.items():
        patch.setenv(name, value)
    found = bootstrap.Found(path=judged.path, version=judged.version, source="path", why="test")
    return Lab(root=root, engine=found, clouds=Standin(root / "clouds", shapes))
