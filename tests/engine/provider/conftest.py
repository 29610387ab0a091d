"""The provider behind a real gRPC port, spoken to with the engine's own generated stubs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from fakes.local_cloud import FakeCloud
from google.protobuf.empty_pb2 import Empty

from mcis_iac.local_cloud.plugin import values, wire
from mcis_iac.local_cloud.plugin.server import Servicer

pb = wire.messages


class Speaker:
    """What the engine says to a provider, in plain values."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = wire.service.ResourceProviderStub(self.channel)

    def close(self) -> None:
        self.channel.close()

    @staticmethod
    def names(kind: str, name: str = "thing") -> dict[str, str]:
        token = f"mcislocal:index:{kind}"
        return {"urn": f"urn:pulumi:demo::default::{token}::{name}", "name": name, "type": token}

    def configure(self, **given: Any) -> Any:
        return self.stub.Configure(pb.ConfigureRequest(args=values.write(given)))

    def check_config(self, **news: Any) -> list[tuple[str, str]]:
        answer = self.stub.CheckConfig(pb.CheckRequest(news=values.write(news)))
        return [(failure.property, failure.reason) for failure in answer.failures]

    def check(
        self, kind: str, news: Mapping[str, Any], olds: Mapping[str, Any] = {}
    ) -> list[tuple[str, str]]:
        request = pb.CheckRequest(olds=values.write(olds), news=values.write(news), **self.names(kind))
        answer = self.stub.Check(request)
        assert answer.inputs == request.news
        return [(failure.property, failure.reason) for failure in answer.failures]

    def diff(
        self, kind: str, olds: Mapping[str, Any], news: Mapping[str, Any], outputs: Mapping[str, Any] = {}
    ) -> Any:
        request = pb.DiffRequest(
            id="x",
            old_inputs=values.write(olds),
            olds=values.write(outputs),
            news=values.write(news),
            **self.names(kind),
        )
        return self.stub.Diff(request)

    def create(
        self, kind: str, inputs: Mapping[str, Any], *, preview: bool = False
    ) -> tuple[str, dict[str, Any]]:
        request = pb.CreateRequest(properties=values.write(inputs), preview=preview, **self.names(kind))
        answer = self.stub.Create(request)
        return answer.id, with_nulls(answer.properties)

    def read(
        self, kind: str, id: str, inputs: Mapping[str, Any] = {}
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        request = pb.ReadRequest(id=id, inputs=values.write(inputs), **self.names(kind))
        answer = self.stub.Read(request)
        return answer.id, values.read(answer.inputs), with_nulls(answer.properties)

    def update(
        self,
        kind: str,
        id: str,
        olds: Mapping[str, Any],
        news: Mapping[str, Any],
        outputs: Mapping[str, Any] = {},
        *,
        preview: bool = False,
    ) -> dict[str, Any]:
        request = pb.UpdateRequest(
            id=id,
            old_inputs=values.write(olds),
            olds=values.write(outputs),
            news=values.write(news),
            preview=preview,
            **self.names(kind),
        )
        return with_nulls(self.stub.Update(request).properties)

    def delete(self, kind: str, id: str) -> None:
        self.stub.Delete(pb.DeleteRequest(id=id, **self.names(kind)))

    def cancel(self) -> None:
        self.stub.Cancel(Empty())

    def refused(self, call: Any, *arguments: Any, **more: Any) -> grpc.RpcError:
        """The error of a call that must not succeed."""
        with pytest.raises(grpc.RpcError) as caught:
            call(*arguments, **more)
        return caught.value

    def at_once(self, calls: list[Any]) -> list[Any]:
        """Results of calls that are made at the same time."""
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(lambda call: call(), calls))


def with_nulls(struct: Any) -> dict[str, Any]:
    """Properties, explicit nulls included."""
    nulls = {key: None for key, value in struct.fields.items() if value.HasField("null_value")}
    return {**values.read(struct), **nulls}


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
