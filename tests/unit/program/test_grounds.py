"""Parts of machines wait for networks that may be replaced, and for nothing that comes after them."""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi
import pytest

from mcis_iac.model import Subject
from mcis_iac.program.graph import Options, Resource
from mcis_iac.program.grounds import Grounds

PATIENCE_S = 10


class Registered:
    """A resource whose name the engine tells when it is let."""

    def __init__(self) -> None:
        self.told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        known = asyncio.get_running_loop().create_future()
        known.set_result(True)
        self.urn = pulumi.Output(set(), self.told, known)


def network(provider: str = "aws") -> Resource:
    alone = Options(delete_before_replace=True)
    return Resource(key="net", token="a:b:C", inputs={}, provider=provider, options=alone)


def machine(provider: str = "aws") -> Resource:
    return Resource(key="vm", token="a:b:D", inputs={}, provider=provider, subject=Subject(vm="web-1"))


async def ended(output: Any) -> None:
    assert await asyncio.wait_for(output.future(), PATIENCE_S) is None
    assert await output.resources() == set()


async def still_waits(output: Any) -> bool:
    done, _ = await asyncio.wait([asyncio.ensure_future(output.future())], timeout=0.01)
    return not done


def test_a_machine_waits_for_every_network_before_it() -> None:
    async def story() -> None:
        grounds, first, second = Grounds(), Registered(), Registered()
        grounds.add(network(), first)
        grounds.add(network(), second)
        [wait] = grounds.before(machine())
        first.told.set_result("one")
        assert await still_waits(wait)
        second.told.set_result("two")
        await ended(wait)

    asyncio.run(story())


def test_a_network_that_needs_a_machine_is_not_waited_for_by_it() -> None:
    async def story() -> None:
        grounds, first, later = Grounds(), Registered(), Registered()
        grounds.add(network(), first)
        [wait] = grounds.before(machine())
        grounds.add(network(), later)
        first.told.set_result("one")
        await ended(wait)
        [wait] = grounds.before(machine())
        assert await still_waits(wait)
        later.told.set_result("two")
        await ended(wait)

    asyncio.run(story())


def test_a_network_that_failed_is_no_longer_waited_for() -> None:
    async def story() -> None:
        grounds, bad = Grounds(), Registered()
        grounds.add(network(), bad)
        [wait] = grounds.before(machine())
        bad.told.set_exception(RuntimeError("no"))
        await ended(wait)

    asyncio.run(story())


@pytest.mark.parametrize("other", [network(), machine("gcp")])
def test_networks_wait_for_nothing_and_machines_for_none_of_another_account(other: Resource) -> None:
    async def story() -> None:
        grounds, first = Grounds(), Registered()
        grounds.add(network(), first)
        assert grounds.before(other) == []
        first.told.set_result("one")

    asyncio.run(story())


def test_parts_of_machines_are_waited_for_by_nobody() -> None:
    async def story() -> None:
        grounds = Grounds()
        grounds.add(machine(), Registered())
        assert grounds.before(machine()) == []

    asyncio.run(story())
