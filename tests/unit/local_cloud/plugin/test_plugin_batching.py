"""Calls that arrive together become one batch, and every caller gets its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from mcis_iac.local_cloud.plugin.batching import Batch


class Doubler:
    """Answers numbers with their double; `gate` holds every batch until it is opened."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, asked: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(asked))
        await self.gate.wait()
        return [ValueError(f"{number} is odd") if number % 2 else number * 2 for number in asked]


def test_calls_that_come_together_are_answered_together() -> None:
    async def story() -> tuple[list[int], list[list[int]]]:
        work = Doubler()
        batch = Batch(work)
        answers = await asyncio.gather(*(batch.ask(number) for number in (2, 4, 6)))
        return answers, work.batches

    assert asyncio.run(story()) == ([4, 8, 12], [[2, 4, 6]])


def test_an_error_reaches_only_its_own_caller() -> None:
    async def story() -> list[int | BaseException]:
        batch = Batch(Doubler())
        return await asyncio.gather(*(batch.ask(number) for number in (2, 3)), return_exceptions=True)

    good, bad = asyncio.run(story())
    assert good == 4
    assert str(bad) == "3 is odd"


def test_a_batch_that_breaks_tells_every_caller() -> None:
    async def broken(asked: Sequence[int]) -> Sequence[int]:
        raise OSError(28, "No space left on device")

    async def story() -> list[int | BaseException]:
        batch: Batch[int, int] = Batch(broken)
        return await asyncio.gather(batch.ask(1), batch.ask(2), return_exceptions=True)

    assert [type(answer) for answer in asyncio.run(story())] == [OSError, OSError]


def test_a_full_batch_does_not_wait() -> None:
    async def story() -> list[list[int]]:
        work = Doubler()
        batch = Batch(work, full=2, window_s=3600, patience_s=3600)
        await asyncio.gather(*(batch.ask(number) for number in (2, 4, 6, 8)))
        return work.batches

    assert asyncio.run(story()) == [[2, 4], [6, 8]]


def test_while_a_batch_runs_the_next_one_collects() -> None:
    async def story() -> list[list[int]]:
        work = Doubler()
        work.gate.clear()
        batch = Batch(work, window_s=0)
        calls = [asyncio.create_task(batch.ask(2))]
        while not work.batches:
            await asyncio.sleep(0)
        for number in (4, 6, 8):
            calls.append(asyncio.create_task(batch.ask(number)))
            await asyncio.sleep(0.001)
        work.gate.set()
        await asyncio.gather(*calls)
        return work.batches

    assert asyncio.run(story()) == [[2], [4, 6, 8]]


def test_a_slow_batch_holds_the_next_one_up_only_for_a_while() -> None:
    async def story() -> list[list[int]]:
        work = Doubler()
        work.gate.clear()
        batch = Batch(work, window_s=0, patience_s=0.01)
        calls = [asyncio.create_task(batch.ask(2))]
        while not work.batches:
            await asyncio.sleep(0)
        calls.append(asyncio.create_task(batch.ask(4)))
        while len(work.batches) < 2:
            await asyncio.sleep(0.001)
        work.gate.set()
        await asyncio.gather(*calls)
        return work.batches

    assert asyncio.run(story()) == [[2], [4]]


def test_a_caller_that_left_before_the_batch_began_is_forgotten() -> None:
    async def story() -> list[list[int]]:
        work = Doubler()
        batch = Batch(work)
        gone, here = asyncio.create_task(batch.ask(2)), asyncio.create_task(batch.ask(4))
        await asyncio.sleep(0)
        gone.cancel()
        await here
        return work.batches

    assert asyncio.run(story()) == [[4]]


def test_a_batch_that_has_begun_is_finished_without_its_caller() -> None:
    async def story() -> bool:
        ended = False

        async def slow(asked: Sequence[int]) -> Sequence[int]:
            nonlocal ended
            await asyncio.sleep(0.02)
            ended = True
            return asked

        batch = Batch(slow, window_s=0)
        call = asyncio.create_task(batch.ask(1))
        await asyncio.sleep(0.01)
        call.cancel()
        await batch.finish()
        return ended

    assert asyncio.run(story())


def test_finishing_begins_what_was_still_collected() -> None:
    async def story() -> int:
        batch = Batch(Doubler(), window_s=3600)
        call = asyncio.create_task(batch.ask(2))
        await asyncio.sleep(0)
        await batch.finish()
        return await call

    assert asyncio.run(story()) == 4


@pytest.mark.parametrize("count", [1, 250, 1000])
def test_no_batch_is_larger_than_full(count: int) -> None:
    async def story() -> list[int]:
        work = Doubler()
        batch = Batch(work, window_s=0)
        await asyncio.gather(*(batch.ask(2 * number) for number in range(count)))
        return [len(each) for each in work.batches]

    sizes = asyncio.run(story())
    assert sum(sizes) == count
    assert max(sizes) <= 250
