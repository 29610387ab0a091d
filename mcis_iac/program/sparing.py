"""Registering only what can be made: what needs something that failed is left for the next run.

The engine skips neither: it checks such a resource, misses the value that never came, and ends the
whole program, so that one network that fails would keep every other region from being made. What
exists is registered all the same: leaving it out would tell the engine to delete it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pulumi
from pulumi.runtime.proto import resource_pb2 as messages

Exists = Callable[[], Collection[str]]


class Sparing:
    """Stands between the program and the engine's resource monitor.

    `exists` gives the URNs in state; it is asked only once something has failed. `lost` collects, for
    everything that was left out, the URN of what it waits for.
    """

    def __init__(self, monitor: Any, exists: Exists, lost: dict[str, str]) -> None:
        self._monitor, self._exists, self._lost = monitor, exists, lost
        self._failed: dict[str, str] = {}  # what failed or was left out -> where it began

    def __getattr__(self, name: str) -> Any:
        return getattr(self._monitor, name)

    def RegisterResource(self, request: Any, *rest: Any, **named: Any) -> Any:
        """Ask the engine, or say that it was skipped."""
        urn = _urn(request)
        origin = next((self._failed[each] for each in _needs(request) if each in self._failed), None)
        if origin is not None and _names(request, urn).isdisjoint(self._exists()):
            self._failed[urn] = self._lost[urn] = origin
            return messages.RegisterResourceResponse(urn=urn, result=messages.Result.FAIL)
        response = self._monitor.RegisterResource(request, *rest, **named)
        if response.result != messages.Result.SUCCESS:
            self._failed[urn] = origin or urn
        return response


def _urn(request: Any) -> str:
    return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{request.type}::{request.name}"


def _names(request: Any, urn: str) -> set[str]:
    """The URN and those it had under other names."""
    former = [each.spec.name for each in request.aliases if each.spec.name]
    return {urn, *(f"{urn.removesuffix(request.name)}{name}" for name in former)}


def _needs(request: Any) -> set[str]:
    direct = {urn for each in request.propertyDependencies.values() for urn in each.urns}
    return direct | set(request.dependencies)
