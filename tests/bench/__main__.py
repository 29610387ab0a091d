"""`make bench [SIZES="5 100"]`: speed and memory, beside a plain Pulumi program and Terraform.

Whole processes are timed, from start to exit, on copies of manifests in a fresh folder with a local
cloud of its own. Machines are noisy: compare within one run. Nothing here fails when it is slow.
README.md beside this says what the columns mean and what dominates.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.bench import clouds, cold, engine, peers
from tests.bench.measure import Table


def main() -> int:
    sizes = [int(word) for word in os.environ.get("SIZES", "5 100 1000").split()]
    table = Table(("what", "size", "seconds", "at most", "CPU s", "MiB"))
    # Not below /tmp: an overlay over the host's file system must lie on the same mount.
    with tempfile.TemporaryDirectory(prefix="mcis-bench-", dir="/var/tmp") as folder:
        room = Path(folder)
        room.chmod(0o711)
        try:
            cold.run(table, room)
            clouds.run(table, room)
            for size in sizes:
                engine.run(table, room, size)
                peers.run(table, room, size)
        finally:  # interrupted, a cloud may still have VMs, and they would outlive its folder
            engine.remove_clouds(room)
    table.done()
    return 0


if __name__ == "__main__":
    sys.exit(main())
