"""A cloud to ask, and none of the user's own credentials."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.openstack import FakeOpenStack, serving, variables


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeOpenStack]:
    """An OpenStack with two regions that the environment leads to."""
    for name in [name for name in os.environ if name.startswith("OS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with serving("RegionOne", "RegionTwo") as fake:
        for name, value in variables(fake).items():
            monkeypatch.setenv(name, value)
        yield fake
