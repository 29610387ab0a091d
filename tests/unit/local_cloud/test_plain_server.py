"""The server of the plain backend: a machine that is closed while it boots never comes up later."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mcis_iac.local_cloud.plain import server
from mcis_iac.local_cloud.plain.guest import Guest


class Listener:
    """A listener that opens when it is told to, and knows whether it is open."""

    def __init__(self) -> None:
        self.may_open = asyncio.Event()
        self.asked = asyncio.Event()
        self.is_open = False

    async def listen(self, _: Guest) -> Listener:
        self.asked.set()
        await self.may_open.wait()
        self.is_open = True
        return self

    def close(self) -> None:
        self.is_open = False


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    return Guest(
        id="i-1", directory=tmp_path, name="web-1", address="127.0.0.9", port=2222, user="kim", first=False
    )


def test_a_machine_closed_while_it_begins_to_listen_leaves_no_listener(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        listener, running = Listener(), server.Server(guest.directory / "sock")
        monkeypatch.setattr(server, "_listen", listener.listen)
        opening = asyncio.create_task(running.open([guest]))
        await listener.asked.wait()
        closing = asyncio.create_task(running.close([guest.id]))
        await asyncio.sleep(0)
        listener.may_open.set()
        await closing
        assert (await opening) == {guest.id: "closed before it was up"}
        assert not listener.is_open and not running.listeners and not running.guests

    asyncio.run(scene())


def test_a_machine_opened_again_while_it_boots_is_up_once(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        first, second = Listener(), Listener()
        second.may_open.set()
        running = server.Server(guest.directory / "sock")
        monkeypatch.setattr(server, "_listen", first.listen)
        opening = asyncio.create_task(running.open([guest]))
        await first.asked.wait()
        monkeypatch.setattr(server, "_listen", second.listen)
        again = asyncio.create_task(running.open([guest]))
        await asyncio.sleep(0)
        first.may_open.set()
        assert (await again) == {guest.id: ""} and (await opening)[guest.id]
        assert running.listeners == {guest.id: second} and not first.is_open
        await running.close([guest.id])
        assert not second.is_open

    asyncio.run(scene())
