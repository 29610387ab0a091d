"""The engine's protocol: its messages and the base class of a resource provider.

The generated modules lie inside the `pulumi` package, whose own import costs three times what this
plugin needs in all (0.2 s and 12 MiB at the start of every operation). They stand on their own, so
they are loaded below empty package objects, which are taken away again: a later `import pulumi` in
the same process gets the real package and these very modules.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

PROTO = "pulumi.runtime.proto"


def load(name: str) -> Any:
    """One generated module of the protocol, for example "provider_pb2"."""
    full = f"{PROTO}.{name}"
    if full in sys.modules:
        return sys.modules[full]
    placed = _stand_ins()
    try:
        return import_module(full)
    finally:
        for package in placed:
            del sys.modules[package]


def _stand_ins() -> list[str]:
    """Put an empty package wherever the real one is not loaded; the names that were added."""
    if "pulumi" in sys.modules:
        return []
    spec = find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        message = "the pulumi package is not installed"
        raise ModuleNotFoundError(message)
    folder, placed = Path(next(iter(spec.submodule_search_locations))), []
    for name in ("pulumi", "pulumi.runtime", PROTO):
        package = ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
        placed.append(name)
    return placed


messages: Any = load("provider_pb2")
service: Any = load("provider_pb2_grpc")


def status(code: int, message: str, detail: Any) -> bytes:
    """A `google.rpc.Status` with one detail, as gRPC carries it in its trailer."""
    answer = load("status_pb2").Status(code=code, message=message)
    answer.details.add().Pack(detail)
    return bytes(answer.SerializeToString())


STATUS_TRAILER = "grpc-status-details-bin"
