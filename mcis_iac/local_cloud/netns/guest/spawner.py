"""The process that starts machines: `python -m mcis_iac.local_cloud.netns.guest.spawner`.

The cloud lives in processes with threads, where forking is not safe; this one is small and has none.
It reads one line of JSON (the batch) and answers with JSON lines on stdout, `{"id", "pid"}`, then
`{"id", "ready"}` or `{"id", "error"}` per machine. After a second line, `go`, it lets them run.
End of file instead of `go` (the caller died) ends every machine before its first instruction.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from mcis_iac.local_cloud.netns.guest import kernel, namespaces, volumes


def report(line: Mapping[str, Any]) -> None:
    """One write below PIPE_BUF, so that lines of many processes do not mix."""
    text = json.dumps({key: value[:2000] if isinstance(value, str) else value for key, value in line.items()})
    os.write(1, text.encode() + b"\n")


def spawn(batch: Mapping[str, Any]) -> None:
    """Start every machine of the batch; they share one `go` pipe, each takes one byte of it."""
    user_namespace = kernel.user_namespace(*batch["ids"])
    go_read, go_write = os.pipe()
    children = []
    for order in batch["machines"]:
        child = os.fork()
        if child == 0:
            os.close(go_write)  # a copy left open would keep machines waiting for a dead caller
            namespaces.start(order, user_namespace, go_read, report)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    if sys.stdin.buffer.readline() == b"go\n":
        os.write(go_write, b"x" * len(children))


def probe(batch: Mapping[str, Any]) -> None:
    """Cables and rules in a network namespace of our own, then the trial machine of the batch."""
    import subprocess  # costly, and only needed here

    kernel.unshare(kernel.CLONE_NEWNET)
    cable = ["ip", "link", "add", "trial0", "type", "veth", "peer", "name", "trial1"]
    table = "table inet trial { map m { type ipv4_addr : verdict; }\n chain c { ct state invalid drop; }\n}\n"
    for command, text in ((cable, ""), (["nft", "-f", "-"], table)):
        answer = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise OSError(1, f"{' '.join(command[:3])}: {answer.stderr.strip()}")
    spawn(batch)


def main() -> None:
    batch = json.loads(sys.stdin.buffer.readline() or "{}")
    actions = {"spawn": spawn, "probe": probe, "volumes": volumes.change}
    try:
        actions[batch["action"]](batch)
    except (OSError, KeyError, ValueError) as exc:
        report({"id": "", "error": str(getattr(exc, "strerror", None) or exc)})


if __name__ == "__main__":
    main()
