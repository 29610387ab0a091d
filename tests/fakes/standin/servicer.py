"""The resource provider the engine talks to: checks as the typed packages, changes as the real plugins.

One process serves one provider resource of one package. What it makes lives in a file, so that the
next process finds it and tests can look.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import grpc
from fakes.standin import aws, azure, gcp, kinds, openstack, rules
from fakes.standin.faults import Faults
from fakes.standin.kinds import Account, Kind, Maker, Refused
from fakes.standin.shapes import PROVIDERS, Shapes
from fakes.standin.store import HOLDS, OWNED, Store, Thing
from google.protobuf.empty_pb2 import Empty

from mcis_iac.local_cloud.plugin import values, wire
from mcis_iac.local_cloud.plugin.values import Properties

CLOUDS: Mapping[str, Any] = {"aws": aws, "gcp": gcp, "azure-native": azure, "openstack": openstack}
ENGINE_KEYS = frozenset({"version", "pluginDownloadURL", "pluginChecksums"})
SAID = {
    "quota": {
        "aws": "VcpuLimitExceeded: You have requested more vCPU capacity than your limit of 32 allows",
        "gcp": "Error 403: Quota 'CPUS' exceeded.  Limit: 24.0 in region.",
        "azure-native": 'Code="OperationNotAllowed" Message="exceeding approved Total Regional Cores quota."',
        "openstack": "got 403: Quota exceeded for cores: Requested 2, but already used 20 of 20 cores",
    },
    "throttle": {
        "aws": "RequestLimitExceeded: Request limit exceeded.",
        "gcp": "Error 429: Quota exceeded for quota group 'default', rateLimitExceeded",
        "azure-native": 'Status=429 Code="TooManyRequests" Message="The request is being throttled."',
        "openstack": "got 429: Too Many Requests",
    },
    "refuse": {
        "aws": "api error ExpiredToken: The security token included in the request is expired",
        "gcp": 'oauth2: "invalid_grant" "Bad Request"',
        "azure-native": "AADSTS700082: The refresh token has expired due to inactivity.",
        "openstack": "Authentication failed: got 401 instead: The request requires authentication.",
    },
}
BRIDGED = frozenset({"aws", "gcp", "openstack"})
Method = Callable[["Servicer", Any], Awaitable[Any]]


def clean(method: Method) -> Callable[[Servicer, Any, Any], Awaitable[Any]]:
    """Answer a refusal as the real plugins do: with the cloud's own text."""

    @wraps(method)
    async def call(self: Servicer, request: Any, context: Any) -> Any:
        try:
            return await method(self, request)
        except Refused as no:
            return await context.abort(grpc.StatusCode[no.code], self.worded(method.__name__, str(no)))

    return call


class Servicer(wire.service.ResourceProviderServicer):  # type: ignore[misc]
    """Serves one package from a folder that is its cloud."""

    def __init__(self, package: str, version: str, folder: Path, shapes: Path) -> None:
        self._package, self._version = package, version
        self._cloud = CLOUDS[package]
        self._store = Store(folder, package)
        self._shapes = Shapes(shapes)
        self._faults = Faults(folder, package, self._store.count)
        self._account: Account | None = None
        self._cancelled = False

    def worded(self, verb: str, text: str) -> str:
        """A refusal as the plugin words it: the bridged ones wrap what the cloud said."""
        bridged = self._package in BRIDGED and verb in {"Create", "Update", "Delete"}
        return f"1 error occurred:\n\t* {text}\n\n" if bridged else text

    # ------------------------------------------------------------------ the plugin itself

    async def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        return wire.load("plugin_pb2").PluginInfo(version=self._version)

    async def Handshake(self, _request: Any, _context: Any) -> Any:
        return wire.messages.ProviderHandshakeResponse()

    async def Attach(self, _request: Any, _context: Any) -> Any:
        return Empty()

    async def Cancel(self, _request: Any, _context: Any) -> Any:
        self._cancelled = True
        return Empty()

    async def GetSchema(self, _request: Any, _context: Any) -> Any:
        return wire.messages.GetSchemaResponse(
            schema=json.dumps({"name": self._package, "version": self._version})
        )

    @clean
    async def CheckConfig(self, request: Any) -> Any:
        given = _config(values.read(request.news))
        failures = self._failures(PROVIDERS + self._package, given, ())
        try:
            await self._trouble("check", PROVIDERS + self._package, _name(request))
        except Refused as no:
            failures.append(wire.messages.CheckFailure(reason=str(no)))
        return wire.messages.CheckResponse(inputs=request.news, failures=failures)

    @clean
    async def DiffConfig(self, request: Any) -> Any:
        olds, news = values.read(request.old_inputs), values.read(request.news)
        olds, news = ({k: v for k, v in each.items() if k not in ENGINE_KEYS} for each in (olds, news))
        return _difference(rules.changes(PROVIDERS + self._package, olds, news))

    @clean
    async def Configure(self, request: Any) -> Any:
        config = _config(values.read(request.args))
        await self._trouble("configure", PROVIDERS + self._package, _name(request))
        try:
            name = self._cloud.account(config, os.environ)
        except Refused as no:
            raise Refused(said=str(no), code="INVALID_ARGUMENT") from None
        region = str(config.get("region") or "")
        self._account = Account(package=self._package, name=name, config=config, region=region)
        return wire.messages.ConfigureResponse(supportsPreview=True)

    # ------------------------------------------------------------------ without the cloud

    @clean
    async def Check(self, request: Any) -> Any:
        token, news = _token(request), values.read(request.news)
        must = self._kind(token).must
        failures = self._failures(token, news, must)
        return wire.messages.CheckResponse(inputs=request.news, failures=failures)

    def _failures(self, token: str, news: Properties, must: Any) -> list[Any]:
        problems = list(self._shapes.problems(token, news))
        problems += [(name, "must be given: no name or place by chance") for name in must if name not in news]
        return [wire.messages.CheckFailure(property=path, reason=why) for path, why in problems]

    @clean
    async def Diff(self, request: Any) -> Any:
        token = _token(request)
        if not rules.known(token):
            raise Refused(said=f"the stand-in does not know what replaces a {token}")
        olds, news = values.read(request.old_inputs), values.read(request.news)
        return _difference(rules.changes(token, olds, news))

    # ------------------------------------------------------------------ with the cloud

    @clean
    async def Create(self, request: Any) -> Any:
        token = _token(request)
        maker = self._maker(token, values.read(request.properties), preview=request.preview)
        kind = self._kind(token)
        if request.preview:
            return wire.messages.CreateResponse(properties=values.write(self._outputs(kind, maker)))
        name = _name(request)
        late = await self._trouble("create", token, name)
        thing = self._write(
            kind, maker, name, new=True, visible=time.time() + late["seconds"] if late else 0.0
        )
        if late and late["do"] == "die-late":
            os._exit(3)
        return wire.messages.CreateResponse(id=thing.id, properties=values.write(thing.outputs))

    @clean
    async def Read(self, request: Any) -> Any:
        token, inputs = _token(request), values.read(request.inputs)
        scope = self._scope(inputs or values.read(request.properties))
        await self._trouble("read", token, _name(request))
        thing = self._store.get(scope, token, request.id)
        if thing is None:
            return wire.messages.ReadResponse()  # without an id: there is no such thing
        return wire.messages.ReadResponse(
            id=thing.id, properties=values.write(thing.outputs), inputs=values.write(thing.inputs)
        )

    @clean
    async def Update(self, request: Any) -> Any:
        token, olds, news = _token(request), values.read(request.olds), values.read(request.news)
        kind = self._kind(token)
        maker = self._maker(token, news, preview=request.preview, olds=olds, id=request.id)
        if request.preview:
            return wire.messages.UpdateResponse(properties=values.write(self._outputs(kind, maker)))
        await self._trouble("update", token, _name(request))
        there = self._store.get(maker.scope, token, request.id)
        if there is None:
            raise Refused(said=f"{token.rpartition(':')[2]} '{request.id}' was not found")
        refused = [one.path for one in rules.changes(token, there.inputs, news) if one.refused]
        if refused:
            text = f"Changing property '{refused[0]}' is not allowed."
            raise Refused(said=f'Code="PropertyChangeNotAllowed" Message="{text}"')
        maker.olds = there.outputs
        thing = self._write(kind, maker, there.name)
        return wire.messages.UpdateResponse(properties=values.write(thing.outputs))

    @clean
    async def Delete(self, request: Any) -> Any:
        token, olds = _token(request), values.read(request.properties)
        scope = self._scope(values.read(request.old_inputs) or olds)
        await self._trouble("delete", token, _name(request))
        thing = self._store.get(scope, token, request.id)
        if thing is None:
            return Empty()  # gone already, as all four plugins see it
        owned = set(self._store.users(scope, token, thing.id, OWNED))
        holders = [each for each in self._store.users(scope, token, thing.id, HOLDS) if each not in owned]
        if holders:
            raise Refused(said=f"DependencyViolation: {thing.id} is in use by {holders[0][1]}, resourceInUse")
        self._kind(token).gone(self._store, thing)
        self._store.remove(scope, token, thing.id)
        return Empty()

    # ------------------------------------------------------------------ how

    def _kind(self, token: str) -> Kind:
        found: Kind | None = self._cloud.KINDS.get(token)
        if found is None:
            raise Refused(said=f"the stand-in has no {token}")
        return found

    def _scope(self, inputs: Mapping[str, Any]) -> str:
        if self._account is None:
            raise Refused(said="the provider has not been configured")
        return str(self._cloud.scope(self._account.name, inputs, self._account.region))

    def _maker(
        self, token: str, inputs: Properties, *, preview: bool, olds: Any = None, id: Any = None
    ) -> Maker:
        scope = self._scope(inputs)
        assert self._account is not None
        maker = Maker(
            self._account, self._store, token, inputs, olds or {}, preview=preview, scope=scope, id=id
        )
        if id is None:
            maker.id = self._kind(token).id(maker)
        return maker

    def _outputs(self, kind: Kind, maker: Maker) -> dict[str, Any]:
        """The inputs and what the cloud adds, as far as the plugin tells them."""
        known = self._shapes.outputs(maker.token)
        return {key: value for key, value in {**maker.inputs, **kind.outputs(maker)}.items() if key in known}

    def _write(
        self, kind: Kind, maker: Maker, name: str, *, new: bool = False, visible: float = 0.0
    ) -> Thing:
        """Make or change a thing; Refused when the cloud would refuse it."""
        kind.refuse(maker)
        ties = kinds.tied(kind, maker)
        outputs = self._outputs(kind, maker)
        thing = Thing(
            scope=maker.scope,
            token=maker.token,
            id=str(maker.id),
            name=name,
            inputs=maker.inputs,
            outputs=outputs,
        )
        named = {str(maker.id).lower() if key == "#lower" else str(outputs.get(key)) for key in kind.handles}
        taken = self._store.put(
            thing,
            handles=frozenset(named),
            ties=[each for each in ties if each[:2] != (thing.token, thing.id)],
            claims=frozenset(kind.claims(maker)),
            visible=visible,
            new=new,
        )
        if taken is not None:
            raise Refused(said=f"Error 409: '{taken}' already exists (Duplicate)")
        kind.made(maker)
        return thing

    async def _trouble(self, verb: str, token: str, name: str) -> Mapping[str, Any] | None:
        """Meet the faults of a call; returns one that works only after the thing was made."""
        if self._cancelled:
            raise Refused(said="the operation was cancelled before this was begun", code="CANCELLED")
        self._store.called(verb, token, name)
        late: Mapping[str, Any] | None = None
        for fault in self._faults.meeting(verb, token, name):
            match fault["do"]:
                case "slow":
                    await asyncio.sleep(float(fault["seconds"]))
                case "die":
                    os._exit(3)
                case "late" | "die-late":
                    late = {"seconds": 0.0, **fault}
                case what:
                    repeated = (os.environ.get(name, "") for name in str(fault.get("loud") or "").split())
                    raise Refused(said=" ".join((SAID[what][self._package], *repeated)))
        return late


def _token(request: Any) -> str:
    return request.type or request.urn.split("::")[2].rpartition("$")[2]


def _name(request: Any) -> str:
    return request.name or request.urn.rpartition("::")[2]


def _config(given: Properties) -> dict[str, Any]:
    """A provider's inputs: what is not text travels as JSON in a text."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key not in ENGINE_KEYS:
            nested = (isinstance(value, str) and value[:1] in "[{") or value in ("true", "false")
            found[key] = json.loads(str(value)) if nested else value
    return found


def _difference(found: list[rules.Change]) -> Any:
    kind, answer = wire.messages.PropertyDiff, wire.messages.DiffResponse
    detail = {
        one.path: kind(
            kind=kind.Kind.Value(f"{one.how}_REPLACE" if one.replaces else one.how), inputDiff=True
        )
        for one in found
    }
    return wire.messages.DiffResponse(
        changes=answer.DIFF_SOME if found else answer.DIFF_NONE,
        replaces=sorted({one.plain.partition(".")[0] for one in found if one.replaces}),
        diffs=sorted({one.plain.partition(".")[0] for one in found}),
        detailedDiff=detail,
        hasDetailedDiff=True,
    )
