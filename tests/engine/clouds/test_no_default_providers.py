"""Whoever forgets to say which account a resource belongs to gets none, instead of the one at hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.standin.lab import Lab
from fakes.standin.stacks import group, over_clouds, plan_of

from mcis_iac.program.build import build

pytestmark = pytest.mark.engine


def test_a_resource_without_a_provider_is_refused_and_not_made_with_some_other(lab: Lab) -> None:
    mcis = over_clouds(group("web", 1, "aws"))
    whole = build(plan_of(mcis))
    (network,) = [replace(one, provider=None) for one in whole.resources if one.key.startswith("net/")]
    outcome = lab.knows(mcis).up(replace(whole, resources=(network,), outputs={}))
    assert not outcome.ok
    assert "Default provider" in f"{outcome.message} {outcome.failed}"
    assert lab.there() == []
