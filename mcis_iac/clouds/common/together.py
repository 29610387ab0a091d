"""Asking several places at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

# Enough to hide the way to the cloud, few enough for the rate limits of all of them.
WORKERS = 16
Item = TypeVar("Item")
Result = TypeVar("Result")


def together(items: Sequence[Item], do: Callable[[Item], Result]) -> list[Result]:
    """What `do` gives for each, in their order; the first error ends it and whatever has not begun."""
    if len(items) < 2:  # noqa: PLR2004  (a thread for one alone would only cost)
        return [do(item) for item in items]
    pool = ThreadPoolExecutor(max_workers=min(WORKERS, len(items)))
    try:
        return list(pool.map(do, items))
    finally:
        pool.shutdown(cancel_futures=True)
