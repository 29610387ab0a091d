"""An engine's resource monitor inside the test: it keeps every request exactly as it came.

It sees what a mocked resource does not: options, dependencies, versions. Sending is a function call,
so no socket is opened.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Collection, Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks, settings, stack
from pulumi.runtime.proto import resource_pb2

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


class _Nothing(mocks.Mocks):
    """Never asked: the monitor below answers by itself."""

    def call(self, args: Any) -> Any:
        raise NotImplementedError

    def new_resource(self, args: Any) -> Any:
        raise NotImplementedError


class Monitor(mocks.MockMonitor):
    """Answers every registration; `answers` adds outputs to a resource, by logical name.

    A resource in `failing` is reported as failed, one in `pending` has no id yet, as in a preview.
    """

    def __init__(
        self,
        *,
        answers: Mapping[str, Mapping[str, Any]] | None = None,
        failing: Collection[str] = (),
        pending: Collection[str] = (),
    ) -> None:
        super().__init__(_Nothing())
        self.answers, self.failing, self.pending = answers or {}, failing, pending
        self.requests: dict[str, Any] = {}
        self.stack_outputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        urn = f"urn:pulumi:s::p::{request.type}::{request.name}"
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        self.requests[request.name] = request
        if request.name in self.failing:
            return resource_pb2.RegisterResourceResponse(urn=urn, result=resource_pb2.Result.FAIL)
        seen = struct_pb2.Struct()
        seen.CopyFrom(request.object)
        if request.name in self.pending:
            return resource_pb2.RegisterResourceResponse(urn=urn, object=seen)
        seen.update(dict(self.answers.get(request.name, {})))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"id-of-{request.name}", object=seen)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.stack_outputs = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)

    def inputs(self, name: str) -> dict[str, Any]:
        """The inputs of a resource as they came over the wire."""
        return json_format.MessageToDict(self.requests[name].object)


def run(program: Callable[[], None], monitor: Monitor, *, preview: bool = False) -> Monitor:
    """Run an inline program to its end against that monitor, in a context of its own."""

    def inside() -> None:
        settings.reset_options(project="p", stack="s")
        features = set(monitor.GetDeploymentInfo(None).supportedFeatures)
        settings.configure(
            mocks.MockSettings(
                monitor=monitor,
                monitor_features=features,
                engine=mocks.MockEngine(None),
                project="p",
                stack="s",
                dry_run=preview,
                organization="o",
                callbacks=None,
            )
        )
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(stack.run_in_stack(program))
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()
            settings.reset_options()

    contextvars.copy_context().run(inside)
    return monitor
