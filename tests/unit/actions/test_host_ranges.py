"""Many VM names as short text."""

from __future__ import annotations

import pytest

from mcis_iac.actions.ranges import fold_names


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["web-3"], "web-3"),
        (["web-1", "web-2", "web-4", "web-5"], "web[1-2,4-5]"),
        (["web-1", "web-3"], "web[1,3]"),
        (["web-10", "web-9", "web-8"], "web[8-10]"),
        (["db-1", "web-1", "web-2"], "db-1, web[1-2]"),
        (["big-web-1", "big-web-2"], "big-web[1-2]"),
        (["bastion"], "bastion"),
    ],
)
def test_ordinals_fold_into_ranges(names: list[str], text: str) -> None:
    assert fold_names(names) == text
