"""`pulumi-resource-mcislocal`: the process through which the Pulumi engine reaches the local cloud.

The engine starts it with its own address as the last argument and reads the port from its first line
of output. With `--attach` it serves whatever engine is told its port (PULUMI_DEBUG_PROVIDERS).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from mcis_iac import __version__
from mcis_iac.local_cloud.api import CloudApi

USAGE = """usage: pulumi-resource-mcislocal [log flags] HOST:PORT
The Pulumi engine starts this provider, with its own address. To debug it, run it with --attach
and set PULUMI_DEBUG_PROVIDERS=mcislocal:PORT to the port it prints.
"""
WITH_VALUE = frozenset({"--tracing", "-tracing"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; 2 = started in a way only a person would."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given == ["--version"]:
        sys.stdout.write(f"{__version__}\n")
        return 0
    attach = given == ["--attach"]
    engine = None if attach else engine_address(given)
    if engine is None and not attach:
        sys.stderr.write(USAGE)
        return 2
    _run(engine)
    return 0


def engine_address(arguments: Sequence[str]) -> str | None:
    """The engine's HOST:PORT among the arguments, its own flags aside; None if it is not there."""
    words = iter(arguments)
    rest = []
    for word in words:
        if word in WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            rest.append(word)
    host, _, port = rest[-1].rpartition(":") if len(rest) == 1 else ("", "", "")
    return rest[0] if host and port.isdigit() else None


def open_cloud(site: str, backend: str) -> CloudApi:
    """The real cloud; loaded when the first resource needs it, a preview does without."""
    from mcis_iac.local_cloud.cloud import LocalCloud

    return LocalCloud.open(site, backend)


def _run(engine: str | None) -> None:
    # Machines are forked from this process; gRPC's own fork hooks would only get in their way.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    import asyncio

    from mcis_iac.local_cloud.plugin.lifetime import serve

    asyncio.run(serve(open_cloud, __version__, engine))


if __name__ == "__main__":
    sys.exit(main())
