"""The life of the plugin process: it announces its port, serves, and ends with its engine.

An engine that ends well sends SIGINT. One that was killed says nothing, and the protocol has no
heartbeat; without watching, every such death would leave a provider behind for ever.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Final

import grpc.aio

from mcis_iac.local_cloud.plugin import wire
from mcis_iac.local_cloud.plugin.journal import LOG
from mcis_iac.local_cloud.plugin.server import OpenCloud, Servicer

PARENT_S: Final = 0.5  # how often the parent process is looked at; costs one system call
KNOCK_EVERY: Final = 10  # and how many such looks lie between two connections to the engine
# A call may wait long in a busy process; 30 s, the default, would fail it.
OPTIONS: Final = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.server_max_unrequested_time_in_server", 1800),
    ("grpc.so_reuseport", 0),
)


async def serve(open_cloud: OpenCloud, version: str, engine: str | None) -> None:
    """Serve until the engine has gone or a signal comes, then finish what was begun.

    `engine` is its address; None = nobody started us, engines attach to the port by themselves.
    """
    parent, over = os.getppid(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    server = grpc.aio.server(options=OPTIONS)
    servicer = Servicer(open_cloud, version)
    wire.service.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    _announce(port, keep_streams=engine is None)
    watch = asyncio.create_task(_engine_ends(engine, parent, over)) if engine else None
    await over.wait()
    LOG.info("ending")
    stop = asyncio.create_task(server.stop(grace=None if engine is None else 3600))
    await servicer.finish()
    await stop
    if watch:
        watch.cancel()


def _announce(port: int, *, keep_streams: bool) -> None:
    """Print the port, then let go of the streams.

    Whatever a machine's process inherits would otherwise keep the engine's pipes open, and the
    engine would wait for them for ever. Errors still reach it: through a copy no child inherits.
    """
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    if keep_streams:
        return
    sys.stderr.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


async def _engine_ends(engine: str, parent: int, over: asyncio.Event) -> None:
    """Set `over` when the process that started us is gone, or nobody listens at the engine's port.

    The second look is for a launcher between the engine and us, which may outlive it.
    """
    looks = 0
    while os.getppid() == parent:
        if looks % KNOCK_EVERY == 0 and not await _listens(engine):
            break
        looks += 1
        await asyncio.sleep(PARENT_S)
    LOG.warning("the engine is gone")
    over.set()


async def _listens(address: str) -> bool:
    """Whether a connection is accepted; only a clear refusal counts as no."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection(host, int(port))
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    writer.close()
    return True
