"""What every test stands on: no colour, no user settings, and a net under the unit tests.

A test below `tests/unit`, `tests/contract` or `tests/golden` can neither start a process nor open a socket
unless it is marked `process`; engine tests do both.
"""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says nothing of what it shows, and nothing is left behind.
settings.register_profile(
    "untimed",
    database=None,
    deadline=None,
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "60")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("untimed")

HERE = Path(__file__).parent
UNIT = (HERE / "unit", HERE / "golden", HERE / "contract")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of an xdist_group together.

    xdist (3.8) writes the group into what pytest (since 9.2) no longer takes for a test's id.
    """
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group is not None and "@" not in item.nodeid.rpartition("]")[2] and hasattr(item, "_id"):
            item._id = type(item._id).parse(f"{item.nodeid}@{group.args[0]}")


@pytest.fixture(autouse=True)
def _no_user_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("MCIS_", "PULUMI_")) and name not in {"MCIS_DATA_DIR", "MCIS_ENGINE"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(autouse=True)
def _unit_tests_touch_nothing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = any(folder in request.path.parents for folder in UNIT)
    if not inside or request.node.get_closest_marker("process"):
        return

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a unit test may not start a process or open a socket (mark it `process`)")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(os, "fork", refuse)
    monkeypatch.setattr(os, "posix_spawn", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "bind", refuse)


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """Compare text with `tests/golden/<name>`; `--update-golden` rewrites the file."""

    def compare(name: str, text: str) -> None:
        path = HERE / "golden" / name
        clean = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(clean, encoding="utf-8")
        assert path.exists(), f"no golden file {path}; run pytest --update-golden"
        assert clean == path.read_text(encoding="utf-8")

    return compare
