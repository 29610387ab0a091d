"""The resource provider the engine talks to: one method per call of the protocol.

It stands directly on the generated servicer. The SDK's own server sends stack traces for errors,
reports a missing resource as an existing empty one, knows no partial failure and hides old inputs.
Nothing here blocks: the cloud is called in worker threads, and calls that arrive together in batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from time import perf_counter
from typing import Any, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty

from mcis_iac.local_cloud import places
from mcis_iac.local_cloud.api import CloudApi
from mcis_iac.local_cloud.plugin import things, values, wire
from mcis_iac.local_cloud.plugin.batching import Batch
from mcis_iac.local_cloud.plugin.diff import Change, changes, observed
from mcis_iac.local_cloud.plugin.journal import LOG, open_log
from mcis_iac.local_cloud.plugin.kinds import INSTANCE, KINDS, PROVIDER, Kind
from mcis_iac.local_cloud.plugin.shapes import Problem
from mcis_iac.local_cloud.plugin.things import Thing
from mcis_iac.local_cloud.plugin.values import Properties
from mcis_iac.local_cloud.types import LocalCloudError

Result = TypeVar("Result")
Method = Callable[["Servicer", Any], Awaitable[Any]]
OpenCloud = Callable[[str, str], CloudApi]

THREADS = 64
ENGINE_KEYS = frozenset({"version", "pluginDownloadURL", "pluginChecksums"})
# The engine takes every code but INTERNAL, UNKNOWN and DATA_LOSS as "nothing was done".
CODES = {
    "invalid": grpc.StatusCode.INVALID_ARGUMENT,
    "not_found": grpc.StatusCode.NOT_FOUND,
    "quota": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "capacity": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "cancelled": grpc.StatusCode.CANCELLED,
}


class HalfMade(Exception):
    """The thing exists and must be remembered, but is not what was asked for."""

    def __init__(self, thing: Thing, inputs: Any) -> None:
        super().__init__(thing.trouble)
        self.thing, self.inputs = thing, inputs


def clean(method: Method) -> Callable[[Servicer, Any, Any], Awaitable[Any]]:
    """Turn exceptions into what the engine shows to people: a sentence, never a stack trace."""

    @wraps(method)
    async def call(self: Servicer, request: Any, context: Any) -> Any:
        try:
            return await method(self, request)
        except Exception as error:
            name = getattr(request, "name", "") or getattr(request, "urn", "").rpartition("::")[2]
            code, sentence = _refusal(error)
            unexpected = error if code == grpc.StatusCode.INTERNAL else None
            LOG.warning("%s %s failed: %s", method.__name__, name, sentence, exc_info=unexpected)
            trailer = ((wire.STATUS_TRAILER, _half_made(error)),) if isinstance(error, HalfMade) else ()
            return await context.abort(code, sentence, trailer)

    return call


def _refusal(error: Exception) -> tuple[grpc.StatusCode, str]:
    """The status code and the sentence for an exception."""
    if isinstance(error, HalfMade):
        return grpc.StatusCode.UNKNOWN, str(error)
    if isinstance(error, LocalCloudError):
        return CODES.get(error.code, grpc.StatusCode.FAILED_PRECONDITION), error.message
    if isinstance(error, OSError):
        return grpc.StatusCode.FAILED_PRECONDITION, f"the host refused: {error}"
    return grpc.StatusCode.INTERNAL, f"unexpected {type(error).__name__} in the local cloud: {error}"


class Servicer(wire.service.ResourceProviderServicer):  # type: ignore[misc]
    """Serves one site of the local cloud, which is opened when it is first needed: never by a preview."""

    def __init__(self, open_cloud: OpenCloud, version: str) -> None:
        self._open_cloud, self._version = open_cloud, version
        self._threads = ThreadPoolExecutor(THREADS, "mcislocal")
        self._settings: tuple[str, str] | None = None
        self._cloud: CloudApi | None = None
        self._opening = asyncio.Lock()
        self._cancelled = False
        self._creates: Batch[Properties, Thing] = Batch(self._create_batch)
        self._reads: Batch[str, Thing | None] = Batch(self._read_batch)
        self._deletes = {kind.token: Batch(partial(self._delete_batch, kind)) for kind in KINDS.values()}

    async def finish(self) -> None:
        """Begin nothing more, and wait for what has begun."""
        self._cancelled = True
        batches: tuple[Batch[Any, Any], ...] = (self._creates, self._reads, *self._deletes.values())
        for batch in batches:
            await batch.finish()
        await asyncio.to_thread(self._threads.shutdown)

    # ------------------------------------------------------------------ the plugin itself

    async def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        return wire.load("plugin_pb2").PluginInfo(version=self._version)

    async def Handshake(self, _request: Any, _context: Any) -> Any:
        return wire.messages.ProviderHandshakeResponse()

    async def Attach(self, _request: Any, _context: Any) -> Any:
        return Empty()

    async def Cancel(self, _request: Any, _context: Any) -> Any:
        """Nothing new begins; what runs is finished and answered."""
        self._cancelled = True
        return Empty()

    async def GetSchema(self, _request: Any, _context: Any) -> Any:
        from mcis_iac.local_cloud.plugin.schema import schema

        return wire.messages.GetSchemaResponse(schema=schema(self._version))

    @clean
    async def CheckConfig(self, request: Any) -> Any:
        news = values.read(request.news)
        given = {key: value for key, value in news.items() if key not in ENGINE_KEYS}
        return _checked(request, PROVIDER.problems(given))

    @clean
    async def DiffConfig(self, request: Any) -> Any:
        olds, news = values.read(request.old_inputs), values.read(request.news)
        return _difference(list(changes(PROVIDER, olds, {}, news)), delete_first=False)

    @clean
    async def Configure(self, request: Any) -> Any:
        given = values.read(request.args)
        settings = (str(given.get("site") or "default"), str(given.get("backend") or "auto"))
        if settings != self._settings:
            self._settings, self._cloud = settings, None
        self._cancelled = False
        return wire.messages.ConfigureResponse(supportsPreview=True)

    # ------------------------------------------------------------------ without the cloud

    @clean
    async def Check(self, request: Any) -> Any:
        kind = _kind(request)
        return _checked(request, kind.problems(values.read(request.news), values.read(request.olds)))

    @clean
    async def Diff(self, request: Any) -> Any:
        kind = _kind(request)
        olds, outputs = values.read(request.old_inputs), values.read(request.olds)
        found = list(changes(kind.inputs, olds, outputs, values.read(request.news)))
        # Names are unique in the cloud; and an instance may hold an address or a volume.
        renamed = any(change.key == "name" for change in found)
        return _difference(found, delete_first=kind is INSTANCE or not renamed)

    # ------------------------------------------------------------------ with the cloud

    @clean
    async def Create(self, request: Any) -> Any:
        kind, inputs = _kind(request), values.read(request.properties)
        if request.preview:
            return wire.messages.CreateResponse(properties=values.write(kind.preview(inputs)))
        self._still_open()
        began = perf_counter()
        if kind is INSTANCE:
            thing = await self._creates.ask(inputs)
        else:
            thing = await self._call(things.create, kind, inputs)
        if thing.trouble:
            raise HalfMade(thing, request.properties)
        LOG.info("created %s %s in %.2f s", kind.name, thing.id, perf_counter() - began)
        return wire.messages.CreateResponse(id=thing.id, properties=values.write(thing.outputs))

    @clean
    async def Read(self, request: Any) -> Any:
        kind = _kind(request)
        if kind is INSTANCE:
            thing = await self._reads.ask(request.id)
        else:
            (thing,) = await self._call(things.read, kind, [request.id])
        if thing is None:
            return wire.messages.ReadResponse()  # without an id: there is no such thing
        inputs = observed(kind.inputs, values.read(request.inputs), thing.inputs)
        return wire.messages.ReadResponse(
            id=thing.id, properties=values.write(thing.outputs), inputs=values.write(inputs)
        )

    @clean
    async def Update(self, request: Any) -> Any:
        kind, olds, news = _kind(request), values.read(request.old_inputs), values.read(request.news)
        if request.preview:
            known = kind.preview_update(values.read(request.olds), olds, news)
            return wire.messages.UpdateResponse(properties=values.write(known))
        self._still_open()
        thing = await self._call(things.update, kind, request.id, olds, news)
        if thing.trouble and olds == news:
            raise HalfMade(thing, request.news)
        LOG.info("updated %s %s", kind.name, thing.id)
        return wire.messages.UpdateResponse(properties=values.write(thing.outputs))

    @clean
    async def Delete(self, request: Any) -> Any:
        self._still_open()
        await self._deletes[_kind(request).token].ask(request.id)
        LOG.info("deleted %s %s", _kind(request).name, request.id)
        return Empty()

    # ------------------------------------------------------------------ reaching the cloud

    def _still_open(self) -> None:
        if self._cancelled:
            raise LocalCloudError(
                code="cancelled", message="the operation was cancelled before this was begun"
            )

    async def _opened(self) -> CloudApi:
        async with self._opening:
            if self._settings is None:
                raise LocalCloudError(code="invalid", message="the provider has not been configured")
            if self._cloud is None:
                try:
                    self._cloud = await self._thread(self._open_cloud, *self._settings)
                finally:
                    open_log(places.site_directory(self._settings[0]))
            return self._cloud

    async def _call(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run a function of the cloud in a worker thread."""
        return await self._thread(work, await self._opened(), *arguments)

    async def _thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(work, *arguments))

    async def _create_batch(self, asked: Sequence[Properties]) -> Sequence[Thing | Exception]:
        return await self._batch("create", things.create_instances, asked)

    async def _read_batch(self, ids: Sequence[str]) -> Sequence[Thing | Exception | None]:
        return await self._batch("read", things.read, INSTANCE, ids)

    async def _delete_batch(self, kind: Kind, ids: Sequence[str]) -> Sequence[Exception | None]:
        return await self._batch("delete", things.delete, kind, ids)

    async def _batch(self, verb: str, work: Callable[..., Result], *arguments: Any) -> Result:
        began = perf_counter()
        answers = await self._call(work, *arguments)
        LOG.info("%s batch of %d took %.2f s", verb, len(arguments[-1]), perf_counter() - began)
        return answers


def _kind(request: Any) -> Kind:
    token = request.type or request.urn.split("::")[2].rpartition("$")[2]
    if token not in KINDS:
        raise LocalCloudError(code="invalid", message=f"there is no resource type {token}")
    return KINDS[token]


def _checked(request: Any, problems: Any) -> Any:
    """The inputs as they came (defaults are not written out: state stays small), or what is wrong."""
    failures = [_failure(problem) for problem in problems]
    return wire.messages.CheckResponse(inputs=request.news, failures=failures)


def _failure(problem: Problem) -> Any:
    return wire.messages.CheckFailure(property=problem[0], reason=problem[1])


def _difference(found: Sequence[Change], *, delete_first: bool) -> Any:
    kinds, some = wire.messages.PropertyDiff, wire.messages.DiffResponse
    detail = {}
    for change in found:
        how = f"{change.how}_REPLACE" if change.replaces else change.how
        detail[change.key] = kinds(kind=kinds.Kind.Value(how), inputDiff=True)
    replaces = [change.key for change in found if change.replaces]
    return wire.messages.DiffResponse(
        changes=some.DIFF_SOME if found else some.DIFF_NONE,
        replaces=replaces,
        deleteBeforeReplace=bool(replaces) and delete_first,
        diffs=[change.key for change in found],
        detailedDiff=detail,
        hasDetailedDiff=True,
    )


def _half_made(error: HalfMade) -> bytes:
    detail = wire.messages.ErrorResourceInitFailed(
        id=error.thing.id,
        properties=values.write(error.thing.outputs),
        reasons=[error.thing.trouble],
        inputs=error.inputs,
    )
    return wire.status(grpc.StatusCode.UNKNOWN.value[0], str(error), detail)
