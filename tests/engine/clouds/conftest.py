"""What the tests over four clouds share: a lab of their own each."""

from __future__ import annotations

from collections.abc import Iterator
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


@pytest.fixture
def lab(tmp_path: Path, engine: str, shapes: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    (tmp_path / "project").mkdir()
    judged = bootstrap.judge(Path(engine), "path")
    monkeypatch.setenv("MCIS_DATA_DIR", str(tmp_path / "data"))
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    found = bootstrap.Found(path=judged.path, version=judged.version, source="path", why="test")
    yield Lab(root=tmp_path, engine=found, clouds=Standin(tmp_path / "clouds", shapes))
