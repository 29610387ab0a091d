"""Outputs made of one awaitable that name no dependency: many small ones cost more than resources do."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeAlias

import pulumi

Parts: TypeAlias = tuple[Any, bool, bool]  # content, whether it is known, whether it is secret


def alone(what: Coroutine[Any, Any, Parts]) -> Any:
    """An output of what comes as one, that depends on no resource."""
    whole = asyncio.ensure_future(what)

    async def content() -> Any:
        return (await whole)[0]

    async def is_known() -> bool:
        return not await _failed(whole) and (await whole)[1]

    async def is_secret() -> bool:
        return not await _failed(whole) and (await whole)[2]

    # Tasks, because a coroutine that nobody comes to await (the engine hung up) is complained about;
    # the last two never fail, because the content's failure says it all.
    tasks = [asyncio.ensure_future(each()) for each in (content, is_known, is_secret)]
    return pulumi.Output(set(), *tasks)


async def _failed(whole: Any) -> bool:
    return bool(isinstance((await asyncio.gather(whole, return_exceptions=True))[0], BaseException))


async def parts(output: Any) -> Parts:
    known = await output.is_known()
    return (await output.future() if known else None), known, await output.is_secret()
