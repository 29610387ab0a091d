"""Runs an ejected program, or a graph, against a monitor that keeps what is registered.

As a program (`python -m fakes.ejected`) it runs the project in the current folder: typed packages are
large, and a project's modules have ordinary names, so that needs a process of its own.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fakes.monitor import Monitor, run
from google.protobuf import json_format

from mcis_iac.eject.files import Ejected
from mcis_iac.program import interpreter
from mcis_iac.program.graph import Graph, refs

# The program runs inside the Automation API's own process, so that no language plugin is needed.
PREVIEW = """\
import json, runpy, sys
from pulumi import automation
def program():
    runpy.run_path("__main__.py", run_name="__main__")
sys.path.insert(0, ".")
options = automation.LocalWorkspaceOptions(work_dir=".")
stack = automation.select_stack(sys.argv[2], project_name=sys.argv[1], program=program, opts=options)
lines = []
found = stack.preview(color="never", diff=True, on_output=lines.append)
changes = {str(getattr(op, "value", op)): count for op, count in found.change_summary.items()}
print(json.dumps({"changes": changes, "text": "\\n".join(lines)}))
"""
PROJECT = "p"  # as the monitor calls it
OPTIONS = ("ignoreChanges", "replaceOnChanges", "additionalSecretOutputs")


def answers(graph: Graph) -> dict[str, dict[str, Any]]:
    """Outputs for every reference into a resource, so that each can be told from all others."""
    found: dict[str, dict[str, Any]] = {}
    for ref in refs([graph.outputs, *(each.inputs for each in graph.resources)]):
        if ref.path:
            first, *steps = ref.path.split(".")
            own = found.setdefault(ref.key, {})
            own[first] = _put(own.get(first), steps, f"{ref.key}.{ref.path}")
    return found


def _put(inside: Any, steps: list[str], value: str) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if not step.isdigit():
        known = inside or {}
        return {**known, step: _put(known.get(step), rest, value)}
    items = [*(inside or []), *({} for _ in range(int(step) + 1 - len(inside or [])))]
    items[int(step)] = _put(items[int(step)], rest, value)
    return items


def told(monitor: Monitor) -> dict[str, Any]:
    """Everything that was registered, in terms of JSON."""
    return {
        "resources": {name: _request(request) for name, request in monitor.requests.items()},
        "outputs": monitor.stack_outputs,
    }


def _request(request: Any) -> dict[str, Any]:
    whole = json_format.MessageToDict(request)
    return {
        "type": request.type,
        "version": request.version,
        "provider": request.provider,
        "parent": request.parent.rpartition("::")[2].replace("p-s", ""),
        "inputs": whole.get("object", {}),
        "dependencies": sorted(request.dependencies),
        "deletedWith": request.deletedWith,
        "deleteBeforeReplace": request.deleteBeforeReplace,
        "retainOnDelete": request.retainOnDelete,
        "env": whole.get("envVarMappings", {}),
        **{name: sorted(set(whole.get(name, []))) for name in OPTIONS},
    }


def of_graph(graph: Graph) -> dict[str, Any]:
    """What a graph registers."""
    return told(run(interpreter.program(graph), Monitor(answers=answers(graph))))


def of_project(folder: Path, graph: Graph, made: Ejected, counts: Mapping[str, Any]) -> dict[str, Any]:
    """What the ejected program registers."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(Path(__file__).parents[1]), str(folder)))}
    config = {f"{PROJECT}:{name}": json.dumps(value) for name, value in counts.items()}
    whole = {"config": config, "secrets": secrets(made), "answers": answers(graph)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "fakes.ejected"],
        input=json.dumps(whole), cwd=folder, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def previewed(folder: Path, graph: tuple[str, str], env: Mapping[str, str]) -> tuple[dict[str, int], str]:
    """What the engine would do for an ejected project, by operation, and what it says.

    `graph` is the names of project and stack; `env` has the backend, the passphrase and credentials.
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PREVIEW, *graph],
        cwd=folder, env=dict(env), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return found["changes"], found["text"]


def secrets(made: Ejected) -> dict[str, str]:
    """The config secrets as the engine hands them to a program: those below one name as an object."""
    found: dict[str, Any] = {}
    for path, value in made.secrets.items():
        name, _, inside = path.partition(".")
        if inside:
            found.setdefault(name, {})[inside] = value
        else:
            found[name] = value
    return {
        f"{PROJECT}:{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in found.items()
    }


def _main() -> None:
    from pulumi.runtime import set_all_config

    given = json.load(sys.stdin)
    set_all_config({**given["config"], **given["secrets"]}, list(given["secrets"]))

    def program() -> None:
        runpy.run_path("__main__.py", run_name="__main__")

    print(json.dumps(told(run(program, Monitor(answers=given["answers"])))))


if __name__ == "__main__":
    _main()
