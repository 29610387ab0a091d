"""The engine's side of a provider: its protocol through the generated stubs, in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from mcis_iac.local_cloud.plugin import values, wire

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

    def attach(self, engine: str) -> None:
        self.stub.Attach(wire.load("plugin_pb2").PluginAttach(address=engine))

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

    def create_later(self, kind: str, inputs: Mapping[str, Any]) -> Any:
        """The future of a create."""
        request = pb.CreateRequest(properties=values.write(inputs), **self.names(kind))
        return self.stub.Create.future(request)

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
