"""How our process and the engine find each other: connections that share nothing, and a second try.

The engine calls our program and is called back by it. gRPC keeps what it learnt of an address for the
whole process: where an earlier engine had been, a new one at the same port counts as unreachable for a
while (up to two minutes). So every connection learns for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pulumi.automation import CommandError
from pulumi.runtime import _grpc_settings

T = TypeVar("T")
ALONE = ("grpc.use_local_subchannel_pool", 1)
# The SDK's words for an engine that cannot be called back.
SILENT = "Resource monitor has terminated"


def separate() -> None:
    """Let connections to engines, which the SDK makes, share nothing; repeating is fine."""
    options = _grpc_settings._GRPC_CHANNEL_OPTIONS  # there is no public way
    if ALONE not in options:
        options.append(ALONE)


def once_more(work: Callable[[], T], begun: Callable[[], bool]) -> T:
    """Do it again, once, if the engine could not be called back before the program had even begun."""
    try:
        return work()
    except CommandError as failed:
        if begun() or SILENT not in str(failed):
            raise
    return work()
