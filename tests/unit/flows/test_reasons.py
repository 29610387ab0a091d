"""A count is the reason of those it made or removed, not of a VM that was missing anyway."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.mcis import a_group, an_mcis, settled

from mcis_iac.flows.views import reasons
from mcis_iac.model import Change, Diff, Op, Subject

OLD = an_mcis(a_group("web", 2))


@pytest.mark.parametrize(
    ("count", "op", "reason"),
    [
        (3, Op.CREATE, "count 2 -> 3"),
        (1, Op.DELETE, "count 2 -> 1"),
        (1, Op.CREATE, None),
        (3, Op.DELETE, None),
        (2, Op.CREATE, None),
    ],
)
def test_a_count_explains_what_it_did(count: int, op: Op, reason: str | None) -> None:
    new = replace(OLD, groups={"web": replace(OLD.groups["web"], count=count)})
    change = Change(key="web-1", token="t", op=op, subject=Subject(group="web", vm="web-1"), is_vm=True)
    diff = Diff(changes=(change,), same=2, vms_before=2, vms_after=2)
    assert reasons(new, settled(OLD).lock, diff).get("web-1") == reason
