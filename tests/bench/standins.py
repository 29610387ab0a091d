"""One verb over four clouds that stand-in plugins play: `python -m tests.bench.standins VERB MACHINES`.

Works in the current folder. The last line says what it cost whom, as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

from fakes.standin import Standin
from fakes.standin.lab import CREDENTIALS, Lab
from fakes.standin.stacks import four_clouds, plan_of

from mcis_iac.engine import bootstrap
from mcis_iac.program.build import build


def main() -> int:
    """Do it; 1 when something failed."""
    verb, machines = sys.argv[1], int(sys.argv[2])
    os.environ |= CREDENTIALS
    room = Path.cwd() / ("warm" if verb == "warm" else "stack")
    room.mkdir(exist_ok=True)
    engine = bootstrap.find()
    assert engine is not None
    clouds = Standin(room / "clouds", Path.cwd() / "shapes")
    mcis = four_clouds(machines // 4)
    lab = Lab(root=room, engine=engine, clouds=clouds).knows(mcis)
    began = time.process_time()
    graph = build(plan_of(mcis))
    took = time.process_time() - began
    before = len(clouds.used())
    if verb in ("preview", "warm"):
        ok, steps = True, len(lab.preview(graph).changes)
    else:
        outcome = lab.down() if verb == "down" else lab.up(graph)
        ok, steps = outcome.ok, len(outcome.steps)
    own = resource.getrusage(resource.RUSAGE_SELF)
    cost = {
        "graph": took,
        "here": own.ru_utime + own.ru_stime,
        "plugins": sum(each["cpu_s"] for each in clouds.used()[before:]),
        "resources": len(graph.resources),
        "steps": steps,
    }
    print(json.dumps(cost))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
