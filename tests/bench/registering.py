"""Register a whole MCIS with a monitor that only keeps what it is told: no engine, no plugin.

`raw FOLDER ANSWERS` makes the graph of a manifest and registers it as this tool does, `typed FOLDER
ANSWERS` runs an ejected program. `answers FOLDER ANSWERS` writes what both are answered.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

from fakes.ejected import answers
from fakes.monitor import Monitor, run


def raw(folder: Path, monitor: Monitor) -> None:
    """A manifest's graph."""
    from mcis_iac import pipeline
    from mcis_iac.program import interpreter
    from mcis_iac.program.quiet import quiet

    with quiet():
        run(interpreter.program(pipeline.render(pipeline.Request(file=str(folder)))), monitor)


def typed(folder: Path, monitor: Monitor) -> None:
    """An ejected program with its own configuration."""
    import yaml
    from pulumi.runtime import set_all_config

    [stack] = folder.glob("Pulumi.*.yaml")
    counts = yaml.safe_load(stack.read_text(encoding="utf-8"))["config"]
    set_all_config({f"p:{name.partition(':')[2]}": json.dumps(value) for name, value in counts.items()})
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    run(lambda: runpy.run_path("__main__.py", run_name="__main__"), monitor)


def main() -> int:
    """Do what the words say; the last line is how many resources were registered."""
    what, folder, file = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if what == "answers":
        from mcis_iac import pipeline

        graph = pipeline.render(pipeline.Request(file=str(folder)))
        file.write_text(json.dumps(answers(graph)), encoding="utf-8")
        return 0
    monitor = Monitor(answers=json.loads(file.read_text(encoding="utf-8")))
    {"raw": raw, "typed": typed}[what](folder, monitor)
    print(len(monitor.requests))
    return 0


if __name__ == "__main__":
    sys.exit(main())
