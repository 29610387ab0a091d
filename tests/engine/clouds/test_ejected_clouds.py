"""Ejected programs over the stand-in's clouds: with the typed packages, on the state of the raw graph."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from fakes.ejected import previewed
from fakes.standin.lab import CREDENTIALS, Lab
from fakes.standin.stacks import everything, plan_of, three_clouds

from mcis_iac.eject.files import Stack, ejected, write
from mcis_iac.engine.home import passphrase
from mcis_iac.model import Mcis
from mcis_iac.program.build import build

pytestmark = pytest.mark.engine
STACKS = {name: everything(name) for name in ("gcp", "openstack")} | {"three": three_clouds()}
MORE = {name: everything(name) for name in ("aws", "azure")}
CASES = [
    *(pytest.param(mcis, id=name) for name, mcis in STACKS.items()),
    *(pytest.param(mcis, id=name, marks=pytest.mark.large) for name, mcis in MORE.items()),
]


@pytest.mark.parametrize("mcis", CASES)
def test_the_ejected_program_previews_no_change(lab: Lab, mcis: Mcis) -> None:
    graph = build(plan_of(replace(mcis, namespace=lab.session.project, name=lab.session.stack, env=None)))
    lab.knows(mcis).up(graph)
    made = ejected(graph, Stack())
    write(lab.root / "made", made)
    lab.clouds.install(lab.root / "data")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MCIS_", "PULUMI_"))}
    env |= {
        **CREDENTIALS,
        "PATH": f"{lab.engine.path.parent}{os.pathsep}{env['PATH']}",
        "PULUMI_BACKEND_URL": lab.session.backend_url,
        "PULUMI_CONFIG_PASSPHRASE": passphrase(lab.home),
        "PULUMI_HOME": str(lab.root / "data" / "pulumi-home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    changes, text = previewed(lab.root / "made", (lab.session.project, lab.session.stack), env)
    assert set(changes) == {"same"}, text
    assert "--outputs:--" not in text
