"""The model is one module to its users, whichever module a part of it is written in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mcis_iac import answers, model, pipeline, results

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("front,part", [(model, results), (pipeline, answers)])
def test_every_name_is_found_where_it_is_promised(front, part):
    for name in front.__all__:
        assert getattr(front, name) is not None
    own = {name for name, value in vars(part).items() if getattr(value, "__module__", "") == part.__name__}
    assert own <= set(front.__all__)


@pytest.mark.parametrize("front", [model, pipeline])
def test_a_name_nobody_has_is_an_attribute_error(front):
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = front.Nonsense


@pytest.mark.process  # what an import loads is only seen in a fresh interpreter
def test_checking_a_manifest_loads_no_value_of_what_happens_later():
    code = (
        "import sys; from mcis_iac.cli.app import run\n"
        "assert run(['validate', 'stacks/local-demo']) == 0\n"
        "late = {'results', 'answers', 'engine.events', 'report.diagnostics'}\n"
        "assert not {f'mcis_iac.{name}' for name in late} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
