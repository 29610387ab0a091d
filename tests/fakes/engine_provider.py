"""A tiny cloud behind a real Pulumi provider: one file per thing, trouble on demand.

The engine runs it as `pulumi-resource-mcisfake` (see `launcher`). Things live as JSON files in the
directory that MCIS_FAKE_CLOUD names. Inputs that cause trouble: `badCheck`, `fail` (create refuses
with that message), `failUpdate`, `failDelete`, `delay` (seconds per create), `die` (the provider
process exits in the middle of the create). Changing `image` or `zone` replaces.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

PACKAGE, VERSION = "mcisfake", "0.1.0"
REPLACING = frozenset({"image", "zone"})


def launcher(folder: Path) -> Path:
    """Write `pulumi-resource-mcisfake` into a folder and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / f"pulumi-resource-{PACKAGE}"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" "$@"\n')
    script.chmod(0o755)
    return folder


def things(cloud: Path) -> dict[str, dict[str, Any]]:
    """What exists in the cloud, by id."""
    return {path.stem: json.loads(path.read_text()) for path in cloud.glob("*.json")}


def _plain(properties: Any) -> dict[str, Any]:
    return {name: _value(value.value) for name, value in properties.items()}


def _value(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_value(getattr(item, "value", item)) for item in value]
    if hasattr(value, "items"):
        return {name: _value(getattr(item, "value", item)) for name, item in value.items()}
    return value


def _follow_parent() -> None:
    """End when the engine is gone; the stock server would stay for ever."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def serve() -> None:  # noqa: C901 one class, made where the costly imports are
    import grpc
    from pulumi.provider.experimental import provider as p
    from pulumi.provider.experimental import server as stock
    from pulumi.provider.experimental.property_value import PropertyValue

    cloud = Path(os.environ["MCIS_FAKE_CLOUD"])

    class Fake(p.Provider):
        async def check(self, request: p.CheckRequest) -> p.CheckResponse:
            wrong = _plain(request.new_inputs).get("badCheck")
            problems = [p.CheckFailure("badCheck", str(wrong))] if wrong else []
            return p.CheckResponse(inputs=request.new_inputs, failures=problems)

        async def diff(self, request: p.DiffRequest) -> p.DiffResponse:
            old, new = request.old_state, request.new_inputs
            changed = [
                name for name in new if name not in request.ignore_changes and old.get(name) != new[name]
            ]
            changed += [name for name in old if name not in new and name not in {"address", "name"}]
            replaces = sorted(REPLACING & set(changed))
            return p.DiffResponse(changes=bool(changed), replaces=replaces, diffs=changed)

        async def create(self, request: p.CreateRequest) -> p.CreateResponse:
            if request.preview:
                return p.CreateResponse(resource_id="", properties=request.properties)
            wanted = _plain(request.properties)
            await asyncio.sleep(float(wanted.get("delay") or 0))
            if wanted.get("die"):
                os._exit(3)
            if wanted.get("fail"):
                raise ValueError(str(wanted["fail"]))
            key = "i-" + uuid.uuid4().hex[:8]
            (cloud / f"{key}.json").write_text(json.dumps(wanted, default=str))
            out = {**request.properties, "address": PropertyValue("10.0.0.1")}
            return p.CreateResponse(resource_id=key, properties=out)

        async def update(self, request: p.UpdateRequest) -> p.UpdateResponse:
            if not request.preview:
                if refusal := _plain(request.news).get("failUpdate"):
                    raise ValueError(str(refusal))
                (cloud / f"{request.resource_id}.json").write_text(
                    json.dumps(_plain(request.news), default=str)
                )
            return p.UpdateResponse(properties={**request.news, "address": PropertyValue("10.0.0.1")})

        async def read(self, request: p.ReadRequest) -> p.ReadResponse:
            if not (cloud / f"{request.resource_id}.json").exists():
                return p.ReadResponse(resource_id="", properties={}, inputs={})
            return p.ReadResponse(
                resource_id=request.resource_id, properties=request.properties, inputs=request.inputs
            )

        async def delete(self, request: p.DeleteRequest) -> None:
            old = _plain(request.properties)
            await asyncio.sleep(float(old.get("deleteDelay") or 0))
            if old.get("failDelete"):
                raise ValueError(str(old["failDelete"]))
            (cloud / f"{request.resource_id}.json").unlink(missing_ok=True)

    clean = stock.ProviderServicer

    class Clean(clean):  # type: ignore[misc, valid-type]
        async def Create(self, request: Any, context: Any) -> Any:
            try:
                return await super().Create(request, context)
            except Exception as refused:
                await context.abort(grpc.StatusCode.UNKNOWN, str(refused.__context__ or refused))

        async def Update(self, request: Any, context: Any) -> Any:
            try:
                return await super().Update(request, context)
            except Exception as refused:
                await context.abort(grpc.StatusCode.UNKNOWN, str(refused.__context__ or refused))

        async def Delete(self, request: Any, context: Any) -> Any:
            try:
                return await super().Delete(request, context)
            except Exception as refused:
                await context.abort(grpc.StatusCode.UNKNOWN, str(refused.__context__ or refused))

    stock.ProviderServicer = Clean
    threading.Thread(target=_follow_parent, daemon=True).start()
    stock.main(sys.argv[1:], VERSION, Fake())


if __name__ == "__main__":
    serve()
