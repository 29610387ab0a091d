"""What several suites share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes import moto


@pytest.fixture(scope="session")
def moto_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A moto that takes seconds to begin, for all who forget what others left in it."""
    with moto.serving(tmp_path_factory.mktemp("moto")) as address:
        yield address
