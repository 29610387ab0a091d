"""The provider behind a real gRPC port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from fakes.local_cloud import FakeCloud
from fakes.provider_speaker import Speaker

from mcis_iac.local_cloud.plugin import wire
from mcis_iac.local_cloud.plugin.server import Servicer


class Host:
    """An event loop in a thread with a served provider on it."""

    def __init__(self, cloud: FakeCloud) -> None:
        self.cloud, self.opened = cloud, []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.port = self.run(self._start())

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _start(self) -> int:
        self.servicer = Servicer(self._open, "0.1.0")
        self.server = grpc.aio.server()
        wire.service.add_ResourceProviderServicer_to_server(self.servicer, self.server)
        port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()
        return int(port)

    def _open(self, site: str, backend: str) -> FakeCloud:
        self.opened.append((site, backend))
        return self.cloud

    async def _stop(self) -> None:
        await self.servicer.finish()
        await self.server.stop(grace=None)

    def close(self) -> None:
        self.run(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud()


@pytest.fixture
def host(cloud: FakeCloud) -> Iterator[Host]:
    served = Host(cloud)
    yield served
    served.close()


@pytest.fixture
def engine_side(host: Host) -> Iterator[Speaker]:
    speaker = Speaker(host.port)
    speaker.configure(site="default", backend="auto")
    yield speaker
    speaker.close()
