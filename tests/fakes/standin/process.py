"""The plugin process: `python -m fakes.standin.process PACKAGE VERSION CLOUD SHAPES [flags] HOST:PORT`."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path

import grpc.aio
from fakes.standin.servicer import Servicer

from mcis_iac.local_cloud.plugin import wire

OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.server_max_unrequested_time_in_server", 1800),
    ("grpc.so_reuseport", 0),
)


async def serve(package: str, version: str, cloud: Path, shapes: Path) -> None:
    """Serve until the engine says so or has gone."""
    parent, over = os.getppid(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    server = grpc.aio.server(options=OPTIONS)
    wire.service.add_ResourceProviderServicer_to_server(Servicer(package, version, cloud, shapes), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while os.getppid() == parent and not over.is_set():
        await asyncio.sleep(0.2)
    await server.stop(grace=1)
    _account(package, cloud / "usage.jsonl")


def _account(package: str, path: Path) -> None:
    """Note what this process cost, for measurements."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Not ru_maxrss, which a process inherits from the one that started it.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    mib = int(status["VmHWM"].split()[0]) / 1024
    row = {"package": package, "cpu_s": used.ru_utime + used.ru_stime, "mib": mib}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))
