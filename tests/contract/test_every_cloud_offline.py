"""What graphs and offline verbs cost: no SDK, no typed package; and that a graph is the same every time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process  # what an import loads is only seen in a fresh interpreter
ROOT = Path(__file__).parents[2]
STACKS = sorted(path.parent.name for path in ROOT.glob("stacks/*/mcis.yaml"))
TYPED = {"pulumi_aws", "pulumi_azure_native", "pulumi_gcp", "pulumi_openstack"}
SDKS = {"boto3", "botocore", "azure", "google", "requests", "openstack", "keystoneauth1"}
LOADED = "print('\\n' + ' '.join(sorted({m.split('.')[0] for m in sys.modules})))"
EVERY_GRAPH = """
import hashlib, sys
sys.path.insert(0, "tests")
from fakes.clouds import CLOUDS, built, rich
from mcis_iac.program import render
for cloud in CLOUDS:
    print(cloud, hashlib.sha256(render.as_json(built(rich(cloud))).encode()).hexdigest())
"""


def run(code: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def verb(*arguments: str) -> set[str]:
    """The packages that an `mcis` command loads."""
    code = (
        "import sys; from mcis_iac.cli.app import main\n"
        f"sys.argv = ['mcis', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"{LOADED}"
    )
    return set(run(code).splitlines()[-1].split())


def test_no_graph_needs_a_typed_package_or_an_sdk_or_the_engine() -> None:
    loaded = set(run(EVERY_GRAPH + LOADED).splitlines()[-1].split())
    assert not loaded & (TYPED | SDKS | {"pulumi"})


def test_a_graph_is_the_same_in_every_process() -> None:
    assert run(EVERY_GRAPH, PYTHONHASHSEED="1") == run(EVERY_GRAPH, PYTHONHASHSEED="2")


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("name", ["validate", "render"])
def test_an_offline_verb_needs_neither(name: str, stack: str) -> None:
    assert not verb(name, f"stacks/{stack}") & (TYPED | SDKS | {"pulumi"})


@pytest.mark.parametrize("arguments", [("--help",), ("explain", "MCIS290"), ("validate", "--help")])
def test_neither_does_a_word_of_help(arguments: tuple[str, ...]) -> None:
    assert not verb(*arguments) & (TYPED | SDKS | {"pulumi"})


def test_a_listening_session_needs_the_engine_but_no_typed_package() -> None:
    """What `preview`, `up`, `down` and the others that talk to the engine are made of."""
    modules = ("engine.operations", "flows.apply", "flows.prospect", "program.interpreter", "program.build")
    code = "import sys\n" + "".join(f"import mcis_iac.{module}\n" for module in modules) + LOADED
    loaded = set(run(code).splitlines()[-1].split())
    assert "pulumi" in loaded and not loaded & TYPED
