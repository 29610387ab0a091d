"""Two accounts of one cloud in one stack, each with variables of its own, which are written nowhere."""

from __future__ import annotations

import pytest
from fakes.mcis import a_group, an_mcis
from fakes.standin.lab import CREDENTIALS, Lab
from fakes.standin.stacks import CONNECTIONS, FLAVORS, PLACES, plan_of

from mcis_iac.model import Connection, Mcis
from mcis_iac.program.build import build

pytestmark = pytest.mark.engine
# What proves who one is, and what only says who that is.
SECRET = {
    "aws": "AWS_SECRET_ACCESS_KEY",
    "gcp": "GOOGLE_OAUTH_ACCESS_TOKEN",
    "azure": "ARM_CLIENT_SECRET",
    "openstack": "OS_PASSWORD",
}


def two_accounts(cloud: str) -> Mcis:
    connections = {
        name: Connection(
            name=name,
            cloud=cloud,
            settings={**CONNECTIONS[cloud], "env": {SECRET[cloud]: f"{name.upper()}_SECRET"}},
        )
        for name in ("one", "two")
    }
    groups = (
        a_group(f"in-{name}", 1, cloud=cloud, connection=name, region=PLACES[cloud], type=FLAVORS.get(cloud))
        for name in connections
    )
    return an_mcis(*groups, connections=connections)


@pytest.mark.parametrize("cloud", sorted(SECRET))
def test_two_accounts_of_a_cloud_are_one_stack(lab: Lab, cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRET[cloud])
    mine = {f"{name}_SECRET": f"the-secret-of-account-{name.lower()}" for name in ("ONE", "TWO")}
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    lab.variables = (*CREDENTIALS, *mine)
    mcis = two_accounts(cloud)
    outcome = lab.knows(mcis).up(build(plan_of(mcis)))
    assert outcome.ok, outcome.failed
    assert sorted(outcome.outputs["inventory"]) == ["in-one-1", "in-two-1"]
    assert lab.files_with(*mine.values()) == []
