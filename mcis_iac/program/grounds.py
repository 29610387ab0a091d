"""What the parts of a machine wait for without depending on it: networks that may have to be replaced.

An engine that deletes a network before it replaces it deletes first what is in it. A machine that it is
making anew just then, for a reason of its own, is in its state twice afterwards, and no further operation
reads such a state ("snapshot integrity failure", pulumi 3.259).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from mcis_iac.program.awaiting import Parts, alone
from mcis_iac.program.graph import Resource


class Grounds:
    """The networks of each provider, in the order they are registered in, and when all so far are there."""

    def __init__(self) -> None:
        self._networks: dict[str | None, list[Any]] = {}
        self._there: dict[str | None, Any] = {}

    def add(self, resource: Resource, registered: Any) -> None:
        """Note one that machines registered later wait for."""
        if resource.options.delete_before_replace and resource.subject.vm is None:
            self._networks.setdefault(resource.provider, []).append(registered)
            self._there.pop(resource.provider, None)

    def before(self, resource: Resource) -> list[Any]:
        """What a resource waits for: nothing, unless it is a part of a machine."""
        networks = self._networks.get(resource.provider)
        if resource.subject.vm is None or not networks:
            return []
        if resource.provider not in self._there:
            # A copy: a network that comes later may itself need a machine's address.
            self._there[resource.provider] = alone(_nothing_after(tuple(networks)))
        return [self._there[resource.provider]]


async def _nothing_after(registered: Sequence[Any]) -> Parts:
    """Nothing, once all of those were registered, whatever became of them."""
    await asyncio.gather(*(each.urn.future() for each in registered), return_exceptions=True)
    return None, True, False
