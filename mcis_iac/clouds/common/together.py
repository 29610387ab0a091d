"""Asking several places at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import TypeVar, cast

# Enough to hide the way to the cloud, few enough for the rate limits of all of them.
WORKERS = 16
Item = TypeVar("Item")
Result = TypeVar("Result")


def together(items: Sequence[Item], do: Callable[[Item], Result]) -> list[Result]:
    """What `do` gives for each, in their order.

    An error ends it once those that are under way have ended. Ctrl-C ends it at once: the threads are
    daemons, which an executor's are not, and nobody waits for a cloud that does not answer.
    """
    if len(items) < 2:  # noqa: PLR2004  (a thread for one alone would only cost)
        return [do(item) for item in items]
    left = iter(range(len(items)))
    done: SimpleQueue[tuple[int, Result | None, BaseException | None]] = SimpleQueue()

    def work() -> None:
        # Taking the next of a range is one step for all threads.
        for at in left:
            try:
                done.put((at, do(items[at]), None))
            except BaseException as error:
                done.put((at, None, error))
                return

    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(WORKERS, len(items)))]
    for worker in workers:
        worker.start()
    try:
        found: dict[int, Result] = {}
        while len(found) < len(items):
            at, result, error = done.get()
            if error is not None:
                raise error
            found[at] = cast("Result", result)
        return [found[at] for at in range(len(items))]
    except Exception:
        _use_up(left)
        for worker in workers:
            worker.join()
        raise
    finally:
        _use_up(left)


def _use_up(left: Iterator[int]) -> None:
    """So that nobody begins another one."""
    for _ in left:
        pass
